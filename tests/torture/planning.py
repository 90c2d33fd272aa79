"""The administrators of a run: some version of some layer is to be published, every few seconds, and what came of it.

Invariant: each publication replaces the one that was published last, as the catalog asks; one that is on its way is
waited for, one that was sent may be overtaken.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

from catalog import Catalog, CatalogError
from catalog.publication import FAILED, IN_FORCE, SENT, Publication
from catalog.version import Version
from ingest.worker import wall_ms
from tests.torture.archive import BY
from tests.torture.town import VERSIONS
from web.calling import called

EVERY_S = 3.0
_OVER = (IN_FORCE, FAILED)
_LOOK_S = 0.05


class Planner:
    """Plans publications. `planned`: how many."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self._catalog, self._chance = catalog, Random(f"planner {seed}")
        self.planned = 0
        self._now, self._stop = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Until it is told to stop."""
        for layer in VERSIONS:
            await self.plan(layer)
        while not self._stop.is_set():
            self._now.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._now.wait(), EVERY_S)
            if not self._stop.is_set():
                await self.plan(self._chance.choice([*VERSIONS]))

    def order(self) -> None:
        """Plan one now."""
        self._now.set()

    def stop(self) -> None:
        """Plan no more."""
        self._stop.set()
        self._now.set()

    async def draw(self, layer: str) -> Version | None:
        """A version that is not the published one; None: the catalog does not say."""
        with suppress(CatalogError):
            last = await called(self._catalog.publications.last, layer)
            every = await called(self._catalog.versions.list, layer)
            return self._chance.choice([one for one in every if last is None or one.number != last.version])
        return None

    async def plan(self, layer: str, number: int | None = None) -> Publication | None:
        """Plan a version of a layer, any other one if it is not said which; None: not now."""
        with suppress(CatalogError):
            last = await called(self._catalog.publications.last, layer)
            if number is None and (other := await self.draw(layer)) is not None:
                number = other.number
            if number is not None:
                its = {"overtake": True, "comment": "because", "by": BY, "now_ms": wall_ms()}
                replaces = None if last is None else last.version
                made = await called(self._catalog.publications.plan, layer, number, replaces=replaces, **its)
                self.planned += 1
                return made
        return None

    async def find(self, layer: str, number: int) -> Publication | None:
        """A publication as it is now; None: the catalog does not say."""
        with suppress(CatalogError):
            return await called(self._catalog.publications.get, layer, number)
        return None

    async def ended(self, layer: str, number: int, *, sent: bool = False) -> Publication:
        """A publication, once it is in force everywhere, or has failed; with `sent` also once it is in the log."""
        ends = (*_OVER, SENT) if sent else _OVER
        while (found := await self.find(layer, number)) is None or found.state not in ends:
            await asyncio.sleep(_LOOK_S)
        return found

    async def overtaken(self, layer: str, number: int) -> bool:
        """Whether a later publication of the layer is known to be sent."""
        with suppress(CatalogError):
            newest = (await called(self._catalog.publications.newest_sent)).get(layer)
            return newest is not None and newest.number > number
        return False

    async def settled(self) -> None:
        """Wait until no publication is on its way."""
        for layer in VERSIONS:
            while True:
                with suppress(CatalogError):
                    every = await called(self._catalog.publications.list, layer)
                    if all(one.state in _OVER for one in every):
                        break
                await asyncio.sleep(_LOOK_S)
