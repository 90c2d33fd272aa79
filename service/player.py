"""The owner's part in a replay: takes what a reader hands on into a fence, and lets time pass between
records.

Between `readers` and `fence`. A dump of a partition has its own ticks; in other files a tick is applied
before the first record whose time passes what the fence says is due. Invariant: where batches end makes no
difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geofence.control import Tick
from geofence.crossing import Crossing
from geofence.fence import Fence, Report, UnknownVersion
from service.rows import Batch, Order, Rejected


@dataclass(slots=True)
class Played:
    """What came of one part of a file."""

    crossings: list[Crossing] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Player:
    """Plays parts of a file into a fence, and counts."""

    def __init__(self, fence: Fence, *, ticking: bool) -> None:
        """`ticking`: apply ticks where they are due."""
        self.fence, self._ticking = fence, ticking
        self._stepping = any(version.dwell_s is not None for version in fence.versions().values())
        self.counts: dict[str, dict[str, int]] = {layer: {} for layer in fence.versions()}
        self.rows = self.pings = self.events = 0

    def play(self, part: Batch | Order) -> Played:
        """Take one part."""
        played = Played()
        if isinstance(part, Order):
            self.rows += 1
            self._obey(part, played)
        else:
            self.rows += len(part.pings) + len(part.rejected)
            self.pings += len(part.pings) + len(part.rejected)
            self._unread(part, played)
            for start, end in self._stretches(part, played):
                pings = part.pings if end - start == len(part.pings) else part.pings.slice(start, end)
                self._note(self.fence.observe(pings), part, start, played)
        self.events += len(played.crossings)
        return played

    def _obey(self, order: Order, played: Played) -> None:
        try:
            played.crossings += self.fence.apply(order.control).crossings
        except UnknownVersion as fault:
            played.rejected.append(Rejected(order.row, order.line, "version_unknown", str(fault)))

    def _unread(self, part: Batch, played: Played) -> None:
        """Rows that never became pings are rejected in every layer."""
        played.rejected += part.rejected
        for counts in self.counts.values():
            if part.rejected:
                counts["rejected"] = counts.get("rejected", 0) + len(part.rejected)

    def _stretches(self, part: Batch, played: Played) -> Iterator[tuple[int, int]]:
        """Cut a batch where a tick is due, and apply the tick."""
        if not self._ticking or not len(part.pings):
            yield 0, len(part.pings)
            return
        clock = self._clock(part)
        start = 0
        while start < len(clock):
            self._tick_until(int(clock[start]), played)
            due = self.fence.due_ms()
            end = len(clock) if due is None else int(np.searchsorted(clock, due))
            if self._stepping:  # a dwell may become due by any ping: go no further than time stands still
                end = min(end, int(np.searchsorted(clock, clock[start], side="right")))
            end = max(end, start + 1)
            yield start, end
            start = end

    def _clock(self, part: Batch) -> NDArray[np.int64]:
        """The partition's time at each row; a ping that will be refused does not advance it."""
        pings = part.pings
        times = np.where(pings.received_ms >= 0, pings.received_ms, pings.time_ms)
        times[pings.faults() != 0] = self.fence.clock_ms
        return np.maximum.accumulate(np.maximum(times, self.fence.clock_ms))

    def _tick_until(self, now_ms: int, played: Played) -> None:
        """Apply what is due by now, each at its own time."""
        due = self.fence.due_ms()
        while due is not None and due <= now_ms:
            played.crossings += self.fence.apply(Tick(at_ms=max(due, self.fence.clock_ms))).crossings
            before, due = due, self.fence.due_ms()
            if due == before:
                return

    def _note(self, report: Report, part: Batch, start: int, played: Played) -> None:
        played.crossings += report.crossings
        for refusal in report.rejected:
            row = start + refusal.row
            place = int(part.rows[row]), int(part.lines[row])
            played.rejected.append(Rejected(*place, refusal.reason, refusal.message))
        for layer, counter in report.counts.items():
            counts = self.counts[layer]
            for outcome, count in counter.items():
                counts[outcome] = counts.get(outcome, 0) + count
