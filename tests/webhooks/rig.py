"""A log, a catalog and the senders of webhooks in one process, with a time that tests move on. Not a test itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from catalog import Catalog, open_catalog, upgrade
from catalog.deliveries import Progress
from catalog.webhook import Filters, Webhook
from ingest.topics import CHANGES, topics
from ingest.webhooks.runner import Runner, running
from ingest.webhooks.settings import WebhookSettings
from stream.sqlite import SqliteLog, open_log
from tests.gateway.one_process import event_record

PARTITIONS = 4
_STEP_S, _SETTLE_S = 0.002, 0.3


class MovedClock:
    """Stands until it is moved on."""

    def __init__(self) -> None:
        self._now_ms = float(time.time_ns() // 1_000_000)
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return round(self._now_ms)

    async def sleep(self, seconds: float) -> None:
        """Until it has been moved on by so much."""
        one = (self._now_ms + seconds * 1000, asyncio.Event())
        self._sleepers.append(one)
        try:
            await one[1].wait()
        finally:
            self._sleepers.remove(one)

    async def move(self, seconds: float) -> None:
        """Move on; whoever sleeps wakes when it is time, and has some real time to do what it does."""
        end = self._now_ms + seconds * 1000
        while due := [one for one in self._sleepers if one[0] <= end and not one[1].is_set()]:
            now, many = min(one[0] for one in due), len(self._sleepers)
            self._now_ms = max(self._now_ms, now)
            for at_ms, wake in due:
                if at_ms <= self._now_ms:
                    wake.set()
            await self._settle(many)
        self._now_ms = end

    async def _settle(self, many: int) -> None:
        """Until as many sleep as before, or for a while."""
        await asyncio.sleep(_STEP_S)
        begun = time.monotonic()
        while sum(not wake.is_set() for _, wake in self._sleepers) < many and time.monotonic() - begun < _SETTLE_S:
            await asyncio.sleep(_STEP_S)


class Rig:
    """What a test works with."""

    def __init__(self, log: SqliteLog, catalog: Catalog, clock: MovedClock) -> None:
        self.log, self.catalog, self.clock = log, catalog, clock

    async def tell(self, *events: tuple[str, int]) -> None:
        """Events: device, sequence."""
        records = [event_record(device, "ab"[sequence % 2], sequence) for device, sequence in events]
        for begin in range(0, len(records), 500):
            await self.log.append(CHANGES, records[begin : begin + 500])

    async def webhook(self, url: str, marks: list[int] | None = None, **filters: tuple[str, ...]) -> Webhook:
        """A new one, that begins at the beginning."""
        its: dict[str, Any] = {"by": "tests", "now_ms": self.clock.now_ms()}
        made, _ = self.catalog.webhooks.create(
            url=url, filters=Filters(**filters), marks=marks or [0] * PARTITIONS, **its
        )
        return made

    def state(self, webhook: Webhook) -> str:
        """Whether it is active."""
        return self.catalog.webhooks.get(webhook.id)[0].state

    def progress(self, webhook: Webhook) -> Progress:
        """How far it is, as the catalog says."""
        return self.catalog.webhooks.get(webhook.id)[1]

    async def ends(self) -> tuple[int, ...]:
        """Where the partitions end."""
        standing = await self.log.standing(CHANGES, group="tests")
        return tuple(standing[number].end for number in range(PARTITIONS))


SETTINGS: dict[str, Any] = {
    "private_addresses": True, "look_s": 0.05, "lease_s": 1e8, "commit_s": 60.0, "deadline_s": 1.0, "drain_s": 1.0,
}  # fmt: skip


@asynccontextmanager
async def rig_in(folder: Path) -> AsyncIterator[Rig]:
    """A log and a catalog."""
    url = f"sqlite:{folder / 'catalog.db'}"
    upgrade(url)
    with open_catalog(url) as catalog:
        async with open_log(folder / "log.db") as log:
            await log.create(topics(PARTITIONS))
            yield Rig(log, catalog, MovedClock())


@asynccontextmanager
async def sending(rig: Rig, **more: Any) -> AsyncIterator[Runner]:
    """Deliver meanwhile."""
    its = {name: more.pop(name) for name in ("resolve", "tls") if name in more}
    settings = WebhookSettings(**{**SETTINGS, **more})
    async with running(rig.log, rig.catalog, settings, clock=rig.clock, chance=lambda: 0.0, **its) as runner:
        yield runner


async def until(true: Callable[[], Any], within_s: float = 10.0) -> None:
    """Wait for what becomes true."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.01)


async def move_until(rig: Rig, true: Callable[[], Any], step_s: float, within_s: float = 20.0) -> float:
    """Move the time on until something is true; by how many seconds."""
    end, moved_s = time.monotonic() + within_s, 0.0
    while not true():
        assert time.monotonic() < end, "it did not come about"
        await rig.clock.move(step_s)
        await asyncio.sleep(0.005)
        moved_s += step_s
    return moved_s


def crowd(first: int, last: int, devices: int = 6) -> list[tuple[str, int]]:
    """Events of some devices, in turn."""
    return [(f"d{number % devices}", number) for number in range(first, last)]


def expected(first: int, last: int, devices: int = 6) -> dict[str, list[int]]:
    """The sequences of each device in `crowd`."""
    return {f"d{one}": [n for n in range(first, last) if n % devices == one] for one in range(devices)}
