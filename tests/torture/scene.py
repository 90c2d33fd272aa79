"""A run in progress: who works, who feeds, what has struck and how long it took to recover.

`worker_faults`, `publishing_faults`, `broker_faults` and `disk_faults` act in it. Recovered is when every partition has
committed an input record that was received after the fault; it is counted from the fault, whatever else strikes in
between.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.crew import Crew
from tests.torture.desk import Desk
from tests.torture.feeding import Feeder
from tests.torture.planning import Planner
from tests.torture.schedule import Strike

PATIENCE_S = 60.0
_POINT_S = 15.0
_TRIES = 3  # to strike somebody, who may never come to the point


@dataclass(slots=True)
class Fault:
    """One fault that has struck. `recover_s` None: not within PATIENCE_S."""

    kind: str
    target: str
    owner: bool  # whether it hit one that had said what it owns, or a publisher amid a publication
    recover_s: float | None = None


@dataclass(slots=True)
class Scene:
    """What faults act on."""

    name: str
    crew: Crew
    feeder: Feeder
    desk: Desk
    planner: Planner
    database: Path  # the catalog's
    now_ms: Callable[[], int]
    faults: list[Fault] = field(default_factory=list)
    begun_s: float = field(default_factory=time.monotonic)
    recovering: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def hits(self) -> int:
        """How many hit an owner."""
        return sum(fault.owner for fault in self.faults)

    def struck(self, kind: str, target: str, *, owner: bool, until: Awaitable[object] | None = None) -> None:
        """A fault strikes at this moment. `until`: what has to happen too before all has recovered."""
        fault = Fault(kind, target, owner)
        self.faults.append(fault)
        task = asyncio.create_task(self._recover(fault, self.now_ms(), time.monotonic(), until))
        self.recovering.add(task)
        task.add_done_callback(self.recovering.discard)

    async def _recover(self, fault: Fault, fault_ms: int, struck_s: float, until: Awaitable[object] | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self.crew.recovered(fault_ms)
                if until is not None:
                    await until
                fault.recover_s = time.monotonic() - struck_s
        took = "NOT RECOVERED" if fault.recover_s is None else f"recovered in {fault.recover_s:.2f} s"
        hit = "an owner" if fault.owner else "no owner"
        self.say(f"{len(self.faults):4d}  {fault.kind:28} {fault.target:38} {hit}, {took}")

    def say(self, text: str) -> None:
        """A line of progress."""
        sys.stdout.write(f"{self.name} {time.monotonic() - self.begun_s:7.1f} s {text}\n")
        sys.stdout.flush()


Act = Callable[[Scene, Strike], Awaitable[None]]


async def torment(scene: Scene, strikes: Iterator[Strike], acts: Mapping[str, Act], hits: int, end_s: float) -> None:
    """Strike until so many owners are hit, the schedule ends or the time (monotonic) is over."""
    for strike in strikes:
        if scene.hits >= hits or time.monotonic() > end_s:
            break
        await asyncio.sleep(strike.pause_s)
        before = len(scene.faults)
        for _ in range(_TRIES):
            await acts[strike.kind](scene, strike)
            if len(scene.faults) > before:
                break
            scene.say(f"      {strike.kind:28} {strike.point:38} nobody came there")
        if strike.alone:
            await everything_recovered(scene)
    await everything_recovered(scene)


async def everything_recovered(scene: Scene) -> None:
    """Wait for all recoveries that are under way."""
    while scene.recovering:
        await asyncio.wait(scene.recovering)


async def within(event: asyncio.Event, seconds: float = _POINT_S) -> bool:
    """Whether something happens in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
