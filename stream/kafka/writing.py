"""Producers and their batches: the one way in which records are written, in a transaction or not."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from stream.kafka.connection import close
from stream.kafka.settings import KafkaSettings
from stream.port import Record

OVERHEAD_BYTES = 100  # of a batch and of a record in it, at most, headers apart


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
    batch = producer.create_batch()
    append = batch.append
    for record in records:
        key, value, time_ms, headers = record.key, record.value, record.time_ms, list(record.headers)
        if append(timestamp=time_ms, key=key, value=value, headers=headers) is None:
            sent.append(await _send(producer, batch, topic, partition))
            batch = producer.create_batch()
            append = batch.append
            append(timestamp=time_ms, key=key, value=value, headers=headers)
    if batch.record_count():
        sent.append(await _send(producer, batch, topic, partition))
    return sent


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
