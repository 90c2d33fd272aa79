"""What workers report: never back to an older publication, and gone when nothing was heard for an hour."""

import random

import pytest
from towns import NOW, at_once

from catalog import Catalog
from catalog.fleet import GONE_MS, InForce, Loading, Worker


def in_force(partition: int, publication: int, layer: str = "town", worker: str = "w") -> InForce:
    return InForce(partition, layer, publication, f"hash-{publication}", NOW + publication, worker)


def test_each_partition_has_its_newest_publication_of_each_layer(catalog: Catalog) -> None:
    fleet = catalog.fleet
    fleet.put_in_force([in_force(1, 1), in_force(0, 1), in_force(0, 7, "other")])
    fleet.put_in_force([in_force(0, 2)])
    assert fleet.in_force("town") == [in_force(0, 2), in_force(1, 1)]
    assert fleet.in_force() == [in_force(0, 7, "other"), in_force(0, 2), in_force(1, 1)]
    assert fleet.in_force("nowhere") == []
    fleet.put_in_force([])


def test_what_is_in_force_never_goes_back_and_keeps_the_time_at_which_it_came(catalog: Catalog) -> None:
    catalog.fleet.put_in_force([in_force(0, 2, worker="first")])
    catalog.fleet.put_in_force([in_force(0, 1)])
    catalog.fleet.put_in_force([in_force(0, 2, worker="second")])
    assert catalog.fleet.in_force() == [in_force(0, 2, worker="first")]


def test_of_many_reports_at_once_the_newest_stay(url: str, catalog: Catalog) -> None:
    def act(own: Catalog, number: int) -> None:
        order = random.Random(number)
        for _ in range(6):
            reports = [in_force(partition, order.randint(1, 50)) for partition in range(8)]
            order.shuffle(reports)
            own.fleet.put_in_force([*reports, in_force(8, number + 1)])

    assert at_once(url, act) == [None] * 6
    newest = {one.partition: one.publication for one in catalog.fleet.in_force()}
    draws = [random.Random(number) for number in range(6)]
    expected = dict.fromkeys(range(8), 0) | {8: 6}
    for order in draws:
        for _ in range(6):
            reports = [(partition, order.randint(1, 50)) for partition in range(8)]
            for partition, number in reports:
                expected[partition] = max(expected[partition], number)
            order.shuffle(reports)
    assert newest == expected


@pytest.fixture
def worker() -> Worker:
    """A worker with two versions."""
    versions = {"h1": Loading("ready"), "h2": Loading("failed", "no \x00 memory \ud800")}
    return Worker("w-1", "host-a", 17, NOW, (0, 3), versions)


def test_a_worker_is_as_it_was_last_heard_of(catalog: Catalog, worker: Worker) -> None:
    catalog.fleet.seen(worker)
    assert catalog.fleet.workers() == [worker]
    later = Worker("w-1", "host-a", 17, NOW + 5, (), {"h2": Loading("loading")})
    catalog.fleet.seen(later)
    assert catalog.fleet.workers() == [later]
    catalog.fleet.leave("w-1")
    assert catalog.fleet.workers() == []


def test_a_worker_that_was_not_heard_of_for_an_hour_is_forgotten(catalog: Catalog, worker: Worker) -> None:
    catalog.fleet.seen(worker)
    catalog.fleet.seen(Worker("w-2", "host-a", 18, NOW + 1, ()))
    catalog.fleet.put_in_force([in_force(0, 1, worker="w-1")])
    assert catalog.fleet.sweep(now_ms=NOW + GONE_MS - 1) == 0
    assert catalog.fleet.sweep(now_ms=NOW + GONE_MS) == 1
    assert [one.id for one in catalog.fleet.workers()] == ["w-2"]
    assert catalog.fleet.in_force() == [in_force(0, 1, worker="w-1")]
