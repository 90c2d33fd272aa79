"""A process that takes pings from a log and is measured: the worker, or a loop without geofencing.

`python -m bench.client NAME URL GROUP WARM TOTAL` takes TOTAL pings and prints a JSON line: what it has used of the
processor since the first WARM of them. Invariant: starting up, restoring and compiling are not counted, all else is,
the client's threads included.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from bench.bare_loop import Loop
from bench.port_loop import PortLoop
from data.layers import HERE
from ingest import pipeline
from ingest.restoring import restore
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, Status
from ingest.topics import PINGS, TRACKS
from ingest.worker import work
from service.fences import fixed_fences
from service.interpreter import tune
from service.layers import versions_of
from service.logs import open_log

_LOOK_S, _PATIENCE_S = 0.005, 900
COUNTIES = str(HERE / "us-counties.geojson.gz")


class Spent(msgspec.Struct):
    """What was measured of a client."""

    pings: int
    cpu_s: float
    wall_s: float
    commits: int
    rows: int
    steps_s: dict[str, float] = {}

    @property
    def rate(self) -> float:
        """Pings a CPU-second."""
        return self.pings / self.cpu_s


@dataclass(slots=True)
class Meter:
    """Looks at the clocks when so many pings are done."""

    warm: int
    count: Callable[[], tuple[int, int, int]]  # pings, commits, rows
    steps: Callable[[], dict[str, float]] = dict
    begun: tuple[int, int, int] | None = None
    clocks: tuple[float, float] = (0.0, 0.0)
    steps_begun: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """After each batch, or every so often."""
        if self.begun is None and self.count()[0] >= self.warm:
            self.begun, self.clocks, self.steps_begun = self.count(), _clocks(), self.steps()
            print("measuring", file=sys.stderr, flush=True)

    def spent(self) -> Spent:
        """What was spent since the first look behind `warm`."""
        if self.begun is None:
            raise RuntimeError("nothing was measured: fewer pings came than are to be left out")
        (cpu_s, wall_s), now = _clocks(), self.count()
        pings, commits, rows = (one - before for one, before in zip(now, self.begun, strict=True))
        steps = {name: spent - self.steps_begun.get(name, 0.0) for name, spent in self.steps().items()}
        return Spent(pings, cpu_s - self.clocks[0], wall_s - self.clocks[1], commits, rows, steps)


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


async def worker(url: str, group: str, warm: int, total: int) -> Spent:
    """The worker with the counties, as `geofence worker` runs it."""
    settings, status, stop = WorkerSettings(group=group), Status(), asyncio.Event()
    fences = fixed_fences(versions_of([COUNTIES]), settings, "compiled")

    def count() -> tuple[int, int, int]:
        counts = [one.counts for one in status.partitions.values()]
        return sum(one["pings"] for one in counts), sum(one["commits"] for one in counts), 0

    def steps() -> dict[str, float]:
        every = [one.spent_s for one in status.partitions.values()]
        return {name: sum(one.get(name, 0.0) for one in every) for name in {name for one in every for name in one}}

    tune()
    pipeline.perf_counter = time.thread_time  # type: ignore[attr-defined]  # not what others have of the cores
    meter = Meter(warm, count, steps)
    async with open_log(url) as log:
        working = asyncio.create_task(work(log, fences, settings, status, stop))
        while count()[0] < total and not working.done():
            await asyncio.sleep(_LOOK_S)
            meter.look()
        spent = meter.spent()
        stop.set()
        await working
    return spent


async def bare(url: str, group: str, warm: int, total: int) -> Spent:
    """The loop on aiokafka alone."""
    async with open_log(url) as log:
        loop = Loop(url.removeprefix("kafka://"), group, await log.partitions(PINGS))
    return await _measured(loop, warm, total)


async def port(url: str, group: str, warm: int, total: int) -> Spent:
    """The same over our own log."""
    async with open_log(url) as log:
        return await _measured(PortLoop(log, group), warm, total)


async def restoring(url: str, group: str, warm: int, total: int) -> Spent:  # noqa: ARG001
    """Nothing but what comes before the first ping: all partitions' tracks into fences."""
    fences = fixed_fences(versions_of([COUNTIES]), WorkerSettings(), "compiled")
    tune()
    async with open_log(url) as log:
        many = range(await log.partitions(TRACKS))
        every = [PartitionStatus(partition, 0) for partition in many]
        cpu_s, wall_s = _clocks()
        await asyncio.gather(*(restore(log, one.partition, fences, one) for one in every))
        done = _clocks()
    return Spent(sum(one.restored for one in every), done[0] - cpu_s, done[1] - wall_s, 0, 0)


async def _measured(loop: Loop | PortLoop, warm: int, total: int) -> Spent:
    tune()
    meter = Meter(warm, lambda: (loop.pings, loop.commits, loop.written))
    found: list[Spent] = []

    def taken() -> None:
        meter.look()
        if loop.pings >= total and not found:
            found.append(meter.spent())

    await loop.run(total, taken)
    return found[0]


KINDS = {"worker": worker, "bare": bare, "port": port, "restoring": restoring}


def measure(kind: str, url: str, warm: int = 0, total: int = 0) -> Spent:
    """One, in a process of its own, under a group of its own."""
    command = (sys.executable, "-m", "bench.client", kind, url, f"bench-{time.time_ns()}", str(warm), str(total))
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{kind} at {url} has failed:\n{done.stderr.decode()[-3000:]}")
    return msgspec.json.decode(done.stdout, type=Spent)


def main(name: str, url: str, group: str, warm: str, total: str) -> None:
    """Run one, and print what it took."""
    print(msgspec.json.encode(asyncio.run(KINDS[name](url, group, int(warm), int(total)))).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
