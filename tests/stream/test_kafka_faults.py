"""Kafka under real faults: whatever is killed, stopped or moved, every record is copied once and in order."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from broker import Cluster, tied
from copier import copy, settings

from stream.kafka import KafkaLog, open_kafka
from stream.port import Claim, Outgoing, Record, Topic, Unavailable, Unusable

ROOT = Path(__file__).parents[2]
_number = count()


class Run:
    """A source and a copy of it, both with some partitions."""

    def __init__(self, log: KafkaLog, cluster: Cluster, partitions: int) -> None:
        self.log, self.cluster, self.partitions = log, cluster, partitions
        self.name = f"faults-{os.getpid()}-{next(_number)}"
        self.source, self.to, self.written = f"{self.name}-in", f"{self.name}-out", [0] * partitions

    async def write(self, records: int) -> None:
        """Append so many to each partition."""
        for partition in range(self.partitions):
            begin = self.written[partition]
            values = [b"%d" % number for number in range(begin, begin + records)]
            await self.log.append(self.source, [Record(b"k", value) for value in values], partition=partition)
            self.written[partition] += records

    async def copied(self, partition: int) -> list[int]:
        """What readers find in the copy."""
        return [
            int(value or b"-1")
            async for batch in self.log.read(self.to, partition, to_end=True)
            for value in batch.values
        ]

    async def finish(self, within_s: float = 40) -> None:
        """Wait until all is copied; it must be exact."""
        async with asyncio.timeout(within_s):
            while True:
                with suppress(Unavailable):
                    standing = await self.log.standing(self.source, group=self.name)
                    if all(one.committed == one.end for one in standing.values()):
                        break
                await asyncio.sleep(0.1)
        for partition, written in enumerate(self.written):
            assert await self.copied(partition) == list(range(written))

    def worker(self) -> "Worker":
        """A process that copies."""
        return Worker(self.cluster.bootstrap, self.name, self.source, self.to)


class Worker:
    """A copier as a process of its own."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [*tied(), sys.executable, str(Path(__file__).parent / "copier.py"), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    async def owns(self) -> int:
        """Wait until it has taken a partition, and say which."""
        assert self._process.stdout
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), 30)
        return int(line.split()[1])

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    """End them all, however it comes."""
    try:
        yield
    finally:
        for worker in workers:
            worker.end()


@asynccontextmanager
async def run(cluster: Cluster, partitions: int, **more: object) -> AsyncIterator[Run]:
    """A new source and a new copy."""
    async with open_kafka(settings(cluster.bootstrap, **more)) as log:
        one = Run(log, cluster, partitions)
        await log.create([Topic(one.source, partitions), Topic(one.to, partitions)])
        yield one


@asynccontextmanager
async def copying(one: Run) -> AsyncIterator[None]:
    """Copy in this process."""
    async with open_kafka(settings(one.cluster.bootstrap)) as log:
        task = asyncio.create_task(copy(log, one.name, one.source, one.to))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def claimed(one: Run) -> AsyncIterator[Claim]:
    """The claim of the only partition."""
    async with one.log.claims(one.source, group=one.name) as claims:
        async for claim in claims:
            yield claim
            break


def test_an_owner_that_was_stopped_and_wakes_up_changes_nothing(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 2) as one:
            await one.write(300)
            first, second = one.worker(), one.worker()
            with working(first, second):
                for owner in (first, second):
                    await owner.owns()
                    owner.send(signal.SIGSTOP)
                    await one.write(500)
                    await asyncio.sleep(3.0)  # the session ends after 2
                    await one.write(500)
                    owner.send(signal.SIGCONT)
                    await one.write(500)
                await one.finish()

    asyncio.run(story())


def test_an_owner_that_is_killed_loses_and_doubles_nothing(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 2) as one:
            for _ in range(2):
                worker = one.worker()
                with working(worker):
                    await one.write(1000)
                    await worker.owns()
                    await asyncio.sleep(0.15)
            async with copying(one):
                await one.finish()

    asyncio.run(story())


def test_a_broker_killed_while_it_commits_loses_and_doubles_nothing(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 2) as one, copying(one):
            await one.write(3000)
            while not any([await one.copied(partition) for partition in range(2)]):
                await asyncio.sleep(0.02)
            await asyncio.to_thread(cluster.brokers[0].kill)
            cluster.brokers[0].start()
            while True:
                with suppress(Unavailable):
                    await one.write(200)
                    break
            found = [await one.copied(partition) for partition in range(2)]
            assert all(sorted(set(part)) == part for part in found)
            await one.finish()

    asyncio.run(story())


