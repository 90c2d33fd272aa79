"""Plays traffic to a log at a steady rate, and says how long its events take to be readable.

Between `chain`, which runs the worker, and the log. Every so often it slips in a ping of a device that is new and deep
in a county, which is told of at once: the time from its append's return to its event, read by a reader of what is
committed, is the latency. Invariant: what is appended at once is bounded; a log that can't keep up slows the player.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from ingest.topics import CHANGES, PINGS
from stream.partitioner import partition_of
from stream.port import Log, Record

TICK_S = 0.01
_IN_FLIGHT, _MOST = 64, 4_000  # appends at once, and pings in a tick, of all partitions
_DEEP = b'"lon":-100.5,"lat":41.9'  # in the middle of Hooker or Cherry County, Nebraska
_TIME = b'"time_ms":'


@dataclass(slots=True)
class Probes:
    """When the append of each probe returned, when its event was read, and how long that took."""

    acked: dict[bytes, float] = field(default_factory=dict)
    seen: dict[bytes, float] = field(default_factory=dict)

    def latencies_ms(self) -> list[float]:
        """Of all probes whose event has come; one that was readable before its append returned took no time."""
        return [1000 * max(0.0, self.seen[key] - at) for key, at in self.acked.items() if key in self.seen]

    def p99_ms(self) -> float:
        """The 99th percentile; without an answer for each probe there is none."""
        missing = len(self.acked.keys() - self.seen.keys())
        return float("inf") if missing else float(np.percentile(self.latencies_ms(), 99))


class Player:
    """Plays the same records over and over, each at the time of its append."""

    def __init__(self, log: Log, parts: Sequence[Sequence[Record]]) -> None:
        self._log, self._parts = log, len(parts)
        self._lines = [cycle([(record.key, *_cut(record.value or b"")) for record in part]) for part in parts]
        self._bound = asyncio.Semaphore(_IN_FLIGHT)
        self.appended = 0
        self.probes = Probes()

    async def play(self, rate: float, seconds: float, *, probes: float = 0.0) -> None:
        """So many pings a second for so long, and so many probes a second among them; returns when all are acked."""
        began = time.monotonic()
        rng, sent, probed = np.random.default_rng(int(began)), 0, 0
        async with asyncio.TaskGroup() as group:
            while (passed_s := time.monotonic() - began) < seconds:
                due = min(_MOST, int(rate * passed_s) - sent)
                sent += due
                fresh = int(probes * passed_s) - probed
                keys = [f"probe-{began:.3f}-{probed + k}".encode() for k in range(fresh)]
                probed += fresh
                share = rng.multinomial(due, [1 / self._parts] * self._parts).tolist()
                for partition, many in enumerate(share):
                    mine = [key for key in keys if partition_of(key, self._parts) == partition]
                    if many or mine:
                        await self._bound.acquire()
                        group.create_task(self._append(partition, many, mine))
                await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began - passed_s)))

    async def _append(self, partition: int, many: int, probes: list[bytes]) -> None:
        try:
            now = str(time.time_ns() // 1_000_000).encode()
            lines = islice(self._lines[partition], many)
            records = [Record(key, before + now + after) for key, before, after in lines]
            records += [Record(key, _probe(key, now)) for key in probes]
            await self._log.append(PINGS, records, partition=partition)
            self.appended += len(records)
            self.probes.acked.update(dict.fromkeys(probes, time.monotonic()))
        finally:
            self._bound.release()

    async def watch(self, partition: int) -> None:
        """Read events for ever, and note when those of probes come."""
        start = (await self._log.standing(CHANGES, group="nobody"))[partition].end
        async for batch in self._log.read(CHANGES, partition, start=start):
            now = time.monotonic()
            self.probes.seen.update((key, now) for key in batch.keys if key is not None and key.startswith(b"probe"))


def _cut(value: bytes) -> tuple[bytes, bytes]:
    """A ping before its time and after it."""
    before, _, rest = value.partition(_TIME)
    return before + _TIME, rest[rest.index(b",") :]


def _probe(key: bytes, now: bytes) -> bytes:
    return b'{"device":"%b",%b,"time_ms":%b,"accuracy_m":8.0,"source":"gps"}' % (key, _DEEP, now)
