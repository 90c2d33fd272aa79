"""The owner's part in a replay: takes what a reader hands on into a fence, and lets time pass between
records.

Between `readers` and `fence`. A dump of a partition has its own ticks; in other files a tick is applied
before the first record whose time passes what the fence says is due. Invariant: where batches end makes no
difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.control import Tick
from geofence.crossing import Change, Crossing
from geofence.fence import Fence, Report, UnknownVersion
from service.rows import Batch, Order, Rejected


@dataclass(slots=True)
class Played:
    """What came of one part of a file."""

    crossings: list[Crossing] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Player:
    """Plays parts of a file into a fence, and counts."""

    def __init__(self, fence: Fence, *, ticking: bool, atlases: Mapping[str, Atlas] | None = None) -> None:
        """`ticking`: apply ticks where they are due. `atlases`: those of the fence by version hash, if at hand."""
        self.fence, self._ticking = fence, ticking
        self._scout = _scout(fence, atlases or {}) if ticking else None
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
        dwells = self._foreseen(part, clock)
        start = 0
        while start < len(clock):
            self._tick_until(int(clock[start]), played)
            due = self.fence.due_ms()
            end = len(clock) if due is None else int(np.searchsorted(clock, due))
            end = max(start + 1, min([end, *(row for row in dwells if row > start)]))
            yield start, end
            start = end

    def _foreseen(self, part: Batch, clock: NDArray[np.int64]) -> list[int]:
        """The rows before which those who enter a fence in this batch may be due for a dwell.

        Everything else that is due is known before the batch begins. Dwelling has no part in who enters, so a scout
        that tells no dwells can go ahead and see.
        """
        if self._scout is None:
            return []
        rows: set[int] = set()
        for entered in self._scout.play(part).crossings:
            if entered.change is not Change.ENTERED:
                continue
            due_ms = entered.occurred_ms + int((self.fence.versions()[entered.layer].dwell_s or 0) * 1000)
            due = int(np.searchsorted(clock, due_ms))
            for row in np.flatnonzero(part.pings.time_ms == entered.confirmed_ms).tolist():
                if part.pings.device[row] == entered.device:
                    rows.add(max(due, row + 1))  # a late ping may be due the moment it has come
        return sorted(rows)

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


def _scout(fence: Fence, atlases: Mapping[str, Atlas]) -> Player | None:
    """A player of the layers that have a dwell time, without it; None if there are none."""
    shared: dict[str, Atlas] = {}
    for version in fence.versions().values():
        if version.dwell_s is not None:
            without = replace(version, dwell_s=None)
            known = atlases.get(version.hash)
            shared[without.hash] = Atlas(without, arrays=known.arrays() if known else None)
    versions = [atlas.version for atlas in shared.values()]
    return Player(Fence(versions, atlases=shared), ticking=True) if versions else None
