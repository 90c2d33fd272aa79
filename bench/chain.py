"""The whole chain under load: a player appends, the worker works, a reader reads; on either engine.

`python -m bench.chain URL WHAT NUMBER...` prints JSON lines: `capacity SECONDS`, `latency RATE SECONDS RUNS`,
`overload RATE SECONDS`, `soak RATE MINUTES`. On Kafka the worker is a process of its own, `geofence worker`; embedded
it lives in the process that appends and reads, as that owns the file. Invariant: the worker is the one that is shipped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.feed import feed
from bench.player import Player, Probes
from data.layers import HERE
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.topics import PINGS
from ingest.worker import work
from service.fences import fixed_fences
from service.interpreter import tune
from service.layers import versions_of
from service.logs import open_log
from stream.port import Log
from tests.broker import tied

PEOPLE, PROBES = 4_000, 100.0
FIRST_RATE, RISE, HOLDS, LAG_S = 12_000.0, 1.2, 0.9, 0.5
COUNTIES = str(HERE / "us-counties.geojson.gz")
GROUP = WorkerSettings().group


class Chain:
    """A worker at work, and a player beside it."""

    def __init__(self, log: Log, pid: int, player: Player) -> None:
        self.log, self.pid, self.player = log, pid, player

    async def lag(self) -> int:
        """Offsets that wait to be taken."""
        standing = (await self.log.standing(PINGS, group=GROUP)).values()
        return sum(one.end - (one.committed or 0) for one in standing)

    def resident_mb(self) -> float:
        """What the worker's process has in memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def drain(self, within_s: float = 60.0) -> None:
        """Wait until hardly anything waits; a commit's own mark is an offset too."""
        end = time.monotonic() + within_s
        while await self.lag() > 64 and time.monotonic() < end:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def chain(url: str) -> AsyncIterator[Chain]:
    """One that runs, with topics that are there."""
    async with open_log(url) as log:
        parts = await log.partitions(PINGS)
        player = Player(log, feed(parts, PEOPLE).records)
        async with _beside(url, log) as pid, asyncio.TaskGroup() as group:
            watches = [group.create_task(player.watch(partition)) for partition in range(parts)]
            tune()
            one = Chain(log, pid, player)
            await player.play(20_000, 6.0)  # most devices are known
            await one.drain()
            yield one
            for watch in watches:
                watch.cancel()


@asynccontextmanager
async def _beside(url: str, log: Log) -> AsyncIterator[int]:
    """The worker, in this process or in one of its own: the number of that process."""
    if url.startswith("sqlite:"):
        settings, status, stop = WorkerSettings(), Status(), asyncio.Event()
        fences = fixed_fences(versions_of([COUNTIES]), settings, "compiled")
        working = asyncio.create_task(work(log, fences, settings, status, stop))
        while not status.ready:
            await asyncio.sleep(0.05)
        yield os.getpid()
        stop.set()
        await working
        return
    command = (*tied(), sys.executable, "-m", "service.cli", "worker", "--log", url, "--regions", COUNTIES)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None  # noqa: S101
    while b"ready" not in (line := await process.stderr.readline()):
        if not line:
            raise RuntimeError("the worker has not come up")
    heard = asyncio.create_task(process.stderr.read())
    yield process.pid
    process.send_signal(signal.SIGTERM)
    await process.wait()
    await heard


async def capacity(one: Chain, seconds: float) -> AsyncIterator[dict[str, Any]]:
    """Pings a second that the chain holds, in the small appends of many senders: the highest of rising rates at which
    what is due is appended and, in the end, not more waits than comes in half a second.
    """
    rate, held = FIRST_RATE, 0.0
    while True:
        before, began = one.player.appended, time.monotonic()
        await one.player.play(rate, seconds)
        found, lag = (one.player.appended - before) / (time.monotonic() - began), await one.lag()
        await one.drain()
        if found >= HOLDS * rate and lag <= LAG_S * rate:
            rate, held = rate * RISE, found
        elif held:
            break
        else:
            rate /= 2  # it was too much to begin with
    await one.drain(120.0)
    yield {"rate": held}


async def latency(one: Chain, rate: float, seconds: float, runs: float) -> AsyncIterator[dict[str, Any]]:
    """From accepted to readable, in several runs."""
    for _ in range(int(runs)):
        one.player.probes = Probes()
        before, began = one.player.appended, time.monotonic()
        await one.player.play(rate, seconds, probes=PROBES)
        held = (one.player.appended - before) / (time.monotonic() - began)
        await one.drain()
        await asyncio.sleep(0.5)
        found = sorted(one.player.probes.latencies_ms())
        yield {"p99_ms": one.player.probes.p99_ms(), "p50_ms": found[len(found) // 2], "rate": held}


async def overload(one: Chain, rate: float, seconds: float) -> AsyncIterator[dict[str, Any]]:
    """What waits and what is in memory, while more comes than can be held, and after."""
    playing, began = asyncio.create_task(one.player.play(rate, seconds)), time.monotonic()
    while not playing.done():
        await asyncio.sleep(min(2.0, seconds / 5))
        yield {"at_s": time.monotonic() - began, "lag": await one.lag(), "resident_mb": one.resident_mb()}
    await playing
    await one.drain(120.0)
    yield {"at_s": time.monotonic() - began, "lag": await one.lag(), "resident_mb": one.resident_mb()}


async def soak(one: Chain, rate: float, minutes: float) -> AsyncIterator[dict[str, Any]]:
    """A line every ten seconds: memory, what waits, and the latencies of those seconds."""
    playing, began = asyncio.create_task(one.player.play(rate, 60 * minutes, probes=5.0)), time.monotonic()
    while not playing.done():
        await asyncio.wait({playing}, timeout=10.0)
        some, one.player.probes = one.player.probes, Probes(seen=one.player.probes.seen)
        found = some.latencies_ms()
        p99 = max(found, default=0.0)
        facts = {"at_s": time.monotonic() - began, "resident_mb": one.resident_mb(), "lag": await one.lag()}
        yield facts | {"worst_ms": p99, "appended": one.player.appended}


async def _main(url: str, what: str, numbers: list[float]) -> None:
    kinds: dict[str, Any] = {"capacity": capacity, "latency": latency, "overload": overload, "soak": soak}
    async with chain(url) as one:
        async for line in kinds[what](one, *numbers):
            print(msgspec.json.encode(line).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], [float(word) for word in sys.argv[3:]]))
