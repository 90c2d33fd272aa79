"""Takes what a reader hands on into a fence, and counts what comes of it.

Between `readers` and `fence`. Invariant: the counts of each layer add up to the pings of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from geofence.crossing import Crossing
from geofence.fence import Fence
from geofence.library import UnknownVersion
from geofence.report import Report
from service.rows import Batch, Misread, Order, Part, Rejected


@dataclass(slots=True)
class Played:
    """What came of one part of a file."""

    crossings: list[Crossing] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Player:
    """Plays parts of a file into a fence, and counts."""

    def __init__(self, fence: Fence) -> None:
        """Time passes as the fence was made: by ticks in the file, or kept by itself (`keeps_time`)."""
        self.fence = fence
        self.counts: dict[str, dict[str, int]] = {layer: {} for layer in fence.versions()}
        self.rows = self.pings = self.events = 0

    def play(self, part: Part) -> Played:
        """Take one part."""
        played = Played()
        if isinstance(part, Order):
            self.rows += 1
            self._obey(part, played)
        elif isinstance(part, Misread):
            self.rows += 1
            played.rejected.append(part.rejected)
        else:
            self.rows += len(part.pings) + len(part.rejected)
            self.pings += len(part.pings) + len(part.rejected)
            self._unread(part, played)
            self._note(self.fence.observe(part.pings), part, played)
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

    def _note(self, report: Report, part: Batch, played: Played) -> None:
        played.crossings += report.crossings
        for refusal in report.rejected:
            place = int(part.rows[refusal.row]), int(part.lines[refusal.row])
            played.rejected.append(Rejected(*place, refusal.reason, refusal.message))
        for layer, counter in report.counts.items():
            counts = self.counts.setdefault(layer, {})  # it may have come by a switch
            for outcome, count in counter.items():
                counts[outcome] = counts.get(outcome, 0) + count
