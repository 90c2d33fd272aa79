"""The loop of `bare_loop` over our own log instead of aiokafka: what the log itself costs, on either engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.bare_loop import MOST, ROWS, State, overlay, rows
from ingest.topics import PINGS
from stream.port import Claim, Log, Outgoing, Record


class PortLoop:
    """Takes what it is given of a group's partitions."""

    def __init__(self, log: Log, group: str) -> None:
        self._log, self._group = log, group
        self.pings = self.commits = self.written = 0

    async def run(self, total: int, taken: Callable[[], object]) -> None:
        """Take so many pings; `taken` is called after each batch."""
        done = asyncio.Event()

        def after() -> None:
            taken()
            if self.pings >= total:
                done.set()

        async with self._log.claims(PINGS, group=self._group) as claims:
            coming = asyncio.create_task(self._take_all(claims, after))
            await done.wait()
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _take_all(self, claims: object, after: Callable[[], object]) -> None:
        async with asyncio.TaskGroup() as group:
            async for claim in claims:  # type: ignore[attr-defined]
                group.create_task(self._hold(claim, after))

    async def _hold(self, claim: Claim, after: Callable[[], object]) -> None:
        states: dict[bytes, State] = {}
        async with claim.take() as grip:
            async for batch in grip.batches(most=MOST):
                changed = overlay(states, batch.keys, batch.values)
                told = [Record(key, value) for key, value in rows(changed)]
                await grip.commit([Outgoing(ROWS, claim.partition, told)], batch.end)
                states.update(changed)
                self.pings += len(batch.offsets)
                self.written += len(told)
                self.commits += 1
                after()
