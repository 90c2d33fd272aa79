"""Questions to the brokers that are not about records: where partitions begin and end, how far a group has come.

Over connections of its own, since a broker answers those of one connection in turn: behind a reader's fetch, which
waits for records, or a member's joining of its group, a question would wait as long. Its methods raise the client's own
errors; call them under `asking`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NoError

from stream.kafka.connection import again, asking
from stream.kafka.reading import new_consumer, started
from stream.kafka.settings import KafkaSettings
from stream.port import Unusable


class Inquirer:
    """Asks; opened by `inquiring`."""

    def __init__(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, where: str) -> None:
        self.admin, self._consumer, self._where = admin, consumer, where
        self._partitions: dict[str, int] = {}

    async def topics(self) -> Mapping[str, Sequence[Any]]:
        """All topics and their partitions. By all, since asking for one by name might create it."""
        found = await again(lambda: self.admin.describe_topics(None))
        return {topic["topic"]: topic["partitions"] for topic in found if topic["error_code"] == NoError.errno}

    async def partitions(self, topic: str) -> int:
        """How many a topic has, which never changes. Raises Unusable if there is no such topic."""
        if topic not in self._partitions:
            there = await self.topics()
            if topic not in there:
                raise Unusable(f"there is no topic {topic} at {self._where}; `geofence topics create` makes it")
            self._partitions[topic] = len(there[topic])
        return self._partitions[topic]

    async def begins(self, parts: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The oldest offset that is left in each."""
        return await self._consumer.beginning_offsets(list(parts))  # type: ignore[no-any-return]

    async def ends(self, parts: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where what is committed ends in each."""
        return await self._consumer.end_offsets(list(parts))  # type: ignore[no-any-return]

    async def at_time(self, at: TopicPartition, time_ms: int) -> int:
        """The first offset whose record was received then or later; the end if there is none."""
        end = (await self.ends([at]))[at]
        found = (await self._consumer.offsets_for_times({at: time_ms})).get(at)
        return end if found is None else min(int(found.offset), end)

    async def committed(self, group: str, parts: Collection[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """What a group has committed in each; None if it never has."""
        found = await again(lambda: self._committed(group, list(parts)))
        return {at: found[at].offset if found[at].offset >= 0 else None for at in parts}

    async def _committed(self, group: str, parts: list[TopicPartition]) -> Mapping[TopicPartition, Any]:
        found: Mapping[TopicPartition, Any] = await self.admin.list_consumer_group_offsets(group, partitions=parts)
        if not found.keys() >= set(parts):  # its coordinator is another broker by now
            raise GroupCoordinatorNotAvailableError(f"no answer for {group}")
        return found


@asynccontextmanager
async def inquiring(settings: KafkaSettings) -> AsyncIterator[Inquirer]:
    """An inquirer that is connected."""
    admin = AIOKafkaAdminClient(**settings.client())
    try:
        async with asking("connecting to Kafka", settings.answer_s):
            await admin.start()
        async with started(new_consumer(settings), settings) as consumer:
            yield Inquirer(admin, consumer, settings.bootstrap)
    finally:
        async with asking("closing", settings.close_s):
            await admin.close()
