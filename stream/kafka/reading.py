"""Reading one partition: a consumer of its own, without a group, that sees what was committed.

One consumer a partition, so that no partition waits for another one's reader: in a shared consumer a fetch that waits
for the idle partitions of a broker holds back the busy ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from stream.kafka.connection import asking, close
from stream.kafka.fetching import fetched
from stream.kafka.leniency import be_lenient
from stream.kafka.settings import KafkaSettings
from stream.port import Batch, Headers, Unavailable

IDLE_MS = 2000  # a fetch waits at the broker so long for the first record
_OFFSET, _TIME, _KEY, _VALUE, _HEADERS = map(attrgetter, ("offset", "timestamp", "key", "value", "headers"))


def new_consumer(settings: KafkaSettings, **more: Any) -> AIOKafkaConsumer:
    """A consumer that reads committed records only, commits nothing and joins no group unless told."""
    given: dict[str, Any] = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "max_partition_fetch_bytes": settings.fetch_bytes,
        "fetch_max_wait_ms": IDLE_MS,
        "retry_backoff_ms": 50,
    }
    return AIOKafkaConsumer(**settings.client() | given | more)


@asynccontextmanager
async def started(consumer: AIOKafkaConsumer, settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer, started and in the end stopped, both within their deadlines."""
    try:
        async with asking("connecting to read", settings.answer_s):
            await consumer.start()
        yield consumer
    finally:
        await close(consumer, settings.close_s)


class Cursor:
    """A place in one partition that moves on as it is read; a strict one does not pass over what is gone."""

    def __init__(self, consumer: AIOKafkaConsumer, at: TopicPartition, offset: int, *, strict: bool = False) -> None:
        self._consumer, self._at, self._strict, self._offset = consumer, at, strict, offset
        self._rest: list[Any] = []  # records that are decoded and were too many
        self.go(offset, assign=True)

    async def next(self, most: int, *, wait_ms: int = IDLE_MS) -> Batch | None:
        """What has come since, at most so many records; None if that is nothing for so long."""
        records = self._rest
        if len(records) < most:
            try:
                wait_s = 0.0 if records else wait_ms / 1000
                records = records + await fetched(self._consumer, self._at, most=most - len(records), wait_s=wait_s)
            except OffsetOutOfRangeError:
                if not records:
                    await self._find()
                    return None
            except UnicodeDecodeError as error:
                be_lenient(error)
                self.go(self._offset)
                return None
        records, self._rest = records[:most], records[most:]
        if not records:
            return None
        self._offset = records[-1].offset + 1
        return batch_of(self._at, records)

    async def position(self) -> int:
        """The next offset to be read; beyond all that is not for readers, like what was aborted."""
        return self._offset if self._rest else int(await self._consumer.position(self._at))

    async def _find(self) -> None:
        begin = int((await self._consumer.beginning_offsets([self._at]))[self._at])
        if self._strict and self._offset < begin:
            raise Unavailable(f"the records from {self._offset} to {begin - 1} of {self._at} are gone")
        if self._offset > begin:  # not written yet
            await asyncio.sleep(0.5)
        self.go(max(begin, self._offset))

    def go(self, offset: int, *, assign: bool = False) -> None:
        """Read on from here."""
        # Nothing may come between assign and seek: the fetcher would look for a position and find none.
        if assign:
            self._consumer.assign([self._at])
        self._consumer.seek(self._at, offset)
        self._offset, self._rest = offset, []


def batch_of(at: TopicPartition, records: Sequence[Any]) -> Batch:
    """Aiokafka's records in columns."""
    return Batch(
        topic=at.topic,
        partition=at.partition,
        offsets=list(map(_OFFSET, records)),
        times_ms=list(map(_TIME, records)),
        keys=list(map(_KEY, records)),
        values=list(map(_VALUE, records)),
        headers=[_whole(headers) if headers else () for headers in map(_HEADERS, records)],
    )


def _whole(headers: Sequence[tuple[str, bytes | None]]) -> Headers:
    """Headers as the port has them: Kafka's may be without a value."""
    return tuple((name, value or b"") for name, value in headers)


async def read(
    settings: KafkaSettings, at: TopicPartition, *, start: int, end: int | None, most: int
) -> AsyncIterator[Batch]:
    """The log's `read`, of a partition that exists, up to an offset that was its end or for ever."""
    async with started(new_consumer(settings), settings) as consumer:
        cursor = Cursor(consumer, at, start)
        if end is not None:
            async for batch in _to_end(cursor, settings, most, at, end):
                yield batch
            return
        while True:
            more = await _next(cursor, settings, most, IDLE_MS)
            if more:
                yield more


async def _to_end(
    cursor: Cursor, settings: KafkaSettings, most: int, at: TopicPartition, end: int
) -> AsyncIterator[Batch]:
    stalled_s, was = 0.0, -1
    while True:
        async with asking(f"reading {at.topic} {at.partition}", settings.answer_s):
            position = await cursor.position()
        if position >= end:
            return
        stalled_s = 0.0 if position != was else stalled_s + 0.1
        was = position
        if stalled_s > settings.answer_s:
            raise Unavailable(f"reading {at.topic} {at.partition}: nothing from {position} on, though it ends at {end}")
        batch = await _next(cursor, settings, most, 100)
        part = batch and before(batch, end)
        if part:
            yield part


async def _next(cursor: Cursor, settings: KafkaSettings, most: int, wait_ms: int) -> Batch | None:
    async with asking("reading", settings.rebalance_s):
        return await cursor.next(most, wait_ms=wait_ms)


def before(batch: Batch, end: int) -> Batch | None:
    """The part of a batch that comes before an offset."""
    if batch.end <= end:
        return batch
    count = sum(offset < end for offset in batch.offsets)
    if not count:
        return None
    return Batch(
        topic=batch.topic,
        partition=batch.partition,
        offsets=batch.offsets[:count],
        times_ms=batch.times_ms[:count],
        keys=batch.keys[:count],
        values=batch.values[:count],
        headers=batch.headers[:count],
    )
