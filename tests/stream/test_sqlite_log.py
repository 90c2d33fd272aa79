"""What only the embedded log promises: readers in other processes, bounded queues, and what is deleted is gone."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from stories import batches, claim_of, numbered, soon, stays_waiting, taken, texts, values

from stream.port import Cleanup, Record, Topic, Unavailable, Unusable
from stream.sqlite import Settings, compaction, open_log

ONE = Topic("one", 1)
DAY = 86_400_000


class Clock:
    """A time that is set by hand."""

    def __init__(self) -> None:
        self.ms = 1_000 * DAY

    def __call__(self) -> int:
        return self.ms


def on_disk(path: Path, secret: bytes) -> bool:
    """Whether these bytes are anywhere in the log's files."""
    return any(secret in file.read_bytes() for file in path.parent.iterdir() if file.is_file())


def test_a_log_that_is_only_read_follows_the_one_that_is_written(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log, open_log(tmp_path / "log.db", read_only=True) as other:
            await log.create([ONE, Topic("state", 2, Cleanup.COMPACT)])
            await log.append("one", texts("a"))
            assert await values(other, "one") == [b"a"]
            waiting = asyncio.create_task(anext(other.read("one", 0, start=1)))
            assert await stays_waiting(waiting)
            await log.append("one", texts("b"))
            assert list((await soon(waiting)).values) == [b"b"]
            async with other.view("state") as view:
                await log.append("state", [Record(b"k", b"v")])
                await view.caught_up()
                assert view.get(b"k") == b"v"
            assert (await other.standing("one", group="g"))[0].end == 2

    asyncio.run(story())


def test_a_log_that_is_only_read_refuses_to_write(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([ONE])
        async with open_log(tmp_path / "log.db", read_only=True) as other:
            with pytest.raises(Unusable, match="for reading only"):
                await other.append("one", texts("a"))
            with pytest.raises(Unusable, match="for reading only"):
                async with other.claims("one", group="g"):
                    pass

    asyncio.run(story())


def test_appends_wait_while_too_much_is_to_be_written(tmp_path: Path) -> None:
    room = 100_000

    async def story() -> None:
        settings = Settings(waiting_bytes=room, lock_s=30)
        async with open_log(tmp_path / "log.db", settings=settings) as log:
            await log.create([ONE])
            shell = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
            shell.execute("BEGIN IMMEDIATE")
            appends = [asyncio.create_task(log.append("one", [Record(b"k", bytes(9_000))])) for _ in range(100)]
            await asyncio.sleep(0.1)
            assert room / 2 < log.waiting_bytes <= room
            appends[50].cancel()
            shell.execute("ROLLBACK")
            shell.close()
            await asyncio.gather(*appends, return_exceptions=True)
            assert log.waiting_bytes == 0
            assert len(await values(log, "one")) == 99

    asyncio.run(story())


def test_what_has_expired_or_was_replaced_is_in_none_of_the_files(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "log.db"
    state = Topic("state", 1, Cleanup.COMPACT, compact_within_ms=DAY)

    async def story() -> None:
        async with open_log(path, now=clock) as log:
            await log.create([Topic("pings", 1, keep_ms=DAY), state])
            for i in range(50):
                await log.append("pings", [Record(b"k", b"secret place %d" % i)])
                await log.append("state", [Record(b"device-%d" % (i % 5), b"secret place %d" % i * 100)])
            await log.append("state", [Record(b"device-%d" % i, None) for i in range(5)])
            assert on_disk(path, b"secret place 7")
            clock.ms += DAY + 1
            await log.append("pings", [Record(b"k", b"fresh")])
            await log.upkeep()
            assert not on_disk(path, b"secret place")
            clock.ms += DAY
            await log.upkeep()
            assert not on_disk(path, b"device-")
            assert await values(log, "pings") == [b"fresh"]
            assert await values(log, "state") == []
            await log.append("state", [Record(b"device-1", b"back")])
            assert [batch.offsets[0] for batch in await batches(log, "state")] == [55]

    asyncio.run(story())


def test_what_a_group_has_not_committed_is_kept_and_told(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with open_log(tmp_path / "log.db", now=clock) as log:
            await log.create([Topic("pings", 1, keep_ms=DAY)])
            for first in range(0, 100, 10):
                await log.append("pings", numbered(10, first))
            async with claim_of(log, "pings", "worker") as claim, claim.take() as grip:
                await grip.commit([], 35)
            clock.ms += 2 * DAY
            await log.upkeep()
            assert await values(log, "pings") == [b"%d" % i for i in range(30, 100)]
            (overdue,) = await log.overdue()
            assert (overdue.topic, overdue.partition, overdue.group, overdue.records) == ("pings", 0, "worker", 65)
            async with claim_of(log, "pings", "worker") as claim, claim.take() as grip:
                await grip.commit([], 100)
            await log.upkeep()
            assert await values(log, "pings") == []
            assert await log.overdue() == []

    asyncio.run(story())


def test_unread_records_go_only_if_that_is_wanted_and_the_disk_is_nearly_full(tmp_path: Path) -> None:
    clock = Clock()

    async def left(settings: Settings) -> int:
        async with open_log(tmp_path / "log.db", now=clock, settings=settings) as log:
            await log.create([Topic("pings", 1, keep_ms=DAY)])
            if not await values(log, "pings"):
                await log.append("pings", numbered(10))
                async with claim_of(log, "pings", "worker") as claim, claim.take():
                    pass
                clock.ms += 2 * DAY
            await log.upkeep()
            return len(await values(log, "pings"))

    assert asyncio.run(left(Settings(drop_unread=False, spare_bytes=1 << 60))) == 10
    assert asyncio.run(left(Settings(drop_unread=True, spare_bytes=0))) == 10
    assert asyncio.run(left(Settings(drop_unread=True, spare_bytes=1 << 60))) == 0


def test_a_partition_keeps_to_its_size(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([Topic("pings", 1, keep_bytes=100_000)])
            for i in range(100):
                await log.append("pings", [Record(b"%d" % i, bytes(10_000))])
            await log.upkeep()
            keys = [key for batch in await batches(log, "pings") for key in batch.keys]
            assert keys == [b"%d" % i for i in range(90, 100)]

    asyncio.run(story())


def test_retention_does_not_wait_for_a_compaction_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, begun, go_on = Clock(), threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> list[compaction.Row]:
        begun.set()
        go_on.wait()
        return []

    async def story() -> None:
        async with open_log(tmp_path / "log.db", now=clock, settings=Settings(upkeep_s=0.02)) as log:
            monkeypatch.setattr(compaction, "rows", slow)
            await log.create([Topic("pings", 1, keep_ms=DAY), Topic("state", 1, Cleanup.COMPACT)])
            try:
                await log.append("state", numbered(10))
                assert await asyncio.to_thread(begun.wait, 20)
                await log.append("pings", numbered(10))
                clock.ms += 2 * DAY
                async with asyncio.timeout(20):
                    while await values(log, "pings"):
                        await asyncio.sleep(0.01)
            finally:
                go_on.set()

    asyncio.run(story())


def test_many_small_rows_become_few_and_reading_goes_on_meanwhile(tmp_path: Path) -> None:
    async def follow(reader: asyncio.Queue[int], log: object, topic: str) -> None:
        async for batch in log.read(topic, 0, most=3):  # type: ignore[attr-defined]
            for offset in batch.offsets:
                reader.put_nowait(offset)

    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([Topic("state", 1, Cleanup.COMPACT)])
            seen: asyncio.Queue[int] = asyncio.Queue()
            follower = asyncio.create_task(follow(seen, log, "state"))
            for i in range(300):
                await log.append("state", [Record(b"%d" % (i % 40), b"%d" % i)])
                if i % 50 == 49:
                    await log.upkeep()
            offsets = [await asyncio.wait_for(seen.get(), 5)]
            while offsets[-1] < 299:
                offsets.append(await asyncio.wait_for(seen.get(), 5))
            assert offsets == sorted(set(offsets))
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
            assert sorted(int(value or b"") for value in await values(log, "state")) == list(range(260, 300))
        connection = sqlite3.connect(tmp_path / "log.db")
        assert connection.execute("SELECT count(*) FROM batch").fetchone()[0] < 30
        connection.close()

    asyncio.run(story())


def test_a_partition_moves_even_if_its_holder_does_not_let_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db", settings=Settings(patience_s=0.2)) as log:
            await log.create([Topic("two", 2)])
            async with log.claims("two", group="g") as first:
                mine = await taken(first, 2)
                async with mine[0].take() as zero, mine[1].take() as one, log.claims("two", group="g") as second:
                    began = time.monotonic()
                    claim = await asyncio.wait_for(anext(second), 5)
                    assert time.monotonic() - began >= 0.15
                    lost, kept = (zero, one) if claim.partition == 0 else (one, zero)
                    with pytest.raises(Unavailable):
                        await lost.commit([], 0)
                    await kept.commit([], 0)

    asyncio.run(story())


def test_closing_writes_what_waits_and_tells_who_waits(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([ONE])
            appends = [asyncio.create_task(log.append("one", texts(str(i)))) for i in range(50)]
            waiting = asyncio.create_task(anext(log.read("one", 0, start=1000)))
            await asyncio.sleep(0)
        assert await asyncio.gather(*appends) == [None] * 50
        with pytest.raises(Unavailable, match="closed"):
            await soon(waiting)
        with pytest.raises(Unavailable, match="closed"):
            await log.append("one", texts("late"))
        async with open_log(tmp_path / "log.db") as log:
            assert len(await values(log, "one")) == 50

    asyncio.run(story())


def test_a_commit_that_is_cancelled_before_it_is_written_never_happens(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_log(tmp_path / "log.db", settings=Settings(lock_s=30)) as log:
            await log.create([ONE])
            shell = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
            async with claim_of(log, "one", "g") as claim:
                async with claim.take() as grip:
                    shell.execute("BEGIN IMMEDIATE")
                    blocked = asyncio.create_task(log.append("one", texts("first")))
                    await asyncio.sleep(0.05)
                    commit = asyncio.create_task(grip.commit([], 7))
                    await asyncio.sleep(0.05)
                    commit.cancel()
                    await asyncio.gather(commit, return_exceptions=True)
                shell.execute("ROLLBACK")
                shell.close()
                await blocked
                async with claim.take() as grip:
                    assert grip.offset == 0

    asyncio.run(story())


def test_a_reader_that_holds_a_moment_for_long_does_not_hold_up_appends(tmp_path: Path) -> None:
    async def story() -> None:
        clock = Clock()
        async with open_log(tmp_path / "log.db", now=clock, settings=Settings(lock_s=10)) as log:
            await log.create([Topic("one", 1, keep_ms=DAY)])
            await log.append("one", numbered(10))
            reader = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM batch").fetchone()[0] > 0
            clock.ms += 2 * DAY
            tidying = asyncio.create_task(log.upkeep())
            longest = 0.0
            while not tidying.done():
                began = time.monotonic()
                await log.append("one", texts("b"))
                longest = max(longest, time.monotonic() - began)
            await tidying
            assert longest < 4, "an append has waited for the reader"
            reader.close()

    asyncio.run(story())