def test_members_come_and_go_and_every_record_is_copied_once(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 4) as one, copying(one):
            await one.write(500)
            for _ in range(2):
                async with copying(one):
                    await one.write(500)
                    await asyncio.sleep(1)
                await one.write(500)
            await one.finish()

    asyncio.run(story())


def test_a_partition_that_stays_here_is_not_revoked_when_a_member_joins(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 4) as one, one.log.claims(one.source, group=one.name) as mine:
            held = [await anext(mine) for _ in range(4)]
            async with (
                open_kafka(settings(cluster.bootstrap)) as other,
                other.claims(one.source, group=one.name) as theirs,
            ):
                given = {(await anext(theirs)).partition for _ in range(2)}
                async with asyncio.timeout(5):
                    while {claim.partition for claim in held if claim.revoked.is_set()} != given:
                        await asyncio.sleep(0.01)
                kept = next(claim for claim in held if not claim.revoked.is_set())
                async with kept.take() as grip:
                    await grip.commit([], 0)
            async with asyncio.timeout(10):
                back = {(await anext(mine)).partition for _ in range(2)}
            assert back == given

    asyncio.run(story())


def test_the_next_taker_fences_off_the_one_before(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 1) as one, claimed(one) as claim:
            await one.write(3)
            async with claim.take() as zombie:
                await zombie.commit([Outgoing(one.to, 0, [Record(b"k", b"0")])], 1)
                async with claim.take() as grip:
                    assert grip.offset == 1
                    with pytest.raises(Unavailable):
                        await zombie.commit([Outgoing(one.to, 0, [Record(b"k", b"1")])], 2)
                    await grip.commit([Outgoing(one.to, 0, [Record(b"k", b"1")])], 2)
                    with pytest.raises(Unavailable, match="take the partition anew"):
                        await zombie.commit([], 2)
            assert await one.copied(0) == [0, 1]

    asyncio.run(story())


def test_a_batch_that_is_refused_takes_the_offset_and_the_other_batches_with_it(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 1) as one, claimed(one) as claim:
            await one.write(3)
            async with claim.take() as grip:
                good, huge = Record(b"k", b"0"), Record(b"k", os.urandom(1_200_000))
                with pytest.raises(Unusable, match="MessageSizeTooLarge"):
                    await grip.commit([Outgoing(one.to, 0, [good]), Outgoing(one.source, 0, [huge])], 1)
            async with claim.take() as grip:
                assert grip.offset == 0
                await grip.commit([Outgoing(one.to, 0, [Record(b"k", b"7")])], 3)
            assert await one.copied(0) == [7]  # readers go past what was undone, and end

    asyncio.run(story())


def test_a_partition_that_nobody_reads_does_not_hold_back_the_others(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 2) as one, one.log.claims(one.source, group=one.name) as claims:
            held = [await anext(claims), await anext(claims)]
            await one.write(5000)
            async with held[0].take() as lazy, held[1].take() as busy:
                slow, fast = lazy.batches(most=10), busy.batches(most=500)
                await anext(slow)
                done = 0
                async with asyncio.timeout(10):
                    while done < 5000:
                        done = (await anext(fast)).end
                await slow.aclose()  # type: ignore[attr-defined]
                await fast.aclose()  # type: ignore[attr-defined]

    asyncio.run(story())


def test_a_partition_is_taken_anew_before_the_numbers_of_its_producer_run_out(cluster: Cluster) -> None:
    async def story() -> None:
        async with run(cluster, 1, records_per_producer=100) as one, claimed(one) as claim:
            await one.write(240)
            done = 0
            for commits in (2, 2):
                async with claim.take() as grip:
                    assert grip.offset == done
                    for begin in range(done, done + 60 * commits, 60):
                        records = [Record(b"k", b"%d" % number) for number in range(begin, begin + 60)]
                        await grip.commit([Outgoing(one.to, 0, records)], begin + 60)
                    done += 60 * commits
                    with pytest.raises(Unavailable, match="its producer has written 120 records"):
                        await grip.commit([], done)
            await one.finish()

    asyncio.run(story())


def test_a_member_that_breaks_says_so_to_whoever_waits_for_claims(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody thought of it")

    async def story() -> None:
        async with run(cluster, 1) as one:
            monkeypatch.setattr(AIOKafkaConsumer, "getmany", broken)
            async with asyncio.timeout(10), one.log.claims(one.source, group=one.name) as claims:
                with pytest.raises(Unavailable, match="RuntimeError: nobody thought of it"):
                    await anext(claims)

    asyncio.run(story())
