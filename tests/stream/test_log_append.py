"""Appending: what was acknowledged is there, as it was given, in order."""

import asyncio
import time

import pytest
from engines import Engine, play
from stories import batches, everything, numbered, texts, values

from stream.partitioner import partition_of
from stream.port import Log, Record, Topic, Unusable

PINGS = Topic("pings", 4)
ONE = Topic("one", 1)
STRANGE = [
    Record(b"\x00\xff", b""),
    Record(b"", b"\x00" * 3),
    Record("ключ".encode(), None),
    Record(b"h", b"v", (("ce_id", b"\xff\x00"), ("ce_id", b""), ("naïve", b"1"))),
    Record(b"h", None, (("reason", b"gone"),)),
]


def test_records_come_back_as_they_were(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await log.append(topic, STRANGE)
        (batch,) = await batches(log, topic)
        assert list(batch.keys) == [record.key for record in STRANGE]
        assert list(batch.values) == [record.value for record in STRANGE]
        assert list(batch.headers) == [record.headers for record in STRANGE]
        assert (batch.topic, batch.partition) == (topic, 0)
        assert list(batch.offsets) == sorted(set(batch.offsets))
        assert batch.end == batch.offsets[-1] + 1

    play(log_engine, story, ONE)


def test_ten_megabytes_are_one_record_like_any_other(log_engine: Engine) -> None:
    large = bytes(range(256)) * (10 << 12)

    async def story(log: Log, topic: str) -> None:
        await log.append(topic, [Record(b"a", b"before"), Record(b"b", large), Record(b"c", b"after")])
        assert await values(log, topic) == [b"before", large, b"after"]

    play(log_engine, story, ONE)


def test_times_are_those_given_or_now(log_engine: Engine) -> None:
    given = time.time_ns() // 1_000_000 - 5_000

    async def story(log: Log, topic: str) -> None:
        before = time.time_ns() // 1_000_000
        await log.append(
            topic, [Record(b"k", b"1", time_ms=given), Record(b"k", b"2"), Record(b"k", b"3", time_ms=given + 1)]
        )
        (batch,) = await batches(log, topic)
        first, second, third = batch.times_ms
        assert (first, third) == (given, given + 1)
        assert before <= second <= time.time_ns() // 1_000_000

    play(log_engine, story, ONE)


def test_a_key_has_one_partition_and_keeps_its_order_over_many_calls(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        for first in range(0, 2000, 100):
            await log.append(topic, numbered(100, first))
        seen = 0
        for partition in range(4):
            newest: dict[bytes | None, int] = {}
            for batch in await batches(log, topic, partition):
                for key, value in zip(batch.keys, batch.values, strict=True):
                    assert partition_of(key or b"", 4) == partition
                    assert int(value or b"") > newest.get(key, -1)
                    newest[key] = int(value or b"")
                    seen += 1
        assert seen == 2000

    play(log_engine, story, PINGS)


def test_a_partition_that_is_given_is_the_partition(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        for partition in range(4):
            await log.append(topic, texts("a", "b"), partition=partition)
        assert [await values(log, topic, partition) for partition in range(4)] == [[b"a", b"b"]] * 4

    play(log_engine, story, PINGS)


def test_many_at_once_lose_and_double_nothing(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await asyncio.gather(*(log.append(topic, numbered(10, 10 * i)) for i in range(200)))
        assert sorted(int(value or b"") for value in await everything(log, topic)) == list(range(2000))

    play(log_engine, story, PINGS)


def test_what_was_acknowledged_is_there_after_opening_again(log_engine: Engine) -> None:
    async def write(log: Log, topic: str) -> None:
        await log.append(topic, texts("a", "b", "c"))

    async def look(log: Log, topic: str) -> None:
        await log.append(topic, texts("d"))
        assert await values(log, topic) == [b"a", b"b", b"c", b"d"]

    play(log_engine, write, ONE)
    play(log_engine, look, ONE)


def test_appending_nothing_is_nothing(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await log.append(topic, [])
        assert await batches(log, topic) == []

    play(log_engine, story, ONE)


def test_a_topic_or_a_partition_that_is_missing_is_unusable_and_named(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        with pytest.raises(Unusable, match="nowhere"):
            await log.append("nowhere", texts("a"))
        with pytest.raises(Unusable, match=topic):
            await log.append(topic, texts("a"), partition=1)
        with pytest.raises(Unusable, match="nowhere"):
            await log.partitions("nowhere")

    play(log_engine, story, ONE)
