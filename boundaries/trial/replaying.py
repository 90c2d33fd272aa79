"""Retained pings of a partition replayed under two versions, each in a fence of its own that begins empty.

The second half of a dry run. Invariants: both fences get the same pings and control records in the same order, but for
switches, which neither gets; both keep time by themselves, since the log's ticks were made for one version only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from boundaries.trial.matching import ADDED, GONE, MOVED, UNCHANGED, WITHIN_MS, Matched, matched
from boundaries.trial.outcome import Flapping, Replayed
from boundaries.trial.told import Flaps, Told, told_of
from geofence.atlas import Atlas
from geofence.control import Control, Switch
from geofence.fence import Fence
from geofence.ping import Pings
from geofence.region import Kind, Version
from geofence.roster import Roster
from geofence.text import Texts

_HOUR_MS = 3_600_000
_UNHEARD = 2**62
PingsRead = Sequence[Pings | Control]  # a batch of the log: runs of pings and control records, in order


class Hours:
    """From when to when each device was heard, in the log's time."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._roster = Roster()
        self._first, self._last = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, devices: Texts, times_ms: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Take in some pings."""
        slots = self._roster.slots_of(devices)
        more = self._roster.size - len(self._first)
        if more > 0:
            room = np.full(max(more, len(self._first)), _UNHEARD)
            self._first, self._last = np.concatenate([self._first, room]), np.concatenate([self._last, -room])
        np.minimum.at(self._first, slots, times_ms)
        np.maximum.at(self._last, slots, times_ms)

    def told(self) -> tuple[int, float, int | None, int | None]:
        """How many devices, their hours, and when the first and the last ping was received."""
        heard = np.flatnonzero(self._first != _UNHEARD)
        if not len(heard):
            return 0, 0.0, None, None
        first, last = self._first[heard], self._last[heard]
        return len(heard), float((last - first).sum()) / _HOUR_MS, int(first.min()), int(last.max())


@dataclass(slots=True)
class ReplayCounts:
    """Counts of one partition, or of several together. `crossings` and `flaps`: before and after."""

    pings: int = 0
    devices: int = 0
    hours: float = 0.0
    since_ms: int | None = None
    until_ms: int | None = None
    matched: Matched = field(default_factory=Matched)
    crossings: tuple[int, int] = (0, 0)
    flaps: tuple[int, int] = (0, 0)

    def add(self, other: ReplayCounts) -> None:
        """Take in another partition's."""
        self.pings += other.pings
        self.devices += other.devices
        self.hours += other.hours
        starts = [one for one in (self.since_ms, other.since_ms) if one is not None]
        ends = [one for one in (self.until_ms, other.until_ms) if one is not None]
        self.since_ms, self.until_ms = min(starts, default=None), max(ends, default=None)
        self.matched.add(other.matched)
        self.crossings = (self.crossings[0] + other.crossings[0], self.crossings[1] + other.crossings[1])
        self.flaps = (self.flaps[0] + other.flaps[0], self.flaps[1] + other.flaps[1])

    def outcome(self) -> Replayed:
        """As it is told."""
        pairs, left_out = self.matched.listed()
        shifts = self.matched.shifts_ms
        return Replayed(
            pings=self.pings,
            devices=self.devices,
            device_hours=self.hours,
            since_ms=self.since_ms,
            until_ms=self.until_ms,
            unchanged=self.matched.total(UNCHANGED),
            moved=self.matched.total(MOVED),
            moved_median_s=float(np.median(shifts)) / 1000 if shifts else None,
            within_s=WITHIN_MS / 1000,
            added=self.matched.total(ADDED),
            gone=self.matched.total(GONE),
            before=self._flapping(0),
            after=self._flapping(1),
            pairs=pairs,
            pairs_left_out=left_out,
        )

    def _flapping(self, which: int) -> Flapping:
        crossings, flaps = self.crossings[which], self.flaps[which]
        by_hour, by_crossing = flaps / self.hours if self.hours else 0.0, flaps / crossings if crossings else 0.0
        return Flapping(crossings=crossings, flaps=flaps, per_device_hour=by_hour, per_crossing=by_crossing)


def count_replayed(
    read: Iterable[PingsRead],
    before: Version,
    after: Version,
    atlas_of: Callable[[Version], Atlas],
    tell: Callable[[int], None] = lambda _: None,
) -> ReplayCounts:
    """Replay one partition; `tell` is told of pings as they are done."""
    sides = [_Side(version, atlas_of(version)) for version in (before, after)]
    hours, counts = Hours(), ReplayCounts()
    for batch in read:
        many = 0
        for item in batch:
            for side in sides:
                side.take(item)
            if isinstance(item, Pings):
                hours.add(item.device, np.where(item.received, item.received_ms, item.time_ms))
                many += len(item)
        counts.pings += many
        tell(many)
    counts.devices, counts.hours, counts.since_ms, counts.until_ms = hours.told()
    counts.matched = matched(sides[0].told, sides[1].told)
    counts.crossings = (sides[0].flaps.crossings, sides[1].flaps.crossings)
    counts.flaps = (sides[0].flaps.flaps, sides[1].flaps.flaps)
    return counts


class _Side:
    """One version's fence, and what it told."""

    def __init__(self, version: Version, atlas: Atlas) -> None:
        self._fence = Fence([version], atlases={version.hash: atlas}, keeps_time=True)
        self.told: list[Told] = []
        self.flaps = Flaps(overlay=version.kind is Kind.OVERLAY)

    def take(self, item: Pings | Control) -> None:
        if isinstance(item, Switch) or (isinstance(item, Pings) and not len(item)):
            return
        report = self._fence.observe(item) if isinstance(item, Pings) else self._fence.apply(item)
        told = told_of(report.crossings)
        self.told.extend(told)
        self.flaps.add(told)
