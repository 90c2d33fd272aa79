"""The newest value of each key of a compacted topic: all its partitions, read from the beginning, then followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from stream.kafka.connection import asking
from stream.kafka.inquiry import Inquirer
from stream.kafka.reading import IDLE_MS, new_consumer, started
from stream.kafka.settings import KafkaSettings
from stream.newest import Newest
from stream.port import OnChange, Unavailable


class KafkaView(Newest):
    """A view that `viewing` keeps up to date."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        parts: list[TopicPartition],
        settings: KafkaSettings,
        ask: Inquirer,
        on_change: OnChange | None,
    ) -> None:
        self._consumer, self._parts, self._settings, self._ask = consumer, parts, settings, ask
        super().__init__(on_change)

    async def caught_up(self) -> None:
        """Wait until all that was committed before this call has arrived."""
        topic = self._parts[0].topic
        async with asking(f"finding the end of {topic}", self._settings.answer_s):
            ends = await self._ask.ends(self._parts)
        stalled_s, was, pause_s = 0.0, -1, 0.001
        while (left := await self._left(ends)) > 0:
            stalled_s = 0.0 if left != was else stalled_s + pause_s
            if stalled_s > self._settings.answer_s:
                raise Unavailable(f"{topic} can't be followed: {left} records are missing and none has come of late")
            was, pause_s = left, min(0.05, pause_s * 2)
            await asyncio.sleep(pause_s)

    async def _left(self, ends: Mapping[TopicPartition, int]) -> int:
        async with asking("following", self._settings.answer_s):
            return sum([max(0, end - await self._consumer.position(part)) for part, end in ends.items()])

    async def follow(self) -> None:
        """Take what comes, for ever. Brokers that are away are waited for."""
        while True:
            try:
                found = await self._consumer.getmany(timeout_ms=IDLE_MS, max_records=8192)
            except OffsetOutOfRangeError:
                await self._begin_again()
                continue
            except KafkaError:
                await asyncio.sleep(0.5)
                continue
            for records in found.values():
                for record in records:
                    self._put(record.key, record.value)
            await asyncio.sleep(0)

    async def _begin_again(self) -> None:
        with suppress(KafkaError):
            for part, offset in (await self._ask.begins(self._parts)).items():
                self._consumer.seek(part, offset)


@asynccontextmanager
async def viewing(
    settings: KafkaSettings, ask: Inquirer, topic: str, partitions: int, on_change: OnChange | None = None
) -> AsyncIterator[KafkaView]:
    """The log's `view`, of a topic that exists."""
    parts = [TopicPartition(topic, partition) for partition in range(partitions)]
    async with started(new_consumer(settings), settings) as consumer:
        consumer.assign(parts)
        for part in parts:
            consumer.seek(part, 0)
        view = KafkaView(consumer, parts, settings, ask, on_change)
        following = asyncio.create_task(view.follow())
        try:
            await view.caught_up()
            yield view
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
