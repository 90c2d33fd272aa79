"""Partitions that are taken away, given again, or given up before they are restored."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from runs import Faults, Shaky, World
from worlds import partition, walk

from ingest.status import State
from ingest.worker import work
from stream.port import Batch, Claim, Log, Unavailable


class Again:
    """A log that gives each claim, and gives it once more as soon as `again` is set."""

    def __init__(self, log: Log) -> None:
        self._log, self.again = log, asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    @asynccontextmanager
    async def claims(self, topic: str, *, group: str) -> AsyncIterator[AsyncIterator[Claim]]:
        async with self._log.claims(topic, group=group) as claims:

            async def twice() -> AsyncIterator[Claim]:
                claim = await anext(claims)
                first = Slow(claim)
                yield first  # type: ignore[misc]
                await self.again.wait()
                first.revoked.set()
                yield claim
                await asyncio.Event().wait()

            yield twice()


class Slow:
    """A claim that takes a while to be left."""

    def __init__(self, claim: Claim) -> None:
        self.partition, self.revoked, self._claim = claim.partition, asyncio.Event(), claim

    @asynccontextmanager
    async def take(self) -> AsyncIterator[object]:
        async with self._claim.take() as grip:
            yield grip
        await asyncio.sleep(0.3)


def test_a_claim_that_comes_back_while_it_is_left_runs_and_says_so(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [partition()])
    its.pour(walk("A 0 A 60"))

    async def story() -> None:
        stop = asyncio.Event()
        async with its.open() as log:
            again = Again(log)
            working = asyncio.create_task(
                work(again, its.fences(), its.settings, its.status, stop, now_ms=lambda: its.now_ms)  # type: ignore[arg-type]
            )
            await until(lambda: any(one.state is State.RUNNING for one in its.status.partitions.values()))
            again.again.set()
            await asyncio.sleep(0.5)
            await until(lambda: any(one.state is State.RUNNING for one in its.status.partitions.values()))
            assert its.status.ready
            stop.set()
            await working

    asyncio.run(story())


class Endless:
    """A log whose tracks never end."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def read(self, topic: str, *args, **more) -> AsyncIterator[Batch]:  # type: ignore[no-untyped-def]
        await asyncio.Event().wait()
        yield None  # type: ignore[misc]


def test_a_worker_that_is_stopped_while_it_restores_does_not_wait_for_it(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [partition()])
    its.pour(walk("A 0 A 60"))

    async def story() -> float:
        stop = asyncio.Event()
        async with its.open() as log:
            working = asyncio.create_task(
                work(Endless(log), its.fences(), its.settings, its.status, stop, now_ms=lambda: its.now_ms)  # type: ignore[arg-type]
            )
            await until(lambda: len(its.status.partitions) > 0)
            await asyncio.sleep(0.05)
            begun = time.monotonic()
            stop.set()
            await working
            return time.monotonic() - begun

    assert asyncio.run(story()) < 1
    assert {one.state for one in its.status.partitions.values()} == {State.LEFT}


class Leaving:
    """A log whose group throws its member out once."""

    def __init__(self, log: Log) -> None:
        self._log, self.joined = log, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    @asynccontextmanager
    async def claims(self, topic: str, *, group: str) -> AsyncIterator[AsyncIterator[Claim]]:
        self.joined += 1
        async with self._log.claims(topic, group=group) as claims:

            async def some() -> AsyncIterator[Claim]:
                claim = await anext(claims)
                yield claim
                if self.joined == 1:
                    await asyncio.sleep(0.1)
                    claim.revoked.set()
                    raise Unavailable("made up: the group's coordinator is away")
                async for claim in claims:
                    yield claim

            yield some()


def test_a_worker_that_its_group_has_lost_joins_again(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [partition()])
    its.pour(walk("A 0 A 60"))

    async def story() -> None:
        stop = asyncio.Event()
        async with its.open() as log:
            leaving = Leaving(log)
            working = asyncio.create_task(
                work(leaving, its.fences(), its.settings, its.status, stop, now_ms=lambda: its.now_ms)  # type: ignore[arg-type]
            )
            await until(lambda: leaving.joined == 2 and len(its.status.partitions) == 2 and its.status.ready)
            stop.set()
            await working

    asyncio.run(story())


def test_a_partition_that_works_again_has_no_failures(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [partition()])
    its.pour(walk("A 0 A 60"))
    its.work()

    async def story() -> None:
        stop, faults, begun = asyncio.Event(), Faults([1], only=("after restore",)), time.monotonic()
        async with its.open() as log:
            shaky = Shaky(log, faults)
            working = asyncio.create_task(
                work(
                    shaky,  # type: ignore[arg-type]
                    its.fences(),
                    its.settings,
                    its.status,
                    stop,
                    now_ms=lambda: its.now_ms + round(1000 * (time.monotonic() - begun)),
                )
            )
            await until(lambda: any(one.failures for one in its.status.partitions.values()))
            await until(lambda: its.status.ready and not any(one.failures for one in its.status.partitions.values()))
            stop.set()
            await working

    asyncio.run(story())


async def until(true: Callable[[], bool]) -> None:
    """Wait for it, not for ever."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)
