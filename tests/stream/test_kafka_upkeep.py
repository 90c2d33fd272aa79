"""Kafka's own housekeeping, as the topics that are created ask for it; and appends while a broker is away."""

import asyncio
from contextlib import suppress

from broker import Cluster
from copier import settings

from stream.kafka import open_kafka
from stream.port import Cleanup, Record, Topic, Unavailable


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
            assert len(found) < 40  # as many as had room, no more

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
