"""Tracks: what is remembered of every device in one layer, in columns.

State between pings, read and written by `passage` and `switch`. A row per device: how it moves, what it is believed to
be in and since when; a trail only while something is pending; in an overlay a row more for each fence that it is in or
may be entering. Invariant: everything that can influence a later event is in these rows and in the devices'
(`devices`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.hysteresis import EVIDENCE, MOTION, TRAIL, TRAIL_LENGTH, new_evidence
from geofence.pool import Pool, grown_far

NONE = -1
NEVER = -(2**62)
_DROPPED = -4  # a fence row that is about to be given back

SPAN = np.dtype(
    [
        ("born_ms", "i8"),  # event time of the track's first ping; NEVER: no track
        ("since_ms", "i8"),  # when the confirmed region was entered
        ("sequence", "i4"),  # events so far
        ("epoch", "i4"),  # version switches that this row has come through
        ("trail", "i4"),  # its row in the trails, or NONE
        ("fences", "i4"),  # the first of its fence rows, or NONE
    ]
)
FENCE = np.dtype(
    [
        ("slot", "i4"),
        ("fence", "i4"),
        ("next", "i4"),  # the device's next fence row, in the order of fences, or NONE
        ("trail", "i4"),
        ("dwelled", "i4"),
        ("since_ms", "i8"),
        ("due_ms", "i8"),  # partition time at which the dwell is due if the device stays silent
    ]
)
PLACE = np.dtype([("lon", "f8"), ("lat", "f8")])
TRAILS = np.dtype((TRAIL, (TRAIL_LENGTH,)))


class Tracks:
    """The columns of one layer."""

    def __init__(self, *, overlay: bool) -> None:
        """Empty ones."""
        self.overlay = overlay
        self._ready = 0  # devices that there are rows for
        self.span, self.motion = np.zeros(0, SPAN), np.zeros(0, MOTION)
        self.evidence = np.zeros(0, EVIDENCE)  # partition: a row per device
        self.place = np.zeros(0, PLACE)  # overlay: the newest place that is known well; NaN: none
        self.fences = Pool(FENCE, EVIDENCE)
        self.trails = Pool(TRAILS)

    def reserve(self, devices: int, fences: int) -> None:
        """Room for this many devices in all, and this many more rows of fences and trails."""
        if devices > self._ready:
            self.span, self.motion = grown_far(self.span, devices), grown_far(self.motion, devices)
            new = self.span[self._ready : devices]  # not all the room: what is not written costs no memory
            new["born_ms"], new["trail"], new["fences"] = NEVER, NONE, NONE
            if self.overlay:
                self.place = grown_far(self.place, devices)
            else:
                self.evidence = grown_far(self.evidence, devices)
            self._ready = devices
        self.trails.reserve(fences)
        if self.overlay:
            self.fences.reserve(fences)

    def reserve_sighted(self, slots: NDArray[np.int64], sightings: int) -> None:
        """Overlay: room for all that these devices' pings may need, a trail for each fence they are in among it."""
        self.fences.reserve(sightings)
        held = count_fences(self.span, self.fences.columns[0], slots)
        self.trails.reserve(min(held, self.fences.used) + sightings)

    def fence_rows(self, slot: int) -> Iterator[int]:
        """The rows of a device's fences, in order."""
        row, chain = int(self.span["fences"][slot]), self.fences.columns[0]
        while row != NONE:
            yield row
            row = int(chain["next"][row])

    def clear(self, slots: NDArray[np.int64]) -> None:
        """Forget these devices' tracks, positions too; what was given to them is free again."""
        chain, beliefs = self.fences.columns
        fences = (chain, beliefs, self.fences.free, self.fences.left)
        _clear(self.span, slots, *fences, self.trails.columns[0], self.trails.free, self.trails.left)
        for column in (self.span, self.motion, self.place if self.overlay else self.evidence):
            column[slots] = np.zeros((), column.dtype)
        self.span["born_ms"][slots] = NEVER
        self.span["trail"][slots] = self.span["fences"][slots] = NONE

    def chains_of(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The fence rows of these slots, one behind the other, and where each slot's begin."""
        rows, begin = _chains(self.span, self.fences.columns[0], slots)
        return rows, begin

    def begin_in(self, slots: NDArray[np.int64], fences: NDArray[np.int64], since_ms: int, due_ms: int) -> None:
        """Put devices into fences by decree, their place being the anchor."""
        self.fences.reserve(len(slots))
        chain, beliefs = self.fences.columns
        free, left = self.fences.free, self.fences.left
        _begin_in(self.span, self.place, chain, beliefs, free, left, slots, fences, since_ms, due_ms)

    def unchain(self, slots: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Take fence rows out of the chains of these slots."""
        chain, beliefs = self.fences.columns
        chain["fence"][rows] = _DROPPED
        trails = (self.trails.columns[0], self.trails.free, self.trails.left)
        _unchain(self.span, slots, chain, beliefs, self.fences.free, self.fences.left, *trails)

    @property
    def nbytes(self) -> int:
        """Memory in use: rows that were taken, not room."""
        columns = (self.span, self.motion, self.evidence, self.place)
        rows = sum(column.itemsize * min(self._ready, len(column)) for column in columns)
        return rows + sum(pool.used * column.itemsize for pool in (self.fences, self.trails) for column in pool.columns)

    def fences_in_use(self) -> NDArray[np.int64]:
        """The rows of all devices' fences."""
        used = np.ones(len(self.fences.free), np.bool_)
        used[self.fences.free[: int(self.fences.left[0])]] = False
        return np.flatnonzero(used)

    def alive(self) -> NDArray[np.int64]:
        """The slots that have a track."""
        return np.flatnonzero(self.span["born_ms"][: self._ready] != NEVER)


@njit(cache=True)
def count_fences(span, fences, slots):  # type: ignore[no-untyped-def]
    """How many fence rows these slots have, a slot counted as often as it is named."""
    many = 0
    for slot in slots:
        row = span[slot].fences
        while row != NONE:
            many += 1
            row = fences[row].next
    return many


@njit(cache=True)
def _clear(span, slots, fences, beliefs, fence_free, fence_left, trails, free, left):  # type: ignore[no-untyped-def]
    """Give back the trails and fence rows of these slots, wiped."""
    for slot in slots:
        its = span[slot]
        give_back_trail(its, trails, free, left)
        row, its.fences = its.fences, NONE
        while row != NONE:
            following = fences[row].next
            give_back_trail(fences[row], trails, free, left)
            give_back_fence(row, fences, beliefs, fence_free, fence_left)
            row = following


@njit(cache=True, inline="always")
def give_back_trail(holder, trails, free, left):  # type: ignore[no-untyped-def]
    """Give back the trail of a track or a fence row, if it has one, and wipe it."""
    if holder.trail != NONE:
        wipe_trail(trails[holder.trail])
        free[left[0]] = holder.trail
        left[0] += 1
        holder.trail = NONE


@njit(cache=True)
def wipe_trail(trail):  # type: ignore[no-untyped-def]
    """Leave nothing of it in memory."""
    for k in range(len(trail)):
        it = trail[k]
        it.region, it.pings, it.own, it.first_ms, it.depth, it.margin_m = 0, 0, 0.0, 0, 0.0, 0.0
        it.lon, it.lat, it.radius_m = 0.0, 0.0, 0.0


@njit(cache=True)
def give_back_fence(row, fences, beliefs, free, left):  # type: ignore[no-untyped-def]
    """Give back a fence row that no chain holds any more, and wipe it."""
    it, belief = fences[row], beliefs[row]
    it.slot, it.fence, it.next, it.trail, it.dwelled, it.since_ms, it.due_ms = 0, 0, 0, 0, 0, 0, 0
    belief.region, belief.entries, belief.score = 0, 0, 0.0
    belief.anchor_lon, belief.anchor_lat, belief.anchor_sigmas = 0.0, 0.0, 0.0
    free[left[0]] = row
    left[0] += 1


@njit(cache=True)
def _chains(span, fences, slots):  # type: ignore[no-untyped-def]
    begin, many = np.zeros(len(slots) + 1, np.int64), 0
    for k in range(len(slots)):
        row = span[slots[k]].fences
        while row != NONE:
            many += 1
            row = fences[row].next
        begin[k + 1] = many
    rows = np.empty(many, np.int64)
    for k in range(len(slots)):
        row, at = span[slots[k]].fences, begin[k]
        while row != NONE:
            rows[at] = row
            row, at = fences[row].next, at + 1
    return rows, begin


@njit(cache=True)
def _begin_in(span, place, fences, beliefs, free, left, slots, into, since_ms, due_ms):  # type: ignore[no-untyped-def]
    for k in range(len(slots)):
        its, before = span[slots[k]], NONE
        following = its.fences
        while following != NONE and fences[following].fence < into[k]:
            before, following = following, fences[following].next
        left[0] -= 1
        row = free[left[0]]
        it = fences[row]
        it.slot, it.fence, it.next, it.trail, it.dwelled = slots[k], into[k], following, NONE, 0
        it.since_ms, it.due_ms = since_ms, due_ms
        new_evidence(beliefs[row], into[k])
        beliefs[row].anchor_lon, beliefs[row].anchor_lat = place[slots[k]].lon, place[slots[k]].lat
        if before == NONE:
            its.fences = row
        else:
            fences[before].next = row


@njit(cache=True)
def _unchain(span, slots, fences, beliefs, fence_free, fence_left, trails, free, left):  # type: ignore[no-untyped-def]
    """Give back the rows that are marked as dropped."""
    for slot in slots:
        its, before = span[slot], NONE
        row = its.fences
        while row != NONE:
            following = fences[row].next
            if fences[row].fence != _DROPPED:
                before = row
            else:
                give_back_trail(fences[row], trails, free, left)
                give_back_fence(row, fences, beliefs, fence_free, fence_left)
                if before == NONE:
                    its.fences = following
                else:
                    fences[before].next = following
            row = following
