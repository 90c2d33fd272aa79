"""What goes around aiokafka's own objects for speed brings what they bring: reading, and batches of packed records."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.record.memory_records import MemoryRecords
from broker import Cluster
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka import KafkaSettings, open_kafka
from stream.kafka.fetching import fetched
from stream.kafka.packing import packed_batches
from stream.kafka.reading import new_consumer, started
from stream.port import Packed, Record, Topic

ROWS = st.lists(st.tuples(st.binary(min_size=1, max_size=200), st.binary(max_size=20_000)), min_size=1, max_size=40)


def packed(rows: Sequence[tuple[bytes, bytes]]) -> Packed:
    """The rows in two arenas."""
    arenas = []
    for pieces in zip(*rows, strict=True):
        ends = [0]
        for piece in pieces:
            ends.append(ends[-1] + len(piece))
        raw = b"".join(end.to_bytes(8, "little") for end in ends)
        arenas += [memoryview(b"".join(pieces)), memoryview(raw).cast("q")]
    return Packed(*arenas)


@given(ROWS, st.sampled_from([1, 1000, 50_000]), st.booleans())
def test_packed_batches_read_as_the_records_they_are_made_of(
    rows: list[tuple[bytes, bytes]], most_bytes: int, transactional: bool
) -> None:
    records, read = packed(rows), []
    for batch in packed_batches(records, most_bytes, transactional=transactional):
        batch._set_producer_state(7, 1, 100)
        memory = MemoryRecords(bytes(batch._build()))
        one = memory.next_batch()
        assert one.validate_crc()
        assert not memory.has_next()
        assert (one.producer_id, one.producer_epoch, one.base_sequence) == (7, 1, 100)
        assert (one.is_transactional, one.base_offset) == (transactional, 0)
        found = list(one)
        assert [record.offset for record in found] == list(range(batch.record_count()))
        assert not any(record.headers for record in found)
        assert {record.timestamp for record in found} == {one.max_timestamp}
        read += [Record(record.key, record.value) for record in found]
    assert read == list(records) == [Record(key, value or None) for key, value in rows]
    assert (len(records), records[0], records[:2]) == (len(rows), read[0], read[:2])


async def _append_all_kinds(bootstrap: str, at: TopicPartition) -> None:
    """Batches of several sizes, transactions that end well and one that does not, a tombstone, headers."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{at.topic}-writer")
    await producer.start()
    for number in range(6):
        await producer.begin_transaction()
        for k in range(40 * (number + 1)):
            value = None if k == 3 else b"%d-%d" % (number, k)
            await producer.send(at.topic, value, key=b"k", partition=0, headers=[("n", b"1")] if k % 2 else [])
        if number == 2:
            await producer.abort_transaction()
        else:
            await producer.commit_transaction()
    await producer.stop()


async def _both(bootstrap: str, topic: str) -> None:
    at, settings = TopicPartition(topic, 0), KafkaSettings(bootstrap=bootstrap, replication=1, min_in_sync=1)
    async with open_kafka(settings) as log:
        await log.create([Topic(topic, 1)])
    await _append_all_kinds(bootstrap, at)
    async with started(new_consumer(settings), settings) as ours, started(new_consumer(settings), settings) as theirs:
        for start in (0, 17, 95):
            for consumer in (ours, theirs):
                consumer.assign([at])
                consumer.seek(at, start)
            slow, fast = [], []
            while found := (await theirs.getmany(at, timeout_ms=1500)).get(at):
                slow += [(one.offset, one.timestamp, one.key, one.value, one.headers) for one in found]
            while some := await fetched(ours, at, most=50, wait_s=1.5):
                fast += [(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in some]
            assert fast == slow
            assert len(fast) > 500
            assert await ours.position(at) == await theirs.position(at)


def test_reading_brings_what_getmany_brings_and_stands_where_it_stands(cluster: Cluster) -> None:
    asyncio.run(_both(cluster.bootstrap, "fast-reading"))
