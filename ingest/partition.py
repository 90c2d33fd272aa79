"""A partition's life in a worker's hands: taken, restored, worked on, until it is revoked or the worker stops.

Between `worker`, which has the claims, and `pipeline`. Invariant: there is one answer to any failure: what was not
committed is thrown away, and the partition is taken again after a while; a partition that waits says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from geofence.fence import Fence
from geofence.library import UnknownVersion
from geofence.malformed import Malformed
from ingest.fences import Fences
from ingest.pipeline import Pipeline
from ingest.reading import Reader
from ingest.restoring import restore
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, State, tell
from ingest.ticking import Ticking
from ingest.topics import PINGS
from stream.port import Batch, Claim, Grip, Log, Unusable


class InputLost(Exception):
    """Records went before they were read, and nobody has agreed to go on without them."""


class Cancelled(Exception):
    """A cancellation that nobody asked for: Kafka's client lets its own out while brokers come and go."""


# What waiting alone does not mend: a version or a file is missing, or rows are of a newer program.
_LASTING = (UnknownVersion, Malformed, Unusable, InputLost)


@dataclass(frozen=True, slots=True)
class Partition:
    """Lives the lives of partitions; knows nothing of one between them."""

    log: Log
    fences: Fences
    settings: WorkerSettings
    now_ms: Callable[[], int]

    async def live(self, claim: Claim, status: PartitionStatus, stop: asyncio.Event) -> None:
        """Work until the claim is revoked or `stop` is set. Raises nothing but CancelledError."""
        halt = asyncio.create_task(_either(stop, claim.revoked))
        try:
            while not halt.done():
                try:
                    await self._hold_or_leave(claim, status, halt)
                except Exception as error:
                    await self._wait_after(error, status, halt)
        finally:
            halt.cancel()
            status.enter(State.LEFT, self.now_ms())

    async def _hold_or_leave(self, claim: Claim, status: PartitionStatus, halt: asyncio.Task[None]) -> None:
        """Hold the partition; what is not restored by the time that it is to be given up is left at once."""
        holding = asyncio.create_task(self._hold(claim, status, halt))
        try:
            await asyncio.wait({holding, halt}, return_when=asyncio.FIRST_COMPLETED)
            if status.state is State.RESTORING:
                holding.cancel()
            await asyncio.wait({holding})
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)
        if not holding.cancelled():
            holding.result()
        elif not halt.done():
            raise Cancelled("the log's client gave up in the midst of it")

    async def _hold(self, claim: Claim, status: PartitionStatus, halt: asyncio.Task[None]) -> None:
        """Take the partition once, and work until something fails or it is to be given up."""
        status.in_force = None  # another worker may have had it meanwhile
        status.enter(State.RESTORING, self.now_ms())
        async with claim.take() as grip:
            self._check_lost(grip, claim.partition, status)
            fence = await restore(self.log, claim.partition, self.fences, status)
            status.in_force = tuple(fence.in_force())
            reader = Reader(claim.partition, await self.log.partitions(PINGS), self.settings.value_bytes)
            pipeline = Pipeline(grip, fence, self.fences, reader, self.settings, status, self.now_ms)
            status.enter(State.RUNNING, self.now_ms())
            await self._work(grip, pipeline, fence, status, halt)

    async def _work(
        self, grip: Grip, pipeline: Pipeline, fence: Fence, status: PartitionStatus, halt: asyncio.Task[None]
    ) -> None:
        """Batches, sweeps and ticks as they come, each wholly done before the next."""
        ticking = Ticking(fence, self.settings.tick_s, self.now_ms)
        batches = grip.batches(most=self.settings.batch_records)
        coming = asyncio.create_task(_next(batches))
        try:
            while not halt.done():
                patience = 0.0 if fence.sweeping else ticking.wait_s()
                await asyncio.wait({coming, halt}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if coming.done() and not halt.done():
                    batch = coming.result()
                    if batch is None:
                        return
                    await pipeline.take(batch)
                    coming = asyncio.create_task(_next(batches))
                if fence.sweeping:
                    await pipeline.sweep()
                self._forgive(status)
                tick = ticking.tick()
                if tick is not None:
                    await pipeline.order(tick)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    def _forgive(self, status: PartitionStatus) -> None:
        """What has run for as long as it could have waited works again, though it had nothing to commit."""
        if status.failures and self.now_ms() - status.since_ms > self.settings.backoff_most_s * 1000:
            status.failures = 0

    async def _wait_after(self, error: Exception, status: PartitionStatus, halt: asyncio.Task[None]) -> None:
        """Say what has failed, and wait: longer each time, and at once as long as can be if waiting mends nothing."""
        status.failures += 1
        status.counts["faults"] += 1
        lasting, settings = isinstance(error, _LASTING), self.settings
        reason = f"{type(error).__name__}: {error}"
        status.enter(State.BLOCKED if lasting else State.FAILED, self.now_ms(), reason)
        logging.getLogger("geofence.worker").debug("what failed", exc_info=error)
        doubled = settings.backoff_s * 2 ** min(status.failures - 1, 30)
        wait_s = settings.backoff_most_s if lasting else min(settings.backoff_most_s, doubled)
        await asyncio.wait({halt}, timeout=wait_s)

    def _check_lost(self, grip: Grip, partition: int, status: PartitionStatus) -> None:
        """Say so if records went before they were read; go on without them only if that was agreed to."""
        if grip.lost:
            status.counts["lost"] += grip.lost
            tell(logging.ERROR, "input_lost", partition=partition, records=grip.lost, begin=grip.offset)
            if self.settings.lost_input == "stop":
                raise InputLost(
                    f"{grip.lost} records before offset {grip.offset} went by retention and were never read; allowed: "
                    "to go on without them, once somebody says so. Start the worker with --lost-input go-on."
                )


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _next(batches: AsyncIterator[Batch]) -> Batch | None:
    return await anext(batches, None)
