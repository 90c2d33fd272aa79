"""The worker: joins the group, and gives each partition that it gets a life of its own.

The top of this package. Invariant: when `work` returns, whatever was in flight is committed or as if it had never been.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from ingest.fences import Fences
from ingest.partition import Partition
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, Status, tell
from ingest.topics import PINGS
from ingest.unread import watch
from stream.port import Claim, Log, Unavailable


def wall_ms() -> int:
    """The machine's clock. Decides when a tick is appended, and nothing else."""
    return time.time_ns() // 1_000_000


async def work(
    log: Log,
    fences: Fences,
    settings: WorkerSettings,
    status: Status,
    stop: asyncio.Event,
    *,
    now_ms: Callable[[], int] = wall_ms,
) -> None:
    """Work on the partitions that come until `stop` is set; then finish what is in flight within `drain_s`.

    A group that is lost is joined again. Raises Unusable if it can't be.
    """
    partition, wait_s = Partition(log, fences, settings, now_ms), settings.backoff_s
    watching = asyncio.create_task(watch(log, settings, status, now_ms))
    try:
        while not stop.is_set():
            try:
                await _take_part(log, partition, status, stop)
            except Unavailable as error:
                tell(logging.ERROR, "group_lost", group=settings.group, reason=error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait_s)
                wait_s = min(settings.backoff_most_s, 2 * wait_s)
    finally:
        watching.cancel()


async def _take_part(log: Log, partition: Partition, status: Status, stop: asyncio.Event) -> None:
    """Join the group and live the lives of the partitions that come. Raises Unavailable if the group is lost."""
    lives, latest, settings = set[asyncio.Task[None]](), dict[int, asyncio.Task[None]](), partition.settings
    async with log.claims(PINGS, group=settings.group) as claims:
        try:
            async for claim in _until(stop, claims):
                before = latest.get(claim.partition)
                its = status.of(claim.partition, partition.now_ms())
                life = asyncio.create_task(_live(partition, claim, its, stop, before))
                latest[claim.partition] = life
                lives = {life for life in lives if not life.done()} | {life}
            await stop.wait()
        finally:
            await _drain(lives, settings.drain_s)


async def _live(
    partition: Partition,
    claim: Claim,
    status: PartitionStatus,
    stop: asyncio.Event,
    before: asyncio.Task[None] | None,
) -> None:
    """A partition's life, once the one before has ended: a claim may come back while that is still being left."""
    if before is not None:
        await asyncio.wait({before})
    await partition.live(claim, status, stop)


async def _until(stop: asyncio.Event, claims: AsyncIterator[Claim]) -> AsyncIterator[Claim]:
    """The claims, until `stop` is set."""
    halt = asyncio.create_task(stop.wait())
    try:
        while True:
            coming = asyncio.create_task(_next(claims))
            await asyncio.wait({coming, halt}, return_when=asyncio.FIRST_COMPLETED)
            if halt.done() or (claim := coming.result()) is None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
                return
            yield claim
    finally:
        halt.cancel()


async def _drain(lives: set[asyncio.Task[None]], drain_s: float) -> None:
    """Let what is in flight come to an end; what takes too long is thrown away."""
    if lives:
        _, late = await asyncio.wait(lives, timeout=drain_s)
        for life in late:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        tell(logging.INFO, "drained", partitions=len(lives), cut_off=len(late) or None)


async def _next(claims: AsyncIterator[Claim]) -> Claim | None:
    return await anext(claims, None)
