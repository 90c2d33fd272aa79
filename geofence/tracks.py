"""Tracks: what is remembered of every device in one layer, in columns.

State between pings, read and written by `passage` and `switch`. A row per device: how it moves, what it is believed to
be in and since when; a trail only while something is pending; in an overlay a row more for each fence that it is in or
may be entering. Invariant: everything that can influence a later event is in these rows and in the devices'
(`DEVICE`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.hysteresis import EVIDENCE, MOTION, TRAIL, TRAIL_LENGTH
from geofence.pool import Pool, grown_far

NONE = -1
NEVER = -(2**62)
CONSENT_UNSAID, CONSENT_GIVEN, CONSENT_WITHDRAWN = 0, 1, 2

DEVICE = np.dtype(
    [
        ("consent", "i4"),
        ("user", "i4"),  # its slot among the users, or NONE
        ("heard_ms", "i8"),  # partition time of the last ping that was weighed
        (
            "barred_ms",
            "i8",
        ),  # pings up to this event time are late: what was erased or forgotten does not come back
        ("barred_until_ms", "i8"),  # partition time when that ends
    ]
)
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
        self.place = np.zeros(0, PLACE)  # overlay: the last plausible position
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

    def clear(self, slot: int) -> None:
        """Forget a device's track; what was given to it is free again."""
        self._free_trail(int(self.span["trail"][slot]))
        for row in list(self.fence_rows(slot)):
            self._free_trail(int(self.fences.columns[0]["trail"][row]))
            _give_back(self.fences, row)
        for column in (self.span, self.motion, self.place if self.overlay else self.evidence):
            column[slot] = np.zeros((), column.dtype)  # positions too
        self.span["born_ms"][slot] = NEVER
        self.span["trail"][slot] = self.span["fences"][slot] = NONE

    def drop_trail(self, slot: int) -> None:
        """Free the trail of a device in a partition."""
        self._free_trail(int(self.span["trail"][slot]))
        self.span["trail"][slot] = NONE

    def drop_fence_trail(self, row: int) -> None:
        """Free the trail of a fence row."""
        chain = self.fences.columns[0]
        self._free_trail(int(chain["trail"][row]))
        chain["trail"][row] = NONE

    def add_fence(self, slot: int, fence: int, since_ms: int) -> int:
        """Put a row for a fence into a device's chain, in order."""
        self.fences.reserve(1)
        self.fences.left[0] -= 1
        row, chain = int(self.fences.free[int(self.fences.left[0])]), self.fences.columns[0]
        before = [other for other in self.fence_rows(slot) if chain["fence"][other] < fence]
        following = int(chain["next"][before[-1]]) if before else int(self.span["fences"][slot])
        chain[row] = (slot, fence, following, NONE, 0, since_ms, since_ms)
        if before:
            chain["next"][before[-1]] = row
        else:
            self.span["fences"][slot] = row
        return row

    @property
    def nbytes(self) -> int:
        """Memory in use: rows that were taken, not room."""
        columns = (self.span, self.motion, self.evidence, self.place)
        rows = sum(column.itemsize * min(self._ready, len(column)) for column in columns)
        return rows + sum(pool.used * column.itemsize for pool in (self.fences, self.trails) for column in pool.columns)

    def drop_fence(self, slot: int, row: int) -> None:
        """Take one fence row out of a device's chain."""
        chain = self.fences.columns[0]
        following = int(chain["next"][row])
        before = [other for other in self.fence_rows(slot) if int(chain["next"][other]) == row]
        if before:
            chain["next"][before[0]] = following
        else:
            self.span["fences"][slot] = following
        self._free_trail(int(chain["trail"][row]))
        _give_back(self.fences, row)

    def fences_in_use(self) -> NDArray[np.int64]:
        """The rows of all devices' fences."""
        used = np.ones(len(self.fences.free), np.bool_)
        used[self.fences.free[: int(self.fences.left[0])]] = False
        return np.flatnonzero(used)

    def alive(self) -> NDArray[np.int64]:
        """The slots that have a track."""
        return np.flatnonzero(self.span["born_ms"][: self._ready] != NEVER)

    def _free_trail(self, row: int) -> None:
        if row != NONE:
            _give_back(self.trails, row)


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


def _give_back(pool: Pool, row: int) -> None:
    for column in pool.columns:
        column[row] = np.zeros((), column.dtype)
    pool.free[int(pool.left[0])] = row
    pool.left[0] += 1
