"""Retention and what the worker has not read yet: told in time, told when it has happened, stopped if asked."""

import asyncio
import dataclasses
import logging
from pathlib import Path

import pytest
from runs import SETTINGS, Faults, Shaky, World, device_partition
from worlds import at, partition, ping, walk

from ingest.status import State, Status
from ingest.topics import PINGS, topics
from ingest.unread import look, watch
from stream.port import Log, Record
from stream.sqlite import Settings, open_log

HOUR = 3_600
MINE = device_partition("d")


def world(folder: Path, **settings) -> World:
    return World(folder / "log.db", [partition()], settings=dataclasses.replace(SETTINGS, **settings))


def drop_all_before(its: World, seconds: float) -> None:
    """Let a day pass on a disk that is nearly full: what is older goes, read or not."""

    async def drop() -> None:
        settings = Settings(drop_unread=True, spare_bytes=1 << 60)
        async with open_log(its.path, settings=settings, now=lambda: at(seconds) + 24 * HOUR * 1000) as log:
            await log.upkeep()

    asyncio.run(drop())


@pytest.mark.parametrize(("age_h", "said"), [(11, None), (13, "WARNING"), (25, "ERROR")])
def test_it_is_told_when_what_is_unread_nears_its_end(tmp_path: Path, caplog, age_h: float, said: str | None) -> None:
    its = world(tmp_path)
    its.pour(walk("A 0 A 60"))
    status = Status()
    status.of(MINE, 0).enter(State.BLOCKED, 0, "a version is missing")

    async def watched() -> None:
        async with its.open(read_only=True) as log:
            await look(log, its.settings, status, at(age_h * HOUR))

    with caplog.at_level(logging.WARNING, "geofence.worker"):
        asyncio.run(watched())
    lines = [(one.levelname, one.getMessage()) for one in caplog.records if "input_at_risk" in one.getMessage()]
    assert [level for level, _ in lines] == ([said] if said else [])
    assert all(f"unread=2 oldest_s={age_h * HOUR} kept_s=86400" in line for _, line in lines)
    one = status.partitions[MINE]
    assert (one.unread, one.unread_ms, one.kept_ms) == (2, age_h * HOUR * 1000, 24 * HOUR * 1000)


def test_what_is_read_is_no_risk_however_old(tmp_path: Path, caplog) -> None:
    its = world(tmp_path)
    its.pour(walk("A 0 A 60"))
    its.work()

    async def watched() -> None:
        async with its.open(read_only=True) as log:
            await look(log, its.settings, its.status, at(99 * HOUR))

    for one in its.status.partitions.values():
        one.state = State.RUNNING
    asyncio.run(watched())
    assert {(one.unread, one.unread_ms) for one in its.status.partitions.values()} == {(0, 0)}
    assert "input_at_risk" not in caplog.text


def lossy(its: World) -> None:
    """Two pings are read, three more are not and go."""
    its.pour(walk("A 0 A 60"))
    its.work()
    its.pour(walk("B 120 B 180 B 240"))
    drop_all_before(its, 300)
    its.pour([ping("C", 400 + 60 * number) for number in range(4)])


def test_what_was_lost_is_told_and_the_partition_goes_on(tmp_path: Path, caplog) -> None:
    its = world(tmp_path)
    lossy(its)
    its.work()
    assert f"input_lost partition={MINE} records=3 begin=5" in caplog.text
    assert its.status.partitions[MINE].counts["pings"] == 6
    assert len(its.events()["d"]) == 2, "A, then C: what was in between is gone"


def test_a_partition_that_lost_records_stops_if_it_is_to(tmp_path: Path) -> None:
    its = world(tmp_path, lost_input="stop")
    lossy(its)
    its.patience_s = 1.0
    with pytest.raises(TimeoutError):
        its.work()
    one = its.status.partitions[MINE]
    assert one.state is State.LEFT
    assert one.counts["pings"] == 2
    its.settings, its.patience_s = dataclasses.replace(its.settings, lost_input="go-on"), 10.0
    its.work()
    assert len(its.events()["d"]) == 2


def test_a_reader_that_is_overtaken_by_retention_says_so(tmp_path: Path) -> None:
    """On the embedded log, in the midst of reading; on Kafka the same is in `tests/stream`."""

    async def story() -> None:
        settings = Settings(drop_unread=True, spare_bytes=1 << 60)
        now = [at(0)]
        async with open_log(tmp_path / "log.db", settings=settings, now=lambda: now[0]) as log:
            await log.create(topics(1))
            await log.append(PINGS, [Record(b"k", b"0", (), at(0))], partition=0)
            async with log.claims(PINGS, group="g") as claims:
                claim = await anext(claims)
                async with claim.take() as grip:
                    batches = grip.batches(most=1)
                    await anext(batches)
                    await log.append(PINGS, [Record(b"k", b"1", (), at(1))], partition=0)
                    now[0] = at(25 * HOUR)
                    await log.upkeep()
                    await log.append(PINGS, [Record(b"k", b"2", (), now[0])], partition=0)
                    with pytest.raises(Exception, match="the records from 1 to 1 are gone"):
                        await anext(batches)
                async with claim.take() as grip:
                    assert (grip.offset, grip.lost) == (2, 0), "nothing was ever committed: nothing is known to be lost"
                    await grip.commit([], 2)

    asyncio.run(story())


