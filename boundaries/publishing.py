"""Carries publications on: from planned to in force on every partition.

Run beside the endpoints, by any number of processes; the catalog's lease lets one at a time write. A publication is
prepared first (every worker there is has loaded the version), then written to the log, then watched. Invariants: what
is written can be written again, since a partition obeys each number once and never an older one; a version that some
worker can't load is not sent, and the one before stays in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial

from boundaries.enduring import endure
from catalog import Catalog, CatalogError
from catalog.fleet import FAILED, READY, Worker
from catalog.publication import SENT, Publication
from geofence.control import Switch
from stream.port import LogError
from web.calling import called

_WATCH_MS = 5_000  # between two looks at one that takes long, at most
_log = logging.getLogger("geofence.boundaries")

Order = Callable[[Switch, int | None], Awaitable[None]]  # append to a partition, or (None) to every one


@dataclass(frozen=True, slots=True)
class PublishingSettings:
    """What can be set of it."""

    # Seconds between two looks at whether there is something to do.
    look_s: float = 0.2
    # Seconds for which a process may carry a publication on without a sign of life.
    lease_s: float = 15.0
    # Seconds without a sign of life after which a worker is not waited for.
    worker_s: float = 15.0
    # Seconds that workers have to load a version before its publication is given up.
    prepare_s: float = 300.0
    # Seconds after which a partition that has not said that a version is in force is told again.
    again_s: float = 30.0

    def __post_init__(self) -> None:
        """Check every value. Raises ValueError with its name."""
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 < value < 1e12:
                raise ValueError(f"{one.name} is {value!r}; allowed: more than 0")


class Publisher:
    """Carries on whatever publication there is."""

    def __init__(
        self,
        catalog: Catalog,
        order: Order,
        partitions: int,
        holder: str,
        now_ms: Callable[[], int],
        settings: PublishingSettings | None = None,
    ) -> None:
        self._catalog, self._order, self._partitions = catalog, order, partitions
        self._holder, self._now_ms, self._settings = holder, now_ms, settings or PublishingSettings()
        self._told: dict[tuple[str, int], int] = {}  # when a layer's publication was last written again
        self._reminded_ms = 0

    async def run(self) -> None:
        """Until it is cancelled. What does not answer is asked again."""
        await endure("publishing", self.step, partial(asyncio.sleep, self._settings.look_s))

    async def step(self) -> bool:
        """Carry one publication on as far as it goes now; whether there was one. Raises CatalogError and LogError."""
        now_ms, lease_s = self._now_ms(), self._settings.lease_s
        held = await called(self._catalog.publishing.take, self._holder, now_ms=now_ms, lease_s=lease_s)
        if held is None:
            await self._remind()
            return False
        try:
            if held.state == SENT or (await self._prepare(held) and await self._send(held)):
                await self._watch(held)
        except (CatalogError, LogError):
            await self._let_go(held)
            raise
        return True

    async def _let_go(self, held: Publication) -> None:
        """Have it carried on soon, by whoever can; should the catalog not hear that, once the lease is over."""
        again_ms = self._now_ms() + round(self._settings.look_s * 1000)
        with suppress(CatalogError):
            await called(self._catalog.publishing.release, held, again_ms=again_ms)

    async def _prepare(self, held: Publication) -> bool:
        """Wait until every worker has the version; False: it is not to be sent, or not by us."""
        begun_ms, settings = self._now_ms(), self._settings
        while True:
            now_ms = self._now_ms()
            workers: list[Worker] = await called(self._catalog.fleet.workers)
            waiting = []
            for one in workers:
                if one.seen_ms < now_ms - settings.worker_s * 1000:
                    continue
                loading = one.versions.get(held.hash)
                if loading is not None and loading.state == FAILED:
                    return await self._give_up(held, f"worker {one.id} can't load it: {loading.reason}")
                if loading is None or loading.state != READY:
                    waiting.append(one)
            if not waiting:
                return True
            if now_ms - begun_ms > settings.prepare_s * 1000:
                names = ", ".join(one.id for one in waiting)
                return await self._give_up(held, f"not loaded within {settings.prepare_s:g} s by: {names}")
            if not await called(self._catalog.publishing.keep, held, now_ms=now_ms, lease_s=settings.lease_s):
                return False
            await asyncio.sleep(settings.look_s)

    async def _give_up(self, held: Publication, reason: str) -> bool:
        _log.error("publication %s failed: %s", held.target, reason, extra={"action": "publication_failed"})
        await called(self._catalog.publishing.fail, held, reason, now_ms=self._now_ms())
        return False

    async def _send(self, held: Publication) -> bool:
        """Write it to the log; whether it is there, and we may go on."""
        if not await called(self._catalog.publishing.send, held, now_ms=self._now_ms()):
            return False
        await self._order(self._switch(held), None)
        _log.info("publication %s is in the log", held.target, extra={"action": "publication_sent"})
        return bool(await called(self._catalog.publishing.sent, held, now_ms=self._now_ms()))

    async def _watch(self, held: Publication) -> None:
        """End it if it is in force everywhere, else have it looked at again."""
        left = await self._missing(held)
        now_ms = self._now_ms()
        if not left:
            if await called(self._catalog.publishing.done, held, now_ms=now_ms):
                _log.info("publication %s is in force", held.target, extra={"action": "publication_in_force"})
            return
        await self._tell_again(held, left)
        wait_ms = min(_WATCH_MS, max(round(self._settings.look_s * 1000), (now_ms - (held.sent_ms or now_ms)) // 10))
        await called(self._catalog.publishing.release, held, again_ms=now_ms + wait_ms)

    async def _remind(self) -> None:
        """Write again what was in force, where a partition says now that it is not: its log is another, or lost it."""
        now_ms = self._now_ms()
        if now_ms - self._reminded_ms < self._settings.again_s * 1000:
            return
        self._reminded_ms = now_ms
        newest: dict[str, Publication] = await called(self._catalog.publications.newest_sent)
        for one in newest.values():
            left = await self._missing(one)
            if left:
                await self._tell_again(one, left)

    async def _missing(self, one: Publication) -> list[int]:
        """The partitions that have not said that it, or a later one, is in force."""
        told = {its.partition: its.publication for its in await called(self._catalog.fleet.in_force, one.layer)}
        return [number for number in range(self._partitions) if told.get(number, 0) < one.number]

    async def _tell_again(self, one: Publication, partitions: list[int]) -> None:
        """Write it to these partitions again, if it was not just written."""
        key, now_ms = (one.layer, one.number), self._now_ms()
        last_ms = max(self._told.get(key, 0), one.sent_ms or now_ms)
        if now_ms - last_ms < self._settings.again_s * 1000:
            return
        self._told[key] = now_ms
        for partition in partitions:
            await self._order(self._switch(one), partition)
        _log.warning("publication %s was written again to partitions %s", one.target, partitions,
                     extra={"action": "publication_again"})  # fmt: skip

    def _switch(self, one: Publication) -> Switch:
        return Switch(layer=one.layer, version=one.hash, at_ms=self._now_ms(), number=one.number)
