"""One partition in one owner's hands: a transactional producer of its own, and a cursor.

Invariants: the transactional id belongs to the input partition, so that the broker itself fences off whoever had it
before. The committed offset is read only after that. Every batch's answer is awaited before the transaction is
committed. After any error nothing of the grip is used again, not even to abort: the next one's fence does that.
"""

from __future__ import annotations

import asyncio
from asyncio import Event, Lock
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from stream.kafka.connection import asking, close
from stream.kafka.inquiry import Inquirer
from stream.kafka.reading import Cursor, new_consumer, started
from stream.kafka.settings import KafkaSettings
from stream.kafka.writing import new_producer, send, start
from stream.port import Batch, Outgoing, Unavailable, Unusable

SEEN_WITHIN_S = 1.0


class KafkaClaim:
    """A partition that has been given to this member of the group."""

    def __init__(
        self,
        settings: KafkaSettings,
        ask: Inquirer,
        at: TopicPartition,
        group: str,
        settled: Event,
    ) -> None:
        self.partition = at.partition
        self.revoked = Event()
        self.committing = Lock()  # held while a transaction is open
        self.settled = settled  # not set while the group shares its partitions out anew
        self.settings, self.ask, self.at, self.group = settings, ask, at, group

    def __repr__(self) -> str:
        return f"<claim of {self.group} on {self.at.topic} {self.partition}>"

    @asynccontextmanager
    async def take(self) -> AsyncIterator[KafkaGrip]:
        """Fence off whoever had it before, undo what they left unfinished, then read the committed offset."""
        name = f"taking {self.at.topic} {self.partition} for {self.group}"
        if self.revoked.is_set():
            raise Unavailable(f"{name}: it has been given up")
        async with started(new_consumer(self.settings), self.settings) as consumer:
            async with asking(name, self.settings.take_s):
                own = new_producer(self.settings, f"{self.group}-{self.at.topic}-{self.partition}")
                producer = await start(own, self.settings)  # fences off all others of this partition
            grip = KafkaGrip(self, producer)
            try:
                async with asking(name, self.settings.take_s):
                    committed = (await self.ask.committed(self.group, [self.at]))[self.at]
                    begin = (await self.ask.begins([self.at]))[self.at]
                    end = (await self.ask.ends([self.at]))[self.at]
                if committed is not None and committed > end:
                    raise Unusable(
                        f"{name}: {committed} records were done, but it ends at {end}: it was made anew or "
                        "has lost records. Set the group's offset by kafka-consumer-groups --reset-offsets"
                    )
                grip.offset = begin if committed is None else max(committed, begin)
                grip.lost = 0 if committed is None else max(0, begin - committed)
                grip.follow(Cursor(consumer, self.at, grip.offset, strict=True))
                yield grip
            finally:
                await grip.discard()


class KafkaGrip:
    """What a claim was taken by. After any error it is dead."""

    def __init__(self, claim: KafkaClaim, producer: AIOKafkaProducer) -> None:
        self.offset = self.lost = 0
        self._claim, self._producer = claim, producer
        self._cursor: Cursor | None = None
        self._written = 0
        self._dead: str | None = None

    def follow(self, cursor: Cursor) -> None:
        """Read on by this cursor."""
        self._cursor = cursor

    async def batches(self, *, most: int) -> AsyncIterator[Batch]:
        """Records from `offset` on, at most so many at a time; ends when the claim is revoked."""
        if self._cursor is None:
            raise Unavailable("this grip has not been taken")
        self._cursor.go(self.offset)
        revoked = asyncio.ensure_future(self._claim.revoked.wait())
        coming: asyncio.Future[Batch | None] | None = None
        try:
            while not revoked.done():
                coming = asyncio.ensure_future(self._cursor.next(most))
                await asyncio.wait((coming, revoked), return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    return
                async with asking(f"reading {self._claim.at.topic} {self._claim.partition}", 1):
                    batch = coming.result()
                if batch:
                    yield batch
        finally:
            revoked.cancel()
            if coming and not coming.done():
                coming.cancel()

    async def commit(self, outgoing: Sequence[Outgoing], offset: int) -> None:
        """Append all of `outgoing` and remember `offset`, both or neither."""
        name = f"committing {self._claim.at.topic} {self._claim.partition} up to {offset}"
        if self._dead:
            raise Unavailable(f"{name}: take the partition anew, for {self._dead}")
        try:
            async with asking(name, self._claim.settings.commit_s):
                await self._claim.settled.wait()
                if self._claim.revoked.is_set():
                    raise Unavailable(f"{name}: the partition has been given up")
                async with self._claim.committing:
                    ends = await self._transact(outgoing, offset)
                await self._seen(ends)
        except BaseException as error:
            self._dead = f"{name} failed: {error!r}"
            raise
        self.offset = offset
        if self._written >= (most := self._claim.settings.records_per_producer):
            # A new producer for this grip would fence off whoever has taken the partition since: it has to be taken.
            self._dead = f"its producer has written {self._written} records, and its numbers end soon after {most}"

    async def discard(self) -> None:
        """Leave it; what was not committed is undone by the next one who takes the partition."""
        self._dead = self._dead or "it was left"
        await close(self._producer, self._claim.settings.close_s)

    async def _transact(self, outgoing: Sequence[Outgoing], offset: int) -> dict[TopicPartition, int]:
        producer = self._producer
        for one in outgoing:
            if one.partition >= (count := await self._claim.ask.partitions(one.topic)):
                raise Unusable(f"{one.topic} has no partition {one.partition}: it has {count}, from 0 on")
        await producer.begin_transaction()
        sent = [
            (TopicPartition(one.topic, one.partition), batch) for one in outgoing for batch in await self._send(one)
        ]
        # The offset goes beside the batches, which saves two rounds; only when all are answered it is committed.
        marking = producer.send_offsets_to_transaction({self._claim.at: offset}, self._claim.group)
        _, *answers = await asyncio.gather(marking, *(answer for _, (_, answer) in sent))
        ends: dict[TopicPartition, int] = {}
        for (to, (count, _)), answer in zip(sent, answers, strict=True):
            ends[to] = answer.offset + count
            self._written += count
        await producer.commit_transaction()
        return ends

    async def _send(self, one: Outgoing) -> list[tuple[int, asyncio.Future[Any]]]:
        return await send(self._producer, one.topic, one.partition, one.records)

    async def _seen(self, ends: dict[TopicPartition, int]) -> None:
        """Wait until readers see what was committed: the brokers say yes a few milliseconds earlier.

        Not for long: somebody else's open transaction on the same partition hides it too.
        """
        loop = asyncio.get_running_loop()
        late, pause_s = loop.time() + SEEN_WITHIN_S, 0.002  # at once it is hardly ever so, and asking has its price
        while ends and loop.time() < late:
            await asyncio.sleep(pause_s)
            found = await self._claim.ask.ends(ends)
            ends = {to: end for to, end in ends.items() if found[to] < end}
            pause_s *= 1.5
