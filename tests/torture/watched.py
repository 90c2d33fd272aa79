"""The log as a worker's process sees it: the real one, with points at the port's steps, telling what was committed.

Between `work` and the engine, in the worker's process. Invariant: a commit is told only after it has returned.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ingest.topics import PINGS, TRACKS
from stream.port import Batch, Claim, Grip, Log, Outgoing, Record
from tests.torture.points import Points, say

_NONE = Points()  # nothing is ever armed here


class WatchedLog:
    """A log; whatever is not named here is the log's own."""

    def __init__(self, log: Log, points: Points) -> None:
        self._log, self._points = log, points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, topic: str, records: Sequence[Record], *, partition: int | None = None) -> None:
        """As the log's own."""
        self._points.visit("before append")
        await self._log.append(topic, records, partition=partition)
        self._points.visit("after append")

    async def read(self, topic: str, *given: Any, **more: Any) -> AsyncIterator[Batch]:
        """As the log's own; whoever reads tracks restores."""
        points = self._points if topic == TRACKS else _NONE
        points.visit("before restore")
        async for batch in self._log.read(topic, *given, **more):
            yield batch
            points.visit("amid restore")
        points.visit("after restore")

    @asynccontextmanager
    async def claims(self, topic: str, *, group: str) -> AsyncIterator[AsyncIterator[Claim]]:
        """As the log's own."""
        async with self._log.claims(topic, group=group) as claims:
            yield (WatchedClaim(claim, self._points) async for claim in claims)


class WatchedClaim:
    """A claim."""

    def __init__(self, claim: Claim, points: Points) -> None:
        self.partition, self.revoked, self._claim, self._points = claim.partition, claim.revoked, claim, points

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Grip]:
        """As the claim's own."""
        self._points.visit("before take")
        async with self._claim.take() as grip:
            self._points.visit("after take")
            yield WatchedGrip(grip, self._points, self.partition)


class WatchedGrip:
    """A grip that knows the times of the records in its last batch."""

    def __init__(self, grip: Grip, points: Points, partition: int) -> None:
        self._grip, self._points, self._partition = grip, points, partition
        self.offset, self.lost = grip.offset, grip.lost
        self._batch: Batch | None = None
        self._committed = grip.offset

    async def batches(self, *, most: int) -> AsyncIterator[Batch]:
        """As the grip's own."""
        async for batch in self._grip.batches(most=most):
            self._batch = batch
            yield batch

    async def commit(self, outgoing: Sequence[Outgoing], offset: int) -> None:
        """As the grip's own."""
        steps = ["grip commit", "sweep"] if self._sweeps(outgoing, offset) else ["grip commit"]
        for step in steps:
            self._points.visit(f"before {step}")
        await self._grip.commit(outgoing, offset)
        self._committed = offset
        for step in steps:
            self._points.visit(f"after {step}")
        if self._batch is not None and self._batch.offsets[0] < offset:
            newest = max(self._batch.times_ms[: bisect_left(self._batch.offsets, offset)])
            say(say="commit", partition=self._partition, time_ms=newest)

    def _sweeps(self, outgoing: Sequence[Outgoing], offset: int) -> bool:
        """Whether a commit is a part of a sweep: it takes no input, and is no tick."""
        return offset == self._committed and not any(one.topic == PINGS for one in outgoing)
