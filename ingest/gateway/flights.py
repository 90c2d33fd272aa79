"""Appends of many requests flown together: while one is under way, those that come wait for the next.

Between `intake` and the log. So a request costs little however small it is, and nobody waits longer than two appends.
Invariants: what waits is bounded; who is told that it was appended has it in the log; one key's records keep their
order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from ingest.measure import RECORDS, Histogram
from ingest.topics import PINGS
from stream.port import Log, LogError, Record, Unavailable
from web.problem import come_again

_log = logging.getLogger("geofence.gateway")
_OVERHEAD = 200  # bytes that a waiting record takes beside its value


class Flights:
    """The way into the log."""

    def __init__(self, log: Log, waiting_bytes: int, append_s: float) -> None:
        self._log, self.most_bytes, self._append_s = log, waiting_bytes, append_s
        self._records: list[Record] = []
        self._passengers: list[asyncio.Future[None]] = []
        self._flying: asyncio.Task[None] | None = None
        self.waiting_bytes = self.failed = 0
        self._refused_s, self._refusal = 0.0, ""  # of the last flight, if it was refused
        self.seconds, self.sizes = Histogram(), Histogram(RECORDS)

    async def append(self, records: Sequence[Record]) -> None:
        """Append; returns when they are safe. Raises Problem: come again, as the log is full or does not answer."""
        size = sum(len(record.value or b"") for record in records) + _OVERHEAD * len(records)
        if self.waiting_bytes + size > self.most_bytes:
            raise come_again("Too much waits for the log. Nothing was lost; send it again.", after_s=1)
        self.waiting_bytes += size
        landed = asyncio.get_running_loop().create_future()
        landed.add_done_callback(lambda _: self._forget(size))
        self._records += records
        self._passengers.append(landed)
        if self._flying is None:
            self._flying = asyncio.create_task(self._fly())
        try:
            await asyncio.wait_for(asyncio.shield(landed), self._append_s)
        except (TimeoutError, Unavailable):
            raise come_again("The log does not answer. Nothing was lost; send it again.", after_s=2) from None

    def refused(self, within_s: float) -> str:
        """Why the last flight was refused, if that was lately; else nothing: only the next one can tell."""
        lately = asyncio.get_running_loop().time() - self._refused_s < within_s
        return self._refusal if lately else ""

    async def _fly(self) -> None:
        """Fly until nobody waits. Whatever fails is told to the passengers of that flight; the next one flies."""
        clock = asyncio.get_running_loop().time
        try:
            while self._passengers:
                records, passengers, self._records, self._passengers = self._records, self._passengers, [], []
                began = clock()
                try:
                    await self._log.append(PINGS, records)
                except Exception as error:
                    if not isinstance(error, LogError):
                        _log.error("an append failed", exc_info=error, extra={"action": "append_fault"})
                    self.failed += 1
                    self._refused_s, self._refusal = clock(), str(error) or type(error).__name__
                    _land(passengers, Unavailable(str(error)))
                else:
                    self._refusal = ""
                    _land(passengers, None)
                self.seconds.add(clock() - began)
                self.sizes.add(len(records))
        finally:
            self._flying = None

    def _forget(self, size: int) -> None:
        self.waiting_bytes -= size


def _land(passengers: list[asyncio.Future[None]], error: Unavailable | None) -> None:
    for landed in passengers:
        if landed.done():
            continue
        if error is None:
            landed.set_result(None)
        else:
            landed.set_exception(error)
            landed.exception()  # whoever has left does not hear of it
