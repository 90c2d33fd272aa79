"""Records that other clients write and aiokafka itself would not: none of them stops who reads."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from broker import Cluster
from engines import play
from kafka_engine import Kafka

from stream.port import Headers, Log, Record, Topic

ONE = Topic("one", 1)


class Raw(str):
    """A header's name that is written as these bytes."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff" + super().encode()


async def write(cluster: Cluster, topic: str, headers: Sequence[tuple[str, bytes | None]]) -> None:
    """Two records in one batch, with these headers."""
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 16_384)
        for value in (b"foreign", b"neighbour"):
            batch.append(timestamp=time.time_ns() // 1_000_000, key=b"k", value=value, headers=headers)
        batch.close()
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


def read_with(cluster: Cluster, headers: Sequence[tuple[str, bytes | None]]) -> tuple[list[bytes | None], Headers]:
    """What a grip reads where such records stand between others, and the headers that they have then."""

    async def story(log: Log, topic: str) -> tuple[list[bytes | None], Headers]:
        await log.append(topic, [Record(b"k", b"before")])
        await write(cluster, topic, headers)
        await log.append(topic, [Record(b"k", b"after")])
        values, found = list[bytes | None](), ()
        async with asyncio.timeout(20), log.claims(topic, group=topic) as claims:
            claim = await anext(claims)
            async with claim.take() as grip:
                async for batch in grip.batches(most=100):
                    values += batch.values
                    found = next((headers for headers in batch.headers if headers), found)
                    if values[-1] == b"after":
                        break
        return values, found

    return play(Kafka(cluster), story, ONE)  # type: ignore[no-any-return]


def test_a_header_without_a_value_is_one_with_an_empty_value(cluster: Cluster) -> None:
    values, headers = read_with(cluster, [("kind", None), ("x", b"1")])
    assert values == [b"before", b"foreign", b"neighbour", b"after"]
    assert headers == (("kind", b""), ("x", b"1"))


def test_a_header_whose_name_is_no_text_stops_nobody(cluster: Cluster) -> None:
    for _ in range(2):
        values, headers = read_with(cluster, [(Raw("kind"), b"1")])
        assert values == [b"before", b"foreign", b"neighbour", b"after"]
        assert headers == (("\ufffdkind", b"1"),)
