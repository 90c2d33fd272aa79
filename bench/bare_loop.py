"""The baseline of `bench.worker`: an exactly-once loop on Kafka by aiokafka alone, without any geofencing.

Takes pings, keeps the newest of each device in a dict, writes one row for each device that a transaction has touched.
As `docs/kafka.md` says that it is done well: one consumer in a group; a transactional producer for each partition;
batches of up to 8192 records, built as a whole, zstd; msgspec. Every answer is awaited before the offset is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from ingest.topics import PINGS

ROWS = "bare-tracks"
MOST = 8192
_BATCH_BYTES = 512 * 1024


class Ping(msgspec.Struct, gc=False):
    """What the loop reads of a ping."""

    device: str
    lon: float
    lat: float
    time_ms: int
    accuracy_m: float = 0.0


class State(msgspec.Struct, gc=False, array_like=True):
    """What the loop remembers of a device."""

    lon: float
    lat: float
    time_ms: int
    accuracy_m: float
    pings: int


_read = msgspec.json.Decoder(Ping).decode
_write = msgspec.msgpack.Encoder().encode


def overlay(
    states: dict[bytes, State], keys: Sequence[bytes | None], values: Sequence[bytes | None]
) -> dict[bytes, State]:
    """What a batch makes of the states: those that change."""
    changed: dict[bytes, State] = {}
    for key, value in zip(keys, values, strict=True):
        if key is None or value is None:
            continue
        ping = _read(value)
        was = changed.get(key) or states.get(key)
        if was is None or ping.time_ms >= was.time_ms:
            count = 1 if was is None else was.pings + 1
            changed[key] = State(ping.lon, ping.lat, ping.time_ms, ping.accuracy_m, count)
    return changed


def rows(changed: dict[bytes, State]) -> list[tuple[bytes, bytes]]:
    """The states as rows of the changelog."""
    return [(key, _write(state)) for key, state in changed.items()]


class Loop:
    """One client of the group, for partitions that it is given at the start."""

    def __init__(self, bootstrap: str, group: str, partitions: int) -> None:
        self._bootstrap, self._group = bootstrap, group
        self._parts = [TopicPartition(PINGS, partition) for partition in range(partitions)]
        self._states: dict[TopicPartition, dict[bytes, State]] = {at: {} for at in self._parts}
        self.pings = self.commits = self.written = 0

    async def run(self, total: int, taken: Callable[[], object]) -> None:
        """Take so many pings; `taken` is called after each batch."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        producers = {at: self._producer(at) for at in self._parts}
        await asyncio.gather(consumer.start(), *(producer.start() for producer in producers.values()))
        consumer.subscribe([PINGS])
        try:
            while self.pings < total:
                for at, records in (await consumer.getmany(timeout_ms=100, max_records=MOST)).items():
                    await self._take(producers[at], at, records)
                    taken()
        finally:
            await asyncio.gather(consumer.stop(), *(producer.stop() for producer in producers.values()))

    def _producer(self, at: TopicPartition) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            transactional_id=f"{self._group}-{at.partition}",
            transaction_timeout_ms=10_000,
            compression_type="zstd",
            max_batch_size=_BATCH_BYTES,
            retry_backoff_ms=10,
        )

    async def _take(self, producer: AIOKafkaProducer, at: TopicPartition, records: Sequence[Any]) -> None:
        """One transaction."""
        states = self._states[at]
        await producer.begin_transaction()
        changed = overlay(states, [record.key for record in records], [record.value for record in records])
        for answer in await _sent(producer, rows(changed), at.partition):
            await answer
        await producer.send_offsets_to_transaction({at: records[-1].offset + 1}, self._group)
        await producer.commit_transaction()
        states.update(changed)
        self.pings += len(records)
        self.written += len(changed)
        self.commits += 1


async def _sent(producer: AIOKafkaProducer, told: list[tuple[bytes, bytes]], partition: int) -> list[Any]:
    answers = []
    batch = producer.create_batch()
    for key, value in told:
        if batch.append(timestamp=None, key=key, value=value) is None:
            answers.append(await producer.send_batch(batch, ROWS, partition=partition))
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)
    answers.append(await producer.send_batch(batch, ROWS, partition=partition))
    return answers
