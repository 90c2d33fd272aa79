"""Kafka's own housekeeping, as the topics that are created ask for it; and appends while a broker is away."""

import asyncio
from contextlib import suppress

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from broker import Cluster
from copier import settings

from stream.kafka import open_kafka
from stream.kafka.inquiry import inquiring
from stream.kafka.reading import Cursor, new_consumer, started
from stream.port import Batch, Cleanup, Record, Topic, Unavailable


def test_what_was_replaced_is_gone_from_disk_in_time(cluster: Cluster) -> None:
    state = Topic("upkeep-state", 1, Cleanup.COMPACT, compact_within_ms=4000)

    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap)) as log:
            await log.create([state])
            await log.append(state.name, [Record(b"a", b"secret"), Record(b"b", b"1"), Record(b"a", None)])
            async with asyncio.timeout(15):
                while b"secret" in (
                    found := [value async for b in log.read(state.name, 0, to_end=True) for value in b.values]
                ):
                    await log.append(state.name, [Record(b"b", b"2")])  # a new record closes the segment
                    await asyncio.sleep(0.5)
            assert b"2" in found

    asyncio.run(story())


def test_appends_that_were_given_up_do_not_pile_up(cluster: Cluster) -> None:
    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap, append_s=0.5, waiting_bytes=20_000)) as log:
            await log.create([Topic("upkeep-given-up", 1)])
            await log.append("upkeep-given-up", [Record(b"k", b"before")])
            cluster.brokers[0].pause()
            try:
                tries = [log.append("upkeep-given-up", [Record(b"k", bytes(1000))]) for _ in range(100)]
                errors = await asyncio.gather(*tries, return_exceptions=True)
            finally:
                cluster.brokers[0].go_on()
            assert all(isinstance(error, Unavailable) for error in errors)
            async with asyncio.timeout(20):
                while True:
                    with suppress(Unavailable):
                        await log.append("upkeep-given-up", [Record(b"k", b"after")])
                        break
            found = [value async for b in log.read("upkeep-given-up", 0, to_end=True) for value in b.values]
            assert (found[0], found[-1]) == (b"before", b"after")
            assert len(found) < 80  # as many as had room, and some that came as others had gone

    asyncio.run(story())


def test_what_was_acknowledged_outlives_a_broker_that_is_killed(cluster: Cluster) -> None:
    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap, append_s=3.0)) as log:
            await log.create([Topic("upkeep-appends", 1)])
            acknowledged: list[int] = []
            enough = asyncio.Event()

            async def write(writer: int) -> None:
                number = writer
                while not enough.is_set():
                    with suppress(Unavailable):
                        await log.append("upkeep-appends", [Record(b"k", b"%d" % number)])
                        acknowledged.append(number)
                    number += 10

            writers = [asyncio.create_task(write(writer)) for writer in range(10)]
            await asyncio.sleep(0.3)
            cluster.brokers[0].kill()
            before = len(acknowledged)
            cluster.brokers[0].start()
            async with asyncio.timeout(30):
                while len(acknowledged) < before + 500:
                    await asyncio.sleep(0.05)
            enough.set()
            await asyncio.gather(*writers)
            found = [
                int(value or b"")
                async for batch in log.read("upkeep-appends", 0, to_end=True)
                for value in batch.values
            ]
            assert before > 0
            assert set(acknowledged) <= set(found)
            assert len(found) == len(set(found))  # nobody sent anything again

    asyncio.run(story())


def test_what_retention_took_before_it_was_read_is_told_and_not_passed_over(cluster: Cluster) -> None:
    topic = "upkeep-lost"
    at = TopicPartition(topic, 0)

    async def delete_before(offset: int) -> None:
        async with inquiring(settings(cluster.bootstrap)) as ask:
            await ask.admin.delete_records({at: RecordsToDelete(before_offset=offset)})

    async def first(strict: bool) -> Batch | None:
        given = settings(cluster.bootstrap)
        async with started(new_consumer(given), given) as consumer:
            cursor = Cursor(consumer, at, 3, strict=strict)
            async with asyncio.timeout(15):
                while (batch := await cursor.next(10)) is None:
                    pass
            return batch

    async def story() -> None:
        async with open_kafka(settings(cluster.bootstrap)) as log:
            await log.create([Topic(topic, 1, keep_ms=60_000)])
            assert await log.keeps_ms(topic) == 60_000
            await log.append(topic, [Record(b"k", b"%d" % number) for number in range(10)])
            async with log.claims(topic, group="upkeep-lost") as claims:
                claim = await anext(claims)
                async with claim.take() as grip:
                    assert (grip.offset, grip.lost) == (0, 0)
                    await grip.commit([], 3)
                await delete_before(7)
                async with claim.take() as grip:
                    assert (grip.offset, grip.lost) == (7, 4)
                    assert (await anext(grip.batches(most=10))).offsets[0] == 7
            with pytest.raises(Unavailable, match="the records from 3 to 6"):
                await first(strict=True)
            found = await first(strict=False)
            assert found
            assert found.offsets[0] == 7, "whoever only reads goes on at the oldest"

    asyncio.run(story())
