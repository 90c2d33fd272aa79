"""Producers and their batches: the one way in which records are written, in a transaction or not."""

from __future__ import annotations

import time
from asyncio import Future
from collections.abc import Sequence
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer

from stream.kafka.connection import close
from stream.kafka.packing import packed_batches
from stream.kafka.settings import KafkaSettings
from stream.port import Packed, Record

OVERHEAD_BYTES = 100  # of a batch and of a record in it, at most, headers apart
PACKED_BYTES = 4 * 1024 * 1024  # of a batch of packed records, uncompressed: most commits have one, so one request
_NO_HEADERS: list[tuple[str, bytes]] = []


def new_producer(settings: KafkaSettings, transactional_id: str | None = None) -> AIOKafkaProducer:
    """A producer whose records are on disk everywhere they must be when it says so, once each and in order."""
    more: dict[str, Any] = {"enable_idempotence": True}
    if transactional_id is not None:
        more = {"transactional_id": transactional_id, "transaction_timeout_ms": int(settings.transaction_s * 1000)}
    return AIOKafkaProducer(
        **settings.client(),
        **more,
        acks="all",
        compression_type="zstd",
        max_batch_size=settings.batch_bytes,
        max_request_size=settings.record_bytes + OVERHEAD_BYTES,
        retry_backoff_ms=10,  # the default makes tiny transactions wait for 50 to 100 ms
    )


async def start(producer: AIOKafkaProducer, settings: KafkaSettings) -> AIOKafkaProducer:
    """Start it; with a transactional id that fences off all former ones. One that does not start is closed."""
    try:
        await producer.start()
    except BaseException:
        await close(producer, settings.close_s)
        raise
    return producer


async def send(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Record]
) -> list[tuple[int, Future[Any]]]:
    """Hand records to a producer, in as few batches as they fit in: of each the number of records and its answer.

    Await every answer: a transaction is committed without the batches that failed.
    """
    sent: list[tuple[int, Future[Any]]] = []
    if isinstance(records, Packed):
        for packed in packed_batches(records, PACKED_BYTES, transactional=_is_transactional(producer)):
            sent.append(await _send(producer, packed, topic, partition))
        return sent
    begin = 0
    while begin < len(records):
        batch = producer.create_batch()
        begin += _fill(batch, records, begin)
        sent.append(await _send(producer, batch, topic, partition))
    return sent


def _fill(batch: Any, records: Sequence[Record], begin: int) -> int:
    """Put records into an empty batch until it is full: how many, at least one.

    They go straight to the compiled builder, as `BatchBuilder.append` takes twice as long as that.
    """
    append, now_ms, count = batch._builder.append, time.time_ns() // 1_000_000, 0
    for key, value, told, time_ms in islice(records, begin, None):
        headers = list(told) if told else _NO_HEADERS
        if append(count, now_ms if time_ms is None else time_ms, key, value, headers) is None:
            break
        count += 1
    batch._relative_offset = count
    return count


def _is_transactional(producer: AIOKafkaProducer) -> bool:
    return producer._txn_manager is not None and producer._txn_manager.transactional_id is not None


async def _send(producer: AIOKafkaProducer, batch: Any, topic: str, partition: int) -> tuple[int, Future[Any]]:
    batch.close()
    answer = await producer.send_batch(batch, topic, partition=partition)
    answer.add_done_callback(_heed)
    return batch.record_count(), answer


def _heed(answer: Future[Any]) -> None:
    """An answer that nobody awaits any more, for an earlier one was an error, is no news."""
    if not answer.cancelled():
        answer.exception()


def size_of(record: Record) -> int:
    """Bytes of a record in a batch, at most."""
    size = len(record.key) + (len(record.value) if record.value else 0) + 40
    for name, value in record.headers:
        size += 4 * len(name) + len(value) + 10
    return size
