"""A run from its start to its verdict, on either engine.

Puts the crew, the feeder, the faults and the judge together. Invariant: the judge sees the log only when nothing is
left to do: all input taken, nobody due anything, no switch under way, every process ended in order.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ingest.restoring import restore
from ingest.status import PartitionStatus
from ingest.topics import PINGS
from stream.kafka import open_kafka
from stream.port import Log, LogError
from stream.sqlite import open_log
from tests.broker import Cluster, running
from tests.torture import broker_faults, disk_faults, kinds
from tests.torture.crew import Crew
from tests.torture.crowd import Crowd
from tests.torture.feeding import Append, Dictation, Feeder
from tests.torture.member import nursing
from tests.torture.oracle import Verdict, judge
from tests.torture.outcome import RESULTS, Outcome
from tests.torture.scene import Act, Scene, torment
from tests.torture.schedule import Kind, Strike, schedule
from tests.torture.town import SETTINGS, Clock, fences, kafka_settings, topics

_IDLE_S = 60.0
_LAST_TURNS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it."""

    name: str
    seed: int
    hits: int  # owners to hit
    pings: int  # at least
    rate: float  # pings a second
    seconds: float  # within which faults happen
    short: bool = False
    bug: str | None = None
    kinds: Mapping[str, Kind] | None = None  # instead of all of its engine

    @property
    def words(self) -> list[str]:
        """What the processes have to know of it."""
        return ["--bug", self.bug] if self.bug else []

    def strikes(self, own: Mapping[str, Kind]) -> Iterator[Strike]:
        """The schedule."""
        return schedule(self.seed, self.name, self.kinds or own, short=self.short)


def on_kafka(plan: Plan, brokers: int) -> Outcome:
    """A run on a cluster of its own."""
    folder = _folder(plan)
    with running(brokers) as cluster:
        return asyncio.run(_on_kafka(plan, cluster, folder))


def on_sqlite(plan: Plan) -> Outcome:
    """A run on an embedded log, on a small disk."""
    folder = _folder(plan)
    with disk_faults.small_disk(folder / "disk") as disk:
        return asyncio.run(_on_sqlite(plan, disk, folder))


def _folder(plan: Plan) -> Path:
    """Where the processes' logs and the dumps are; they stay until the next run of this name."""
    name = plan.name.replace(" ", "-")
    for old in RESULTS.glob(f"{name}.*"):
        if not Path("/proc", old.suffix[1:]).exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = RESULTS / f"{name}.{os.getpid()}"
    folder.mkdir(parents=True)
    return folder


async def _on_kafka(plan: Plan, cluster: Cluster, folder: Path) -> Outcome:
    brokers = len(cluster.brokers)
    clock, settings = Clock(time.monotonic()), kafka_settings(cluster.bootstrap, brokers)
    words = ["--log", f"kafka:{cluster.bootstrap}", "--brokers", str(brokers), "--begun", str(clock.begun_s)]
    words += plan.words
    own = broker_faults.of_one(cluster) if brokers == 1 else broker_faults.of_three(cluster)
    async with nursing(folder, *words) as nursery, open_kafka(settings) as log:
        await log.create(topics())
        if brokers > 1:
            await broker_faults.whole(cluster)
        crew = Crew(kinds.KAFKA_WORKERS, nursery, clock.now_ms)
        append = partial(_append, log)
        its = kinds.KAFKA_ONE if brokers == 1 else kinds.KAFKA_THREE
        opened = partial(open_kafka, settings)
        return await _run(plan, plan.strikes(its), kinds.WORKERS | own, crew, clock, append, opened, folder)


async def _append(log: Log, partition: int, records: list) -> None:  # type: ignore[type-arg]
    await log.append(PINGS, records, partition=partition)


async def _on_sqlite(plan: Plan, disk: disk_faults.Disk, folder: Path) -> Outcome:
    clock, path = Clock(time.monotonic()), disk.path
    async with open_log(path) as log:
        await log.create(topics())
    acts = kinds.WORKERS | disk_faults.of_disk(disk)
    opened = partial(open_log, path, read_only=True)
    async with nursing(folder, "--log", f"sqlite:{path}", "--begun", str(clock.begun_s), *plan.words) as nursery:
        crew = Crew(1, nursery, clock.now_ms)
        append = Dictation(crew).append
        return await _run(plan, plan.strikes(kinds.SQLITE), acts, crew, clock, append, opened, folder)


async def _run(
    plan: Plan, strikes: Iterator[Strike], acts: Mapping[str, Act], crew: Crew, clock: Clock, append: Append,
    opened: Callable[[], AbstractAsyncContextManager[Log]], folder: Path,
) -> Outcome:  # fmt: skip
    """Faults while it is fed; then rest, then the judge."""
    feeder = Feeder(Crowd(plan.seed), append, clock.now_ms, plan.rate)
    scene = Scene(plan.name, crew, feeder, clock.now_ms)
    end_s = time.monotonic() + plan.seconds
    try:
        await crew.open()
        feeding = asyncio.create_task(feeder.run())
        await torment(scene, strikes, acts, plan.hits, end_s)
        while feeder.pings < plan.pings:
            await asyncio.sleep(0.1)
        feeder.stop()
        await feeding
        verdict = await _judged(scene, opened, feeder, folder)
    finally:
        await crew.close()
    seconds = time.monotonic() - scene.begun_s
    return Outcome(
        plan.name, plan.seed, scene.faults, verdict, feeder.pings, feeder.switches, feeder.refusals, crew.strange,
        plan.hits, seconds, plan.bug,
    )  # fmt: skip


async def _judged(
    scene: Scene, opened: Callable[[], AbstractAsyncContextManager[Log]], feeder: Feeder, folder: Path
) -> Verdict:
    scene.say("no more pings: waiting until all is done")
    await scene.crew.finish()
    async with opened() as log:
        for _ in range(_LAST_TURNS):
            await _finish_the_rest(scene.crew, log)
            if await _idle(log):
                break
        else:
            scene.crew.strange.append("something is always left to do")
        scene.say("replaying the input")
        return await judge(log, feeder.acknowledged, folder)


async def _finish_the_rest(crew: Crew, log: Log) -> None:
    """One worker takes what is left. It may order a tick at the very end, which is left for the next one."""
    await crew.add()
    with suppress(TimeoutError):
        async with asyncio.timeout(_IDLE_S):
            while not (crew.all_owned and await _idle(log)):
                await asyncio.sleep(0.2)
    await crew.finish()


async def _idle(log: Log) -> bool:
    """Whether all input is taken and no switch is under way."""
    its_fences = fences()
    try:
        for partition, one in (await log.standing(PINGS, group=SETTINGS.group)).items():
            async for _ in log.read(PINGS, partition, start=one.committed or 0, to_end=True, most=1):
                return False
            if (await restore(log, partition, its_fences, PartitionStatus(partition, 0))).sweeping:
                return False
    except LogError:
        return False
    return True


def with_bug(plan: Plan, bug: str) -> Plan:
    """The same with a bug in every worker, and the kinds of faults that show it."""
    return replace(plan, name=f"{plan.name} {bug}", bug=bug, kinds=kinds.OF_BUGS[bug])
