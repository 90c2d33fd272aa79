"""A member of a consumer group: it is told which partitions are its own, and reads none of them itself.

Its consumer only keeps the membership: all partitions are paused, each grip reads its own. While the group shares its
partitions out anew, commits that are under way are finished, new ones wait. Partitions that stay here lose
nothing by that: nobody else has had them, and if somebody has, their fence makes the next commit fail.
"""

from __future__ import annotations

import asyncio
from asyncio import Event, Queue
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from stream.kafka.connection import GIVE_UP, said
from stream.kafka.grip import KafkaClaim
from stream.kafka.inquiry import Inquirer
from stream.kafka.reading import new_consumer, started
from stream.kafka.settings import KafkaSettings
from stream.port import Claim, LogError, Unavailable, Unusable

POLL_MS = 1000


class Member(ConsumerRebalanceListener):  # type: ignore[misc]
    """The claims of one member, as they come and go."""

    def __init__(self, settings: KafkaSettings, ask: Inquirer, topic: str, group: str) -> None:
        self._settings, self._ask, self._topic, self._group = settings, ask, topic, group
        self._held: dict[int, KafkaClaim] = {}
        self._settled = Event()
        self._news: Queue[KafkaClaim | LogError] = Queue()
        self.consumer: AIOKafkaConsumer = new_consumer(
            settings,
            group_id=group,
            auto_offset_reset="earliest",
            # Joining is answered when all members have joined.
            request_timeout_ms=int((settings.rebalance_s + settings.request_s) * 1000),
            # Exactly one: with two, the group is joined twice each time.
            partition_assignment_strategy=(StickyPartitionAssignor,),
            session_timeout_ms=int(settings.session_s * 1000),
            heartbeat_interval_ms=int(settings.session_s * 300),
            rebalance_timeout_ms=int(settings.rebalance_s * 1000),
        )

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002
        """All are to be shared out anew: let no commit begin, and those under way end."""
        self._settled.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.rebalance_s / 2):
                for claim in list(self._held.values()):
                    async with claim.committing:
                        pass

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """These are ours now. Returns at once, for there are no heartbeats meanwhile."""
        self.consumer.pause(*assigned)
        ours = {at.partition for at in assigned}
        for partition in self._held.keys() - ours:
            self._held.pop(partition).revoked.set()
        for partition in sorted(ours - self._held.keys()):
            at = TopicPartition(self._topic, partition)
            claim = KafkaClaim(self._settings, self._ask, at, self._group, self._settled)
            self._held[partition] = claim
            self._news.put_nowait(claim)
        self._settled.set()

    async def claims(self) -> AsyncIterator[Claim]:
        """The claims as they come."""
        while True:
            news = await self._news.get()
            if isinstance(news, LogError):
                raise news
            if not news.revoked.is_set():
                yield news

    async def stay(self) -> None:
        """Take part in the group until it throws us out. Gets no records: everything is paused."""
        try:
            self.consumer.subscribe([self._topic], listener=self)
            while True:
                await self.consumer.getmany(timeout_ms=POLL_MS, max_records=1)
        except GIVE_UP as error:
            self._end(Unusable(f"the group {self._group}: {said(error)}"))
        except Exception as error:  # nobody awaits this: what kills it would never be heard of
            self._end(Unavailable(f"the group {self._group}: {said(error)}"))

    def give_up(self) -> None:
        """Revoke all claims."""
        for claim in self._held.values():
            claim.revoked.set()
        self._held.clear()
        self._settled.set()

    async def finished(self) -> None:
        """Wait until no commit is under way."""
        claims = list(self._held.values())
        self.give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.close_s):
                for claim in claims:
                    async with claim.committing:
                        pass

    def _end(self, error: LogError) -> None:
        self.give_up()
        self._news.put_nowait(error)


@asynccontextmanager
async def membership(
    settings: KafkaSettings, ask: Inquirer, topic: str, group: str
) -> AsyncIterator[AsyncIterator[Claim]]:
    """The log's `claims`, of a topic that exists."""
    member = Member(settings, ask, topic, group)
    async with started(member.consumer, settings):
        staying = asyncio.create_task(member.stay())
        try:
            yield member.claims()
        finally:
            await member.finished()
            staying.cancel()
            with suppress(asyncio.CancelledError):
                await staying
