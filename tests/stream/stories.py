"""Short ways to say what tests of a log do over and over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from stream.port import Batch, Claim, Log, Outgoing, Record

T = TypeVar("T")


def texts(*values: str, key: bytes = b"k") -> list[Record]:
    """Records of one key with these values."""
    return [Record(key, value.encode()) for value in values]


def numbered(count: int, first: int = 0) -> list[Record]:
    """Records with a few dozen keys, their values the numbers from `first` on."""
    return [Record(b"device-%d" % (i % 37), b"%d" % i) for i in range(first, first + count)]


async def batches(log: Log, topic: str, partition: int = 0, *, start: int = 0, most: int = 8192) -> list[Batch]:
    """What is there now."""
    return [batch async for batch in log.read(topic, partition, start=start, to_end=True, most=most)]


async def values(log: Log, topic: str, partition: int = 0, *, start: int = 0) -> list[bytes | None]:
    """The values of a partition."""
    return [value for batch in await batches(log, topic, partition, start=start) for value in batch.values]


async def everything(log: Log, topic: str) -> list[bytes | None]:
    """The values of all partitions, one after the other."""
    return [value for partition in range(await log.partitions(topic)) for value in await values(log, topic, partition)]


async def taken(claims: AsyncIterator[Claim], count: int) -> dict[int, Claim]:
    """So many claims, by partition."""
    found: dict[int, Claim] = {}
    while len(found) < count:
        claim = await anext(claims)
        assert claim.partition not in found
        found[claim.partition] = claim
    return found


@asynccontextmanager
async def claim_of(log: Log, topic: str, group: str) -> AsyncIterator[Claim]:
    """The claim on the only partition of a topic."""
    async with log.claims(topic, group=group) as claims:
        yield await anext(claims)


def out(topic: str, records: Sequence[Record], partition: int = 0) -> Outgoing:
    """Records for a partition."""
    return Outgoing(topic, partition, records)


async def soon(task: asyncio.Task[T]) -> T:
    """What a task gives, which must not take long."""
    return await asyncio.wait_for(task, 10)


async def stays_waiting(task: asyncio.Task[T], for_s: float = 0.2) -> bool:
    """Whether a task is still waiting after a while."""
    done, _ = await asyncio.wait([task], timeout=for_s)
    return not done
