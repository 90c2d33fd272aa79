"""A worker lets go of a version only when nobody can count on it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from worlds import partition

from catalog.fleet import READY, Worker
from geofence.atlas import Atlas
from geofence.wire_tracks import LayerInForce
from ingest.following import CatalogFences, Follower
from ingest.settings import WorkerSettings
from ingest.status import State, Status

OLD, NEW = Atlas(partition(layer="old")), Atlas(partition(layer="new"))
ATLASES = {atlas.version.hash: atlas for atlas in (OLD, NEW)}
A, B = ATLASES


class Following:
    """A follower, what it is asked for, and what it says."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.said: Worker | None = None
        self.loads: list[str] = []
        self.status = Status()
        self.fences = CatalogFences(self._load, WorkerSettings())
        fleet = SimpleNamespace(put_in_force=lambda *_: None, seen=self._seen)
        publications = SimpleNamespace(wanted=lambda: [SimpleNamespace(hash=key) for key in self.wanted])
        catalog: Any = SimpleNamespace(publications=publications, fleet=fleet)
        self._follower = Follower(catalog, self.fences, self.status, lambda: 1)

    async def look(self, *wanted: str) -> set[str]:
        """Look once at what is wanted now; which versions it has said to have."""
        self.wanted = set(wanted)
        await self._follower._look()
        await asyncio.sleep(0.01)
        return {key for key, one in self.said.versions.items() if one.state == READY} if self.said else set()

    async def _load(self, key: str) -> Atlas:
        self.loads.append(key)
        return ATLASES[key]

    def _seen(self, one: Worker) -> None:
        self.said = one


def told(story: Callable[[Following], Awaitable[None]]) -> None:
    """Tell a story in which both versions are at hand, and said to be."""

    async def run() -> None:
        its = Following()
        await its.look(A, B)
        assert await its.look(A, B) == {A, B}
        await story(its)

    asyncio.run(run())


def test_it_first_says_that_a_version_is_not_to_be_counted_on_and_then_lets_go_of_it():
    async def story(its: Following) -> None:
        assert await its.look(A) == {A}
        assert B in its.fences.library
        await its.look(A)
        assert B not in its.fences.library

    told(story)


def test_a_version_that_was_asked_for_before_that_was_said_stays_at_hand():
    async def story(its: Following) -> None:
        await its.look(A)
        await its.look(A, B)
        assert await its.look(A, B) == {A, B}
        assert its.loads.count(B) == 1

    told(story)


def test_a_version_that_is_in_force_or_left_behind_stays_at_hand():
    async def story(its: Following) -> None:
        its.status.of(0, 1).state = State.RUNNING
        its.status.of(0, 1).in_force = (LayerInForce("old", A, 1, before=B),)
        for _ in range(3):
            assert await its.look() == {A, B}
        its.status.of(0, 1).in_force = (LayerInForce("old", A, 1),)
        for _ in range(3):
            assert await its.look() == {A}
        assert B not in its.fences.library

    told(story)


def test_nothing_is_let_go_while_a_partition_is_restored():
    async def story(its: Following) -> None:
        its.status.of(0, 1)
        for _ in range(3):
            assert await its.look() == {A, B}

    told(story)


def test_a_version_that_was_let_go_is_loaded_again():
    async def story(its: Following) -> None:
        await its.look(A)
        await its.look(A)
        await its.fences.have(B)
        assert B in its.fences.library
        assert its.loads.count(B) == 2

    told(story)
