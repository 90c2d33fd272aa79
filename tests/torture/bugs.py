"""Bugs, each of which loses or doubles data now and then, put in on purpose to show that it is found.

Put in place in a worker's or a publisher's process only. Each is what somebody might well have written; beside it
stands what finds it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced

from boundaries.publishing import Publisher
from catalog.publication import Publication
from geofence.control import Switch
from geofence.fence import Fence
from ingest import pipeline
from ingest.outgoing import state_records
from ingest.topics import PARTITION_KEY
from stream.kafka import KafkaSettings, grip
from stream.kafka.grip import KafkaClaim, KafkaGrip
from stream.kafka.writing import new_producer
from stream.port import Outgoing, Record
from web.calling import called


def _put(owner: object, name: str, bug: object) -> None:
    """Put a bug in the place of what is there, which has to be there: else the bug would show nothing."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner} has no {name} any more; put the bug where that has gone")
    setattr(owner, name, bug)


def reuse() -> None:
    """After an error abort the transaction and go on with the same producer (brokers in trouble, lost answers)."""
    transact = KafkaGrip._transact

    async def again(self: KafkaGrip, outgoing: Sequence[Outgoing], offset: int) -> Mapping[TopicPartition, int]:
        while True:
            try:
                return await transact(self, outgoing, offset)
            except (AssertionError, ProducerFenced):
                raise
            except Exception:
                with suppress(Exception):
                    await self._producer.abort_transaction()
                await asyncio.sleep(0.05)

    _put(KafkaGrip, "_transact", again)


def offsets_first() -> None:
    """Read the committed offset, then fence off the former owner (who commits between the two)."""
    take = KafkaClaim.take

    @asynccontextmanager
    async def hasty(self: KafkaClaim) -> AsyncIterator[KafkaGrip]:
        own, early = self.ask, await self.ask.committed(self.group, [self.at])
        self.ask = _Early(own, early)  # type: ignore[assignment]
        try:
            async with take(self) as grip:
                yield grip
        finally:
            self.ask = own

    _put(KafkaClaim, "take", hasty)


class _Early:
    def __init__(self, ask: Any, early: Mapping[TopicPartition, int | None]) -> None:
        self._ask, self._early = ask, early

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ask, name)

    async def committed(self, group: str, parts: object) -> Mapping[TopicPartition, int | None]:
        return self._early


def id_per_worker() -> None:
    """A transactional id that is the worker's, as the library's documentation has it (zombies)."""

    def own(settings: KafkaSettings, transactional_id: str) -> AIOKafkaProducer:
        return new_producer(settings, f"{transactional_id}-{os.getpid()}")

    _put(grip, "new_producer", own)


def important_only() -> None:
    """Keep the rows of those devices alone that have crossed something (a restart while evidence is pending)."""

    def important(fence: Fence) -> tuple[list[Record], list[Record]]:
        slots = fence._devices.told.listed[: int(fence._devices.told.many[0])].tolist()
        told = {fence._devices.name(slot).encode() for slot in slots if fence._devices.roster.holds(slot)}
        tracks, presence = state_records(fence)
        return [row for row in tracks if row.key in {*told, PARTITION_KEY} or row.value is None], presence

    _put(pipeline, "state_records", important)


def any_number() -> None:
    """Obey a switch whatever its number (a publisher that wakes up late, and writes on)."""
    _put(Fence, "has_obeyed", lambda _fence, _switch: False)


def unready() -> None:
    """Write a switch to the log before the workers have said that they have the version (one can't load it)."""

    async def at_once(_publisher: Publisher, _held: Publication) -> bool:
        return True

    _put(Publisher, "_prepare", at_once)


def sent_first() -> None:
    """Say that a switch is in the log, then write it (a publisher that is killed between the two)."""
    send = Publisher._send

    async def hasty(self: Publisher, held: Publication) -> bool:
        own, publishing = self._order, self._catalog.publishing

        async def order(switch: Switch, partition: int | None) -> None:
            if await called(publishing.sent, held, now_ms=self._now_ms()):
                await own(switch, partition)

        self._order = order
        try:
            return await send(self, held)
        finally:
            self._order = own

    _put(Publisher, "_send", hasty)


BUGS: Mapping[str, Callable[[], None]] = {
    "reuse": reuse,
    "offsets-first": offsets_first,
    "id-per-worker": id_per_worker,
    "important-only": important_only,
    "any-number": any_number,
    "unready": unready,
    "sent-first": sent_first,
}
