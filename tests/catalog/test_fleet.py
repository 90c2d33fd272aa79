"""What workers report: the newest report of a partition counts; workers go when nothing was heard for an hour."""

import pytest
from towns import NOW, at_once

from catalog import Catalog
from catalog.fleet import GONE_MS, InForce, Loading, Worker


def in_force(partition: int, publication: int, layer: str = "town", worker: str = "w") -> InForce:
    return InForce(partition, layer, publication, f"hash-{publication}", NOW + publication, worker)


def test_what_was_reported_last_of_a_partition_is_in_force_there(catalog: Catalog) -> None:
    fleet = catalog.fleet
    fleet.put_in_force(0, [in_force(0, 1), in_force(0, 7, "other")])
    fleet.put_in_force(1, [in_force(1, 1)])
    fleet.put_in_force(0, [in_force(0, 2), in_force(0, 7, "other")])
    assert fleet.in_force("town") == [in_force(0, 2), in_force(1, 1)]
    assert fleet.in_force() == [in_force(0, 7, "other"), in_force(0, 2), in_force(1, 1)]
    assert fleet.in_force("nowhere") == []


def test_a_partition_whose_log_was_made_anew_has_nothing_in_force(catalog: Catalog) -> None:
    catalog.fleet.put_in_force(0, [in_force(0, 2)])
    catalog.fleet.put_in_force(1, [in_force(1, 2)])
    catalog.fleet.put_in_force(0, [])
    assert catalog.fleet.in_force() == [in_force(1, 2)]


def test_of_reports_at_once_one_is_kept_whole(url: str, catalog: Catalog) -> None:
    def act(own: Catalog, number: int) -> None:
        for _ in range(6):
            own.fleet.put_in_force(0, [in_force(0, number + 1, layer) for layer in ("one", "two", "three")])

    assert at_once(url, act) == [None] * 6
    assert len({one.publication for one in catalog.fleet.in_force()}) == 1
    assert len(catalog.fleet.in_force()) == 3


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
    catalog.fleet.put_in_force(0, [in_force(0, 1, worker="w-1")])
    assert catalog.fleet.sweep(now_ms=NOW + GONE_MS - 1) == 0
    assert catalog.fleet.sweep(now_ms=NOW + GONE_MS) == 1
    assert [one.id for one in catalog.fleet.workers()] == ["w-2"]
    assert catalog.fleet.in_force() == [in_force(0, 1, worker="w-1")]
