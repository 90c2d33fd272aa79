"""Pings that were in the future when the file was read, and times that look wrong: refused, or said aloud.

Between the readers and `player`. Where a ping does not say when it was received, its own time moves the clock of the
whole file, and one device's wrong clock would make all others look silent for years. Invariant: the result depends on
the file and on `until_ms` alone; a ping that says when it was received is left to the core.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.fault import FUTURE_MS, TIME_END_MS
from geofence.instant import ms_of, text_of
from service.complaints import note
from service.rows import Batch, Part, Rejected
from service.source import Unusable

SILENT_MS = 30 * 86_400_000  # a jump of the clock by more than this makes the core forget who is silent
_SECONDS = range(1_000_000_000, 10_000_000_000)  # the years 2001 to 2286 in seconds, 1970 in milliseconds


def until_of(text: str | None) -> int:
    """The option `--until` in Unix milliseconds: a day (its end), an instant, or now. Raises Unusable."""
    if text is None:
        return int(time.time() * 1000)
    try:
        until_ms = ms_of(text if len(text) > len("2026-01-31") else f"{text}T23:59:59.999")
    except ValueError:
        until_ms = -1
    if not 0 <= until_ms < TIME_END_MS:
        raise Unusable(
            f"--until: {text!r} is no time; allowed: such as 2026-01-31 or 2026-01-31T08:15:00Z, 1970 to 2099. "
            "Say when the last ping of the file was received."
        )
    return until_ms


@dataclass(slots=True)
class Horizon:
    """What is known of the times in a file so far."""

    name: str
    until_ms: int
    latest_ms: int | None = None
    told: bool = False

    def within(self, parts: Iterable[Part]) -> Iterator[Part]:
        """The parts, without the pings that were in the future. Says once if the clock makes a wide jump."""
        for part in parts:
            if not isinstance(part, Batch):
                yield part
                continue
            batch = self._refuse(part)
            self._watch(batch)
            yield batch
        if self.latest_ms is not None and self.latest_ms in _SECONDS:
            note(
                f"{self.name}: the times end at {text_of(self.latest_ms)}. If they are in seconds, multiply them by "
                "1000: time_ms is in milliseconds."
            )

    def _refuse(self, batch: Batch) -> Batch:
        pings = batch.pings
        future = (pings.received_ms < 0) & (pings.time_ms > self.until_ms + FUTURE_MS) & (pings.time_ms < TIME_END_MS)
        future &= pings.faults() == 0
        if not future.any():
            return batch
        rejected = [self._rejected(batch, row) for row in np.flatnonzero(future).tolist()]
        kept = np.flatnonzero(~future)
        both = sorted([*batch.rejected, *rejected], key=lambda one: one.row)
        return Batch(pings.take(kept), batch.rows[kept], batch.lines[kept], both)

    def _rejected(self, batch: Batch, row: int) -> Rejected:
        message = (
            f"time_ms is {batch.pings.time_ms[row]} ({text_of(int(batch.pings.time_ms[row]))}); allowed: at most "
            f"{FUTURE_MS // 60_000} min after {text_of(self.until_ms)}, the end of what the file can hold. "
            "Check the device's clock, or say --until."
        )
        return Rejected(int(batch.rows[row]), int(batch.lines[row]), "time_future", message)

    def _watch(self, batch: Batch) -> None:
        """Remember the latest time, and say if one ping alone moves the clock by more than the core remembers."""
        good = np.flatnonzero((batch.pings.received_ms < 0) & (batch.pings.faults() == 0))
        if not len(good):
            return
        times: NDArray[np.int64] = batch.pings.time_ms[good]
        latest = np.maximum.accumulate(times if self.latest_ms is None else np.maximum(times, self.latest_ms))
        before = np.concatenate([latest[:1] if self.latest_ms is None else [self.latest_ms], latest[:-1]])
        jumps = np.flatnonzero(latest - before > SILENT_MS)
        self.latest_ms = int(latest[-1])
        if len(jumps) and not self.told:
            self.told, at = True, int(jumps[0])
            days = int(latest[at] - before[at]) // 86_400_000
            place = f"row {batch.rows[good[at]]} (line {batch.lines[good[at]]})"
            note(
                f"{self.name}: {place}: time goes on by {days} days to {text_of(int(latest[at]))}, so all that were "
                "silent since are forgotten. If that clock is wrong, leave the row out, or say --until."
            )
