"""The log on Apache Kafka: the port's operations, each handed to the module that knows how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from aiokafka import TopicPartition

from stream.kafka import topics as topics_of
from stream.kafka.appending import Appender
from stream.kafka.connection import again, asking, probe
from stream.kafka.inquiry import Inquirer, inquiring
from stream.kafka.membership import membership
from stream.kafka.reading import read
from stream.kafka.settings import KafkaSettings
from stream.kafka.viewing import viewing
from stream.port import BEGINNING, Batch, Claim, OnChange, Record, Standing, Topic, Unusable, View, Wrong


class KafkaLog:
    """A log that is open; see `stream.port.Log` for what each operation promises."""

    def __init__(self, settings: KafkaSettings, ask: Inquirer) -> None:
        self._settings, self._ask = settings, ask
        self._appender = Appender(settings)

    async def append(self, topic: str, records: Sequence[Record], *, partition: int | None = None) -> None:
        """Append; returns when all are on disk (everywhere they must be)."""
        count = await self.partitions(topic)
        await self._appender.append(topic, records, partitions=count, partition=partition)

    async def read(
        self, topic: str, partition: int, *, start: int = BEGINNING, to_end: bool = False, most: int = 8192
    ) -> AsyncIterator[Batch]:
        """Committed records from `start` on, or from the oldest left if that is gone."""
        at = await self._at(topic, partition)
        end = None
        if to_end:
            async with asking(f"finding the end of {topic} {partition}", self._settings.answer_s):
                end = (await self._ask.ends([at]))[at]
        async with aclosing(read(self._settings, at, start=start, end=end, most=most)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                yield batch

    @asynccontextmanager
    async def view(self, topic: str, *, on_change: OnChange | None = None) -> AsyncIterator[View]:
        """Keep a compacted topic's newest values in memory; caught up once entered."""
        async with viewing(self._settings, self._ask, topic, await self.partitions(topic), on_change) as view:
            yield view

    @asynccontextmanager
    async def claims(self, topic: str, *, group: str) -> AsyncIterator[AsyncIterator[Claim]]:
        """Join a group that shares out the topic's partitions."""
        await self.partitions(topic)
        async with membership(self._settings, self._ask, topic, group) as claims:
            yield claims

    async def partitions(self, topic: str) -> int:
        """How many the topic has. Raises Unusable if there is no such topic."""
        async with asking(f"looking for the topic {topic}", self._settings.answer_s):
            return await self._ask.partitions(topic)

    async def keeps_ms(self, topic: str) -> int | None:
        """For how long the topic keeps a record."""
        async with asking(f"asking how long {topic} keeps records", self._settings.answer_s):
            return await again(lambda: topics_of.keeps_ms(self._ask, topic))

    async def offset_at(self, topic: str, partition: int, *, time_ms: int) -> int:
        """The first offset whose record was received then or later; the end if there is none."""
        at = await self._at(topic, partition)
        async with asking(f"looking for a time in {topic} {partition}", self._settings.answer_s):
            return await self._ask.at_time(at, time_ms)

    async def standing(self, topic: str, *, group: str) -> Mapping[int, Standing]:
        """How far a group has come, by partition."""
        parts = [TopicPartition(topic, partition) for partition in range(await self.partitions(topic))]
        async with asking(f"asking how far {group} has come", self._settings.answer_s):
            done = await self._ask.committed(group, parts)
            begins = await self._ask.begins(parts)
            ends = await self._ask.ends(parts)
        return {at.partition: Standing(begins[at], done[at], ends[at]) for at in parts}

    async def create(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Make those that are missing; their names. What is there is left as it is."""
        async with asking("creating topics", self._settings.take_s):
            made = await again(lambda: topics_of.create(self._ask, topics, self._settings))
            for name in made:  # the other brokers hear of it a moment later
                while name not in await self._ask.topics():
                    await asyncio.sleep(0.02)
        return made

    async def check(self, topics: Sequence[Topic]) -> Sequence[Wrong]:
        """What is not as it must be."""
        async with asking("checking topics", self._settings.take_s):
            return await again(lambda: topics_of.check(self._ask, topics, self._settings))

    async def close(self) -> None:
        """Give up what waits to be written."""
        await self._appender.close()

    async def _at(self, topic: str, partition: int) -> TopicPartition:
        count = await self.partitions(topic)
        if not 0 <= partition < count:
            raise Unusable(f"{topic} has no partition {partition}: it has {count}, from 0 on")
        return TopicPartition(topic, partition)


def open_kafka(settings: KafkaSettings) -> AbstractAsyncContextManager[KafkaLog]:
    """Connect and log in; raises Unavailable and Unusable."""
    return _opened(settings)


@asynccontextmanager
async def _opened(settings: KafkaSettings) -> AsyncIterator[KafkaLog]:
    if not __debug__:
        raise Unusable("python -O leaves out the assertions by which aiokafka stops a producer that was fenced off")
    await probe(settings)
    async with inquiring(settings) as ask:
        log = KafkaLog(settings, ask)
        try:
            yield log
        finally:
            await log.close()
