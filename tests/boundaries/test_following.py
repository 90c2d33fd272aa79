"""A worker that follows a catalog: what it keeps at hand, what it reports, and that nothing ends it unheard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from office import running
from shapely import box

from catalog import Catalog, open_catalog, upgrade
from geofence.atlas import Atlas
from geofence.region import Region, Version
from geofence.wire_tracks import LayerInForce
from ingest.following import CatalogFences, Follower
from ingest.partition import Partition
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, State, Status
from stream.port import Grip, Unavailable

SQUARE = Atlas(Version.of("areas", [Region("a", box(0, 0, 1, 1))]))
KEY = SQUARE.version.hash
SETTINGS = WorkerSettings(backoff_s=0.01, backoff_most_s=0.02)


@pytest.fixture
def catalog(tmp_path):
    """One that is up to date."""
    upgrade(f"sqlite:{tmp_path}/catalog.db")
    with open_catalog(f"sqlite:{tmp_path}/catalog.db") as its:
        yield its


def loaded(load: Callable[[str], Awaitable[Atlas]] | None = None) -> CatalogFences:
    """Fences whose versions are all the same square."""

    async def square(_: str) -> Atlas:
        return SQUARE

    return CatalogFences(load or square, SETTINGS)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def looked_twice(catalog: Catalog, follower: Follower) -> None:
    """Wait until a follower has gone through its steps at least once."""
    looks = 0
    ask = catalog.publications.wanted

    def counted():
        nonlocal looks
        looks += 1
        return ask()

    catalog.publications.wanted = counted
    await until(lambda: looks > 2)
    assert [one.id for one in catalog.fleet.workers()] == [follower.id]


@pytest.mark.parametrize("state", [State.RESTORING, State.RUNNING])
def test_a_version_is_let_go_of_unless_a_partition_is_being_restored(catalog, state):
    async def story() -> None:
        fences, status = loaded(), Status({0: PartitionStatus(0, 0, state, in_force=())})
        await fences.have(KEY)
        follower = Follower(catalog, fences, status, lambda: 10**12)
        async with running(follower.follow()):
            await looked_twice(catalog, follower)
        assert (KEY in fences.library) == (state is State.RESTORING)

    asyncio.run(story())


def test_a_partition_that_is_taken_again_reports_nothing_before_it_is_restored():
    class Away:
        partition, revoked = 0, asyncio.Event()

        def take(self) -> AbstractAsyncContextManager[Grip]:
            raise Unavailable("not now")

    async def story() -> None:
        status, stop = PartitionStatus(0, 0, in_force=(LayerInForce("areas", KEY, 0),)), asyncio.Event()
        living = Partition(None, loaded(), SETTINGS, lambda: 0).live(Away(), status, stop)  # type: ignore[arg-type]
        async with running(living):
            await until(lambda: status.failures > 0)
            assert status.in_force is None

    asyncio.run(story())


def test_a_version_that_was_awaited_is_at_hand_though_it_was_let_go_of_meanwhile():
    loads = []

    async def square(key: str) -> Atlas:
        loads.append(key)
        if len(loads) == 1:  # between the end of the loading and whoever waits for it
            asyncio.get_running_loop().call_soon(fences.let_go, {KEY})
        return SQUARE

    fences = loaded(square)
    asyncio.run(fences.have(KEY))
    assert KEY in fences.library
    assert loads == [KEY, KEY]


def test_a_loading_that_broke_off_is_not_under_way_for_ever():
    async def broken(_: str) -> Atlas:
        raise MemoryError

    fences = loaded(broken)
    with pytest.raises(MemoryError):
        asyncio.run(fences.have(KEY))
    assert fences.loadings == {}


def test_a_row_that_nobody_understands_does_not_end_the_following(catalog):
    async def story() -> None:
        follower = Follower(catalog, loaded(), Status(), lambda: 10**12)
        ask, catalog.publications.wanted = catalog.publications.wanted, lambda: 1 / 0
        async with running(follower.follow()):
            await asyncio.sleep(0.1)
            catalog.publications.wanted = ask
            await looked_twice(catalog, follower)

    asyncio.run(story())
