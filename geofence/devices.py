"""Devices: who they are, and what is remembered of each beside its tracks: consent, user, when heard, what is barred.

Between the texts of pings and the slots that every column is indexed by. Also knows which devices were touched since
somebody last asked, so that what changed can be written down. Invariant: a slot is in use exactly while something is
remembered of its device.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.pool import grown_far
from geofence.roster import Roster, SharedRoster
from geofence.text import Texts
from geofence.tracks import NEVER, NONE

SEEN_MS = 3_600_000  # how coarsely a presence tells when a device was last heard
CONSENT_UNSAID, CONSENT_GIVEN, CONSENT_WITHDRAWN = 0, 1, 2

DEVICE = np.dtype(
    [
        ("consent", "i4"),
        ("user", "i4"),  # its slot among the users, or NONE
        ("heard_ms", "i8"),  # partition time of the last ping that was weighed
        ("barred_ms", "i8"),  # pings up to this event time are late: what was forgotten does not come back
        ("barred_until_ms", "i8"),  # partition time when that ends
    ]
)
_NEW = (CONSENT_UNSAID, NONE, NEVER, NEVER, NEVER)


class Marks:
    """Slots that were touched, each once, in the order of their first time."""

    def __init__(self) -> None:
        """None yet."""
        self.flag, self.listed = np.zeros(0, np.bool_), np.zeros(0, np.int32)
        self.many = np.zeros(1, np.int64)

    def reserve(self, slots: int) -> None:
        """Room for this many slots in all."""
        self.flag, self.listed = grown_far(self.flag, slots), grown_far(self.listed, slots)

    def add(self, slots: NDArray[np.int64]) -> None:
        """Mark these."""
        _mark(self.flag, self.listed, self.many, slots)

    def take(self) -> NDArray[np.int64]:
        """All that are marked; none is afterwards."""
        slots = self.listed[: int(self.many[0])].astype(np.int64)
        self.flag[slots], self.many[0] = False, 0
        return slots


class Devices:
    """Names, users and the columns of DEVICE."""

    def __init__(self) -> None:
        """None yet."""
        self.roster, self.users, self.touched = Roster(), SharedRoster(), Marks()
        self.told = Marks()  # whose presence is to be told anew
        self.rows, self.ready = np.zeros(0, DEVICE), 0
        self._stored = np.zeros(0, np.bool_)  # a row of it was handed out
        self._gone: set[str] = set()  # names whose row was handed out and is void now

    def slots_of(self, names: Texts) -> NDArray[np.int64]:
        """The slot of each name; new names get new slots, with rows that say nothing."""
        slots = self.roster.slots_of(names)
        size = max(1, self.roster.size)
        if size > self.ready:
            self.rows, self._stored = grown_far(self.rows, size), grown_far(self._stored, size)
            self.rows[self.ready : size] = _NEW
            self.touched.reserve(size)
            self.told.reserve(size)
            self.ready = size
        return slots

    def name(self, slot: int) -> str:
        """The device's name."""
        return self.roster.name(slot)

    def user(self, user: int | None, slot: int) -> str | None:
        """The name of this user; None for the one that the device has now."""
        known = int(self.rows["user"][slot]) if user is None else user
        return None if known == NONE else self.users.name(known)

    def hear(
        self,
        slots: NDArray[np.int64],
        ignored: NDArray[np.bool_],
        clock_ms: NDArray[np.int64],
        users: Texts,
    ) -> NDArray[np.int32]:
        """Remember when each device was heard, and of which user; the user known at each row, or NONE."""
        user = np.full(len(slots), NONE, np.int32)
        rows = np.flatnonzero((np.diff(users.offsets) > 0) & ~ignored)
        if len(rows):
            user[rows] = self.users.slots_of(users.take(rows))
        touched, told = self.touched, self.told
        _hear(
            self.rows, self.users.holders, slots, ignored, clock_ms, user, touched.flag, touched.listed, touched.many,
            told.flag, told.listed, told.many,
        )  # fmt: skip
        return user

    def forget_users(self, slots: NDArray[np.int64]) -> None:
        """These devices belong to nobody any more; users without devices go."""
        users = self.rows["user"][slots]
        users = users[users != NONE]
        np.subtract.at(self.users.holders, users, 1)
        self.rows["user"][slots] = NONE
        self.users.let_go(users)

    def drop(self, slots: NDArray[np.int64]) -> None:
        """Give up these slots."""
        self.forget_users(slots)
        self.rows[slots] = _NEW
        self._gone.update(self.name(slot) for slot in slots[self._stored[slots]].tolist())
        self._stored[slots] = False
        self.roster.drop_all(slots)

    def take_touched(self) -> tuple[NDArray[np.int64], list[str]]:
        """The slots in use that were touched since this was last asked, and the names that have gone since."""
        slots = self.touched.take()
        slots = slots[self.roster.in_use(slots)]
        gone = sorted(name for name in self._gone if self.roster.slot_of(name) is None)
        self._stored[slots] = True
        self._gone.clear()
        return slots, gone

    def take_told(self) -> NDArray[np.int64]:
        """The slots in use whose presence is to be told anew."""
        slots = self.told.take()
        return slots[self.roster.in_use(slots)]

    def is_stored(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of which of these a row is kept somewhere."""
        return self._stored[slots]

    def mark_stored(self, slots: NDArray[np.int64], stored: NDArray[np.bool_]) -> None:
        """Rows of these are kept somewhere, or not."""
        self._stored[slots] = stored

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self.roster.nbytes + self.users.nbytes + self.ready * (DEVICE.itemsize + 11)


@njit(cache=True)
def _mark(flag, listed, many, slots):  # type: ignore[no-untyped-def]
    for slot in slots:
        if not flag[slot]:
            flag[slot] = True
            listed[many[0]] = slot
            many[0] += 1


@njit(cache=True)
def _hear(devices, holders, slots, ignored, clock_ms, given, flag, listed, many, told, tell, tellings):  # type: ignore[no-untyped-def]
    """Remember when each device was heard, in partition time, and its user; `given` becomes the user known then.

    Whoever was not heard in this hour before, or has another user, is to be told of.
    """
    for row in range(len(slots)):
        if ignored[row]:
            continue
        slot = slots[row]
        if not flag[slot]:
            flag[slot] = True
            listed[many[0]] = slot
            many[0] += 1
        it = devices[slot]
        news = given[row] != NONE and given[row] != it.user
        if (news or it.heard_ms // SEEN_MS != clock_ms[row] // SEEN_MS) and not told[slot]:
            told[slot] = True
            tell[tellings[0]] = slot
            tellings[0] += 1
        it.heard_ms = clock_ms[row]
        if news:
            if it.user != NONE:
                holders[it.user] -= 1
            holders[given[row]] += 1
            it.user = given[row]
        given[row] = it.user
