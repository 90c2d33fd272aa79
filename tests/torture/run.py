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

from catalog import Catalog, open_catalog
from ingest.fences import Fences
from ingest.restoring import restore
from ingest.status import PartitionStatus
from ingest.topics import PINGS
from stream.kafka import open_kafka
from stream.port import Log, LogError
from stream.sqlite import open_log
from tests.broker import Cluster, running
from tests.torture import broker_faults, disk_faults, kinds
from tests.torture.archive import Archive, found
from tests.torture.crew import Crew
from tests.torture.crowd import Crowd
from tests.torture.desk import Desk
from tests.torture.feeding import Append, Dictation, Feeder
from tests.torture.member import Nursery, nursing
from tests.torture.oracle import Verdict, judge
from tests.torture.outcome import RESULTS, Outcome
from tests.torture.planning import Planner
from tests.torture.scene import PATIENCE_S, Act, Scene, torment
from tests.torture.schedule import Kind, Strike, schedule
from tests.torture.town import SETTINGS, Clock, kafka_settings, topics

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
    archive = found(folder)
    brokers = len(cluster.brokers)
    clock, settings = Clock(time.monotonic()), kafka_settings(cluster.bootstrap, brokers)
    words = ["--log", f"kafka:{cluster.bootstrap}", "--brokers", str(brokers), "--begun", str(clock.begun_s)]
    words += [*archive.words, *plan.words]
    own = broker_faults.of_one(cluster) if brokers == 1 else broker_faults.of_three(cluster)
    async with nursing(folder, *words) as nursery, open_kafka(settings) as log:
        await log.create(topics())
        if brokers > 1:
            await broker_faults.whole(cluster)
        crew = Crew(kinds.KAFKA_WORKERS, nursery, clock.now_ms, log_goes_away=True)
        town = Town(clock, archive, crew, partial(_append, log), nursery, partial(open_kafka, settings), folder)
        its = kinds.KAFKA_ONE if brokers == 1 else kinds.KAFKA_THREE
        return await _run(plan, plan.strikes(its), kinds.ACTS | own, town)


async def _append(log: Log, partition: int, records: list) -> None:  # type: ignore[type-arg]
    await log.append(PINGS, records, partition=partition)


async def _on_sqlite(plan: Plan, disk: disk_faults.Disk, folder: Path) -> Outcome:
    archive, path = found(folder), disk.path
    clock = Clock(time.monotonic())
    async with open_log(path) as log:
        await log.create(topics())
    words = ["--log", f"sqlite:{path}", "--begun", str(clock.begun_s), *archive.words, *plan.words]
    opened = partial(open_log, path, read_only=True)
    async with nursing(folder, *words) as nursery:
        crew = Crew(1, nursery, clock.now_ms)
        town = Town(clock, archive, crew, Dictation(crew).append, nursery, opened, folder)
        return await _run(plan, plan.strikes(kinds.SQLITE), kinds.ACTS | disk_faults.of_disk(disk), town)


@dataclass(frozen=True, slots=True)
class Town:
    """What a run has to work with, whichever engine it is on."""

    clock: Clock
    archive: Archive
    crew: Crew
    append: Append
    nursery: Nursery
    opened: Callable[[], AbstractAsyncContextManager[Log]]
    folder: Path


async def _run(plan: Plan, strikes: Iterator[Strike], acts: Mapping[str, Act], town: Town) -> Outcome:
    """Faults while it is fed and versions are published; then rest, then the judge."""
    with open_catalog(town.archive.url) as catalog:
        crew, now_ms, planner = town.crew, town.clock.now_ms, Planner(catalog, plan.seed)
        feeder, desk = Feeder(Crowd(plan.seed), town.append, now_ms, plan.rate), Desk(town.nursery, town.append)
        scene = Scene(plan.name, crew, feeder, desk, planner, town.archive.database, now_ms)
        end_s = time.monotonic() + plan.seconds
        try:
            await crew.open()
            await desk.open()
            async with asyncio.TaskGroup() as doing:
                feeding, planning = doing.create_task(feeder.run()), doing.create_task(planner.run())
                await torment(scene, strikes, acts, plan.hits, end_s)
                while feeder.pings < plan.pings:
                    await asyncio.sleep(0.1)
                await _publish_the_rest(scene, planning)
                feeder.stop()
                await feeding
            await desk.close()
            verdict = await _judged(scene, catalog, town)
        finally:
            await desk.close()
            await crew.close()
    seconds = time.monotonic() - scene.begun_s
    return Outcome(
        plan.name, plan.seed, scene.faults, verdict, feeder.pings, planner.planned, feeder.refusals, crew.strange,
        plan.hits, seconds, plan.bug,
    )  # fmt: skip


async def _publish_the_rest(scene: Scene, planning: asyncio.Task[None]) -> None:
    """Plan no more, and let what is planned come into force."""
    scene.planner.stop()
    await planning
    try:
        async with asyncio.timeout(PATIENCE_S):
            await scene.planner.settled()
    except TimeoutError:
        scene.crew.strange.append(f"a publication was not in force within {PATIENCE_S:g} s")


async def _judged(scene: Scene, catalog: Catalog, town: Town) -> Verdict:
    scene.say("no more pings: waiting until all is done")
    await scene.crew.finish()
    async with town.opened() as log:
        for _ in range(_LAST_TURNS):
            await _finish_the_rest(scene.crew, log, town.archive.fences(catalog))
            if await _idle(log, town.archive.fences(catalog)):
                break
        else:
            scene.crew.strange.append("something is always left to do")
        scene.say("replaying the input")
        return await judge(log, catalog, town.archive, scene.feeder.acknowledged, town.folder)


async def _finish_the_rest(crew: Crew, log: Log, fences: Fences) -> None:
    """One worker takes what is left. It may order a tick at the very end, which is left for the next one."""
    await crew.add()
    with suppress(TimeoutError):
        async with asyncio.timeout(_IDLE_S):
            while not (crew.all_owned and await _idle(log, fences)):
                await asyncio.sleep(0.2)
    await crew.finish()


async def _idle(log: Log, fences: Fences) -> bool:
    """Whether all input is taken and no switch is under way."""
    try:
        for partition, one in (await log.standing(PINGS, group=SETTINGS.group)).items():
            async for _ in log.read(PINGS, partition, start=one.committed or 0, to_end=True, most=1):
                return False
            if (await restore(log, partition, fences, PartitionStatus(partition, 0))).sweeping:
                return False
    except LogError:
        return False
    return True


def with_bug(plan: Plan, bug: str) -> Plan:
    """The same with a bug in every process, and the kinds of faults that show it."""
    return replace(plan, name=f"{plan.name} {bug}", bug=bug, kinds=kinds.OF_BUGS[bug])