def test_a_reader_that_is_overtaken_by_all_that_there_is_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        settings = Settings(drop_unread=True, spare_bytes=1 << 60)
        now = [at(0)]
        async with open_log(tmp_path / "log.db", settings=settings, now=lambda: now[0]) as log:
            await log.create(topics(1))
            await log.append(PINGS, [Record(b"k", b"0")], partition=0)
            async with log.claims(PINGS, group="g") as claims:
                claim = await anext(claims)
                async with claim.take() as grip:
                    batches = grip.batches(most=1)
                    await anext(batches)
                    await grip.commit([], 1)
                    await log.append(PINGS, [Record(b"k", b"1")], partition=0)
                    now[0] = at(25 * HOUR)
                    await log.upkeep()
                    with pytest.raises(Exception, match="the records from 1 to 1 are gone"):
                        await asyncio.wait_for(anext(batches), 5)
                async with claim.take() as grip:
                    assert (grip.offset, grip.lost) == (2, 1)

    asyncio.run(story())


def test_a_partition_that_comes_while_it_is_looked_at_stops_no_watch(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour([*walk("A 0 A 60"), *walk("A 0", other_device())])
    status = Status()
    status.of(MINE, 0)

    class Slow:
        """A log in whose answers there is time for another partition to come."""

        def __init__(self, log: Log) -> None:
            self._log = log

        def __getattr__(self, name: str) -> object:
            return getattr(self._log, name)

        async def read(self, *args, **more):  # type: ignore[no-untyped-def]
            status.of(1 - MINE, 0)
            async for batch in self._log.read(*args, **more):
                yield batch

    async def watched() -> None:
        async with its.open(read_only=True) as log:
            await look(Slow(log), its.settings, status, at(60))  # type: ignore[arg-type]

    asyncio.run(watched())
    assert status.partitions[MINE].unread == 2


def test_a_watch_that_fails_says_so_and_looks_again(tmp_path: Path, caplog) -> None:
    class Broken:
        asked = 0

        async def keeps_ms(self, topic: str) -> int:
            self.asked += 1
            raise RuntimeError(f"{topic}: what nobody thought of")

    async def watched() -> None:
        log = Broken()
        watching = asyncio.create_task(
            watch(log, dataclasses.replace(SETTINGS, watch_s=0.001), Status(), lambda: 0)  # type: ignore[arg-type]
        )
        async with asyncio.timeout(5):
            while log.asked < 3:
                await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(watched())
    assert "unread_unknown reason=RuntimeError: pings: what nobody thought of" in caplog.text


def test_a_worker_is_not_ready_while_the_log_does_not_answer(tmp_path: Path) -> None:
    its, status = world(tmp_path), Status()
    its.pour(walk("A 0 A 60"))
    status.of(MINE, 0).enter(State.RUNNING, 0)

    async def looked(log: Log) -> bool:
        settings = dataclasses.replace(its.settings, watch_s=60.0)
        watching = asyncio.create_task(watch(log, settings, status, lambda: at(0)))
        await asyncio.sleep(0.2)
        watching.cancel()
        return status.ready

    async def story() -> list[bool]:
        async with its.open(read_only=True) as log:
            before = await looked(log)
        away = await looked(log)
        async with its.open(read_only=True) as log:
            return [before, away, await looked(log)]

    assert asyncio.run(story()) == [True, False, True]


def test_a_worker_is_ready_again_long_before_the_next_look_is_due(tmp_path: Path) -> None:
    its, status = world(tmp_path), Status()
    its.pour(walk("A 0 A 60"))
    status.of(MINE, 0).enter(State.RUNNING, 0)

    async def story() -> None:
        async with its.open(read_only=True) as log:
            faults = Faults([1, 2], only=("before restore",))
            settings = dataclasses.replace(its.settings, watch_s=60.0)
            watching = asyncio.create_task(watch(Shaky(log, faults), settings, status, lambda: at(0)))  # type: ignore[arg-type]
            async with asyncio.timeout(5):
                while faults.struck["before restore"] < 2 or not status.ready:
                    await asyncio.sleep(0.001)
            watching.cancel()

    asyncio.run(story())


def other_device() -> str:
    """A device of the other partition."""
    return next(name for name in map(str, range(99)) if device_partition(name) != MINE)
