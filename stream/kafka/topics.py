"""The topics themselves: making them, and finding what is not as it must be, with the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from stream.kafka.inquiry import Inquirer
from stream.kafka.settings import KafkaSettings
from stream.kafka.writing import OVERHEAD_BYTES
from stream.port import Cleanup, Topic, Unusable, Wrong

HOUR_MS = 3_600_000
SEGMENTS = 24  # in the time for which records are kept


def settings_of(topic: Topic, settings: KafkaSettings) -> dict[str, str]:
    """What Kafka calls the settings that a topic must have."""
    wanted = {
        "cleanup.policy": topic.cleanup.value,
        "min.insync.replicas": str(settings.min_in_sync),
        "max.message.bytes": str(settings.record_bytes + OVERHEAD_BYTES),
    }
    if topic.cleanup is Cleanup.DELETE:
        wanted["retention.ms"] = str(-1 if topic.keep_ms is None else topic.keep_ms)
        if topic.keep_ms is not None:  # a segment goes as a whole, once its newest record is past its time
            wanted["segment.ms"] = str(max(HOUR_MS, topic.keep_ms // SEGMENTS))
        wanted["retention.bytes"] = str(-1 if topic.keep_bytes is None else topic.keep_bytes)
    elif topic.compact_within_ms is not None:
        # The lag begins when the record is written; what is in the open segment waits for it to be closed.
        wanted["max.compaction.lag.ms"] = str(max(1, topic.compact_within_ms // 2))
        wanted["segment.ms"] = str(max(1, min(HOUR_MS, topic.compact_within_ms // 4)))
    return wanted


async def create(ask: Inquirer, topics: Sequence[Topic], settings: KafkaSettings) -> list[str]:
    """Make those that are missing; their names."""
    there = await ask.topics()
    for topic in topics:
        if topic.partitions < 1:
            raise Unusable(f"{topic.name} is to have {topic.partitions} partitions; it must have at least 1")
    new = [
        NewTopic(topic.name, topic.partitions, settings.replication, topic_configs=settings_of(topic, settings))
        for topic in topics
        if topic.name not in there
    ]
    if not new:
        return []
    made = []
    for name, code, *said in (await ask.admin.create_topics(new)).topic_errors:
        error = for_code(code)
        if error is NoError:
            made.append(name)
        elif error is InvalidReplicationFactorError:
            raise Unusable(
                f"{name} is to have {settings.replication} copies, on as many brokers: {said[0] if said else ''} Set "
                "replication to the number of brokers at most, and min_in_sync to one less"
            )
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {said[0] if said else ''}")
    return made


async def check(ask: Inquirer, topics: Sequence[Topic], settings: KafkaSettings) -> list[Wrong]:
    """What is not as it must be."""
    there = await ask.topics()
    wrong: list[Wrong] = []
    for topic in topics:
        if topic.name not in there:
            wrong.append(Wrong(topic.name, "topic", "missing", "there", "geofence topics create"))
            continue
        wrong += _wrong_partitions(topic, there[topic.name], settings)
        found = await _found(ask, topic.name)
        wrong += [
            Wrong(topic.name, name, found.get(name, "not set"), value, _alter(topic.name, name, value, settings))
            for name, value in settings_of(topic, settings).items()
            if found.get(name) != value
        ]
    return wrong


async def keeps_ms(ask: Inquirer, name: str) -> int | None:
    """For how long a topic keeps a record; None: not limited by time."""
    await ask.partitions(name)
    found = await _found(ask, name)
    kept = int(found.get("retention.ms", "-1"))
    return None if kept < 0 or "delete" not in found.get("cleanup.policy", "delete") else kept


def _wrong_partitions(topic: Topic, found: Sequence[Any], settings: KafkaSettings) -> Iterator[Wrong]:
    if len(found) != topic.partitions:
        fix = (
            "migrate to a new set of topics: a number of partitions that changes moves keys to other partitions"
            if len(found) > topic.partitions or topic.cleanup is Cleanup.COMPACT
            else f"if nothing has been written to it yet: kafka-topics --bootstrap-server {settings.bootstrap} --alter "
            f"--topic {topic.name} --partitions {topic.partitions}; else migrate to a new set of topics"
        )
        yield Wrong(topic.name, "partitions", str(len(found)), str(topic.partitions), fix)
    copies = min((len(part["replicas"]) for part in found), default=0)
    if copies < settings.replication:
        fix = f"kafka-reassign-partitions --bootstrap-server {settings.bootstrap} with {settings.replication} replicas"
        yield Wrong(topic.name, "replication", str(copies), str(settings.replication), fix)


async def _found(ask: Inquirer, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for answer in await ask.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]):
        for code, said, _, _, entries in answer.resources:
            error = for_code(code)
            if error is UnknownTopicOrPartitionError:
                continue
            if error is not NoError:
                raise error(f"{name}: {said}")
            found |= {entry[0]: entry[1] for entry in entries}
    return found


def _alter(topic: str, setting: str, value: str, settings: KafkaSettings) -> str:
    where = f"--bootstrap-server {settings.bootstrap} --entity-type topics --entity-name {topic}"
    return f"kafka-configs {where} --alter --add-config {setting}={value}"
