"""What a consumer has fetched of a partition, taken a batch at a time, without an object of Python's for each record.

Stands in for `AIOKafkaConsumer.getmany`, which spends three quarters of its time on its records' objects: the records
here are those of aiokafka's compiled decoder. It reaches into the fetcher for them: `tests/stream/test_kafka_fast`
holds it against `getmany`, and the version of aiokafka is bounded. Invariants: the same records come in the same order
and the consumer stands at the same position as with `getmany`; what was aborted does not come.

What is fetched ahead grows old while its reader is at work, and whatever comes in the meantime waits for two rounds of
it. So a consumer fetches ahead only while it is behind; one that has caught up fetches when it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException


async def fetched(consumer: AIOKafkaConsumer, at: TopicPartition, *, most: int, wait_s: float) -> list[Any]:
    """Records of a partition that is read by nobody else, in whole batches until they are `most` or more.

    None come if there are none for so long. Raises what `getmany` raises.
    """
    fetcher, loop = consumer._fetcher, asyncio.get_running_loop()
    late = loop.time() + wait_s
    consumer.resume(at)
    while True:
        if consumer._closed:
            raise ConsumerStoppedError()
        consumer._coordinator.check_errors()
        records = _take(consumer, at, most)
        if records or (left_s := late - loop.time()) <= 0:
            return records
        waiter = fetcher._create_fetch_waiter()
        try:
            await asyncio.wait([waiter], timeout=left_s)
        finally:
            waiter.done() or waiter.cancel()
        if not waiter.cancelled():
            waiter.result()  # of errors that concern all partitions


def _take(consumer: AIOKafkaConsumer, at: TopicPartition, most: int) -> list[Any]:
    """What is there."""
    fetcher = consumer._fetcher
    found, records = fetcher._records.get(at), list[Any]()
    if found is None:
        return records
    done = True
    try:
        if type(found) is not FetchResult:
            found.check_raise()
        elif found.check_assignment(at):
            found._partition_records._records_iterator = None  # refers back: the bytes would wait for the collector
            for batch in _batches(found._partition_records):
                records += batch
                if len(records) >= most:
                    break
            found._update_position()
            done = not found._partition_records._records.has_next()
            if records and found._partition_records.next_fetch_offset >= (consumer.last_stable_offset(at) or 0):
                consumer.pause(at)
    finally:
        if done:
            del fetcher._records[at]
            fetcher._notify(fetcher._wait_consume_future)  # fetch on
    return records


def _batches(fetch: PartitionRecords) -> Iterator[list[Any]]:
    """The records for readers, batch by batch, as `PartitionRecords` itself goes through them."""
    while fetch._records.has_next():
        batch = fetch._records.next_batch()
        if fetch._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"a batch of {fetch._tp} has a wrong checksum")
        begin, fetch_from = fetch.next_fetch_offset, batch.next_offset
        if not _is_hidden(fetch, batch):
            records = list(batch)
            fetch.next_fetch_offset = fetch_from
            yield [record for record in records if record.offset >= begin] if batch.base_offset < begin else records
        fetch.next_fetch_offset = fetch_from


def _is_hidden(fetch: PartitionRecords, batch: Any) -> bool:
    """Whether a batch was aborted, or only says that something was aborted or committed."""
    if batch.producer_id is not None:
        fetch._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and fetch._contains_abort_marker(batch):
            fetch._aborted_producers.discard(batch.producer_id)
    return bool(batch.is_control_batch or (batch.is_transactional and batch.producer_id in fetch._aborted_producers))
