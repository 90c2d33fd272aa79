"""Reading: committed records, in order, from anywhere, as often as liked; and waiting for more."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engines import Engine, play
from stories import batches, numbered, soon, stays_waiting, texts, values

from stream.port import Batch, Log, Record, Topic

ONE = Topic("one", 1)
LOOKS_S = 5.0 if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else 1.0


@contextmanager
def switching_often() -> Iterator[None]:
    """Threads take turns every few microseconds, so that whatever lies between two steps is met."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_an_empty_partition_ends_at_once(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        assert await batches(log, topic) == []
        assert await batches(log, topic, start=1000) == []

    play(log_engine, story, ONE)


def test_no_batch_has_more_than_was_asked_for(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await log.append(topic, numbered(50))
        await log.append(topic, numbered(50, 50))
        for most in (1, 7, 50, 64, 1000):
            got = await batches(log, topic, most=most)
            assert all(0 < len(batch.offsets) <= most for batch in got)
            assert [value for batch in got for value in batch.values] == [b"%d" % i for i in range(100)]

    play(log_engine, story, ONE)


def test_reading_begins_where_it_is_told_to(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        for first in (0, 10, 20):
            await log.append(topic, numbered(10, first))
        offsets = [offset for batch in await batches(log, topic) for offset in batch.offsets]
        for place in (0, 1, 9, 10, 15, 29):
            assert await values(log, topic, start=offsets[place]) == [b"%d" % i for i in range(place, 30)]
        assert await values(log, topic, start=offsets[-1] + 1) == []

    play(log_engine, story, ONE)


def test_reading_to_the_end_ends_where_the_end_was_when_it_began(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await log.append(topic, numbered(10))
        reading = log.read(topic, 0, to_end=True, most=3)
        first = await anext(reading)
        await log.append(topic, numbered(10, 10))
        rest = [value async for batch in reading for value in batch.values]
        assert [*first.values, *rest] == [b"%d" % i for i in range(10)]

    play(log_engine, story, ONE)


def test_a_reader_that_waits_wakes_for_what_comes(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        reading = log.read(topic, 0)
        for i in range(5):
            waiting = asyncio.create_task(anext(reading))
            assert await stays_waiting(waiting, 0.05)
            await log.append(topic, texts(str(i)))
            assert list((await soon(waiting)).values) == [str(i).encode()]

    play(log_engine, story, ONE)


def test_who_waits_uses_no_processor(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        waiting = [asyncio.create_task(anext(log.read(topic, 0))) for _ in range(50)]
        await asyncio.sleep(0.3)
        before = time.process_time()
        await asyncio.sleep(1)
        assert time.process_time() - before < 0.2
        await log.append(topic, texts("now"))
        assert [list((await soon(one)).values) for one in waiting] == [[b"now"]] * 50

    play(log_engine, story, ONE)


def test_many_readers_see_the_same(log_engine: Engine) -> None:
    async def read(log: Log, topic: str) -> list[bytes | None]:
        got: list[bytes | None] = []
        async for batch in log.read(topic, 0, most=64):
            got += batch.values
            if len(got) >= 1000:
                return got
        raise AssertionError

    async def story(log: Log, topic: str) -> None:
        readers = [asyncio.create_task(read(log, topic)) for _ in range(4)]
        for first in range(0, 1000, 100):
            await log.append(topic, numbered(100, first))
        for reader in readers:
            assert await soon(reader) == [b"%d" % i for i in range(1000)]

    play(log_engine, story, ONE)


def test_an_offset_is_found_by_its_time(log_engine: Engine) -> None:
    begin = time.time_ns() // 1_000_000 - 100_000

    async def story(log: Log, topic: str) -> None:
        assert await log.offset_at(topic, 0, time_ms=begin) == 0
        for first in range(0, 100, 10):
            times = range(begin + 10 * first, begin + 10 * first + 100, 10)
            await log.append(topic, [Record(b"k", b"v", time_ms=at) for at in times])
        offsets = [offset for batch in await batches(log, topic) for offset in batch.offsets]
        for place in (0, 1, 9, 10, 55, 99):
            assert await log.offset_at(topic, 0, time_ms=begin + 10 * place) == offsets[place]
            assert await log.offset_at(topic, 0, time_ms=begin + 10 * place - 3) == offsets[place]
        assert await log.offset_at(topic, 0, time_ms=0) == offsets[0]
        assert await log.offset_at(topic, 0, time_ms=begin + 10_000) > offsets[-1]

    play(log_engine, story, ONE)


def test_batches_are_columns_of_equal_length(log_engine: Engine) -> None:
    def lengths(batch: Batch) -> set[int]:
        return {len(x) for x in (batch.offsets, batch.times_ms, batch.keys, batch.values, batch.headers)}

    async def story(log: Log, topic: str) -> None:
        await log.append(topic, numbered(100))
        assert all(len(lengths(batch)) == 1 for batch in await batches(log, topic, most=33))

    play(log_engine, story, ONE)


def test_whoever_reads_after_asking_where_it_ends_gets_all_up_to_there(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        looks, seen, at, busy = list[tuple[int, int]](), list[int](), 0, True

        async def write() -> None:
            while busy:
                await log.append(topic, numbered(3))

        writing = [asyncio.create_task(write()) for _ in range(4)]
        end = time.monotonic() + LOOKS_S
        while time.monotonic() < end:
            standing = (await log.standing(topic, group="g"))[0]
            seen += [offset for batch in await batches(log, topic, start=at) for offset in batch.offsets]
            looks.append((standing.end, len(seen)))
            at = max(seen[-1] + 1 if seen else 0, standing.end)
        busy = False
        await asyncio.gather(*writing)
        everything = [offset for batch in await batches(log, topic) for offset in batch.offsets]
        for ended, count in looks:
            assert seen[:count] == everything[:count]
            assert sum(offset < ended for offset in everything) <= count

    with switching_often():
        play(log_engine, story, ONE)
