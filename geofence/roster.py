"""The roster: which device (or user) has which row of the columns.

A hash table over names that lie in one arena of bytes, so that a million devices cost 30 MB and no objects. Invariant:
a name has one slot from `slots_of` until `drop`, and slots are small integers that may be given again after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.kernel import kernel
from geofence.pool import grown, grown_far
from geofence.text import Texts, gathered

_EMPTY, _GONE = -1, -2
_BATCH = 1 << 16
NAME_BYTES = 40  # room for each, where there are many


class Roster:
    """Names to slots and back."""

    def __init__(self) -> None:
        """An empty one."""
        self.size = 0  # slots in use or free below this
        self._arena, self._used = np.empty(1 << 10, np.uint8), 0
        self._start, self._length = np.zeros(16, np.int64), np.zeros(16, np.int32)
        self._table, self._filled = np.full(64, _EMPTY, np.int32), 0
        self._free: list[int] = []
        self._waste = 0

    def slots_of(self, names: Texts) -> NDArray[np.int64]:
        """The slot of each name; new names get new slots."""
        out = np.empty(len(names), np.int64)
        start = 0
        while start < len(out):
            self._make_room(names, start)
            free = np.array(self._free, np.int64)
            start, left, self.size, self._used, self._filled = _assign(
                names.arena, names.offsets, start, out, self._arena, self._used, self._start, self._length,
                self._table, self._filled, self.size, free,
            )  # fmt: skip
            del self._free[left:]
        return out

    def slot_of(self, name: str) -> int | None:
        """The slot of one name, or None."""
        raw = np.frombuffer(name.encode("utf-8", "surrogatepass"), np.uint8)
        place = _find(raw, 0, len(raw), self._arena, self._start, self._length, self._table)
        return int(self._table[place]) if self._table[place] >= 0 else None

    def name(self, slot: int) -> str:
        """The name of a slot in use."""
        start = self._start[slot]
        return self._arena[start : start + self._length[slot]].tobytes().decode("utf-8", "surrogatepass")

    def drop(self, slot: int) -> None:
        """Forget a name; its slot will be given again."""
        self.drop_all(np.array([slot]))

    def drop_all(self, slots: NDArray[np.int64]) -> None:
        """Forget the names of these slots, which are in use."""
        self._waste += int(_forget(slots, self._arena, self._start, self._length, self._table))
        self._free.extend(slots.tolist())

    def holds(self, slot: int) -> bool:
        """Whether a slot is in use."""
        return bool(self._length[slot] >= 0) if slot < self.size else False

    def in_use(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these slots are in use."""
        return np.asarray(self._length[slots] >= 0)

    def names(self, slots: NDArray[np.int64]) -> Texts:
        """The names of slots in use; blank for a negative slot."""
        lengths = np.where(slots < 0, 0, self._length[slots]).astype(np.int64)
        return Texts(*gathered(self._arena, self._start[slots], lengths))

    def live(self) -> NDArray[np.int64]:
        """The slots in use."""
        return np.flatnonzero(self._length[: self.size] >= 0)

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._used + 12 * self.size + self._table.nbytes

    def _make_room(self, names: Texts, start: int) -> None:
        many = min(len(names) - start, _BATCH)
        size = int(names.offsets[start + many] - names.offsets[start])
        if self._waste > max(1 << 16, self._used // 2):
            self._squeeze()
        self._arena = grown_far(self._arena, self._used + size, NAME_BYTES)
        self._start, self._length = (
            grown_far(self._start, self.size + many),
            grown_far(self._length, self.size + many),
        )
        if 3 * (self._filled + many) > 2 * len(self._table):  # half full at most when new: names come and go
            capacity = 1 << (4 * (self.size + many)).bit_length() - 1
            self._table = np.full(max(64, capacity), _EMPTY, np.int32)
            self._filled = _refill(self._table, self._arena, self._start, self._length, self.size)

    def _squeeze(self) -> None:
        live = self.live()
        names = Texts.of_bytes([self.name(slot).encode("utf-8", "surrogatepass") for slot in live.tolist()])
        self._arena, self._used, self._waste = names.arena.copy(), len(names.arena), 0
        self._start[live] = names.offsets[:-1]


class SharedRoster(Roster):
    """Names that several rows may hold on to, as devices do to their user; whoever holds one counts in `holders`."""

    def __init__(self) -> None:
        """An empty one."""
        super().__init__()
        self.holders = np.zeros(0, np.int32)

    def slots_of(self, names: Texts) -> NDArray[np.int64]:
        """The slot of each name; new names get new slots, to be held or let go."""
        out = super().slots_of(names)
        self.holders = grown(self.holders, self.size)
        return out

    def let_go(self, slots: NDArray[np.integer[Any]]) -> None:
        """Drop the names among these slots that nothing holds; negative slots are none."""
        used = slots[slots >= 0]
        for slot in np.unique(used[self.holders[used] == 0]).tolist():
            if self.holds(slot):
                self.drop(slot)


@njit(cache=True, inline="always")
def _eight(raw: NDArray[np.uint8], at: int) -> np.uint64:
    """Eight bytes as a number; the compiler makes one load of it."""
    word = np.uint64(raw[at])
    for k in range(1, 8):
        word |= np.uint64(raw[at + k]) << np.uint64(8 * k)
    return word


@kernel
def _hash(raw: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    value, place = np.uint64(14695981039346656037) ^ np.uint64(end - start), start
    while place + 8 <= end:
        value = (value ^ _eight(raw, place)) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(32)
        place += 8
    for rest in range(place, end):
        value = (value ^ np.uint64(raw[rest])) * np.uint64(1099511628211)
    return value ^ (value >> np.uint64(29))


@kernel
def _same(one: NDArray[np.uint8], at: int, other: NDArray[np.uint8], place: int, size: int) -> bool:
    """Whether two names have the same bytes."""
    done = 0
    while done + 8 <= size:
        if _eight(one, at + done) != _eight(other, place + done):
            return False
        done += 8
    while done < size:
        if one[at + done] != other[place + done]:
            return False
        done += 1
    return True


@kernel
def _find(raw, begin, end, arena, start, length, table):  # type: ignore[no-untyped-def]
    """The place of a name in the table, or of the empty place where it belongs."""
    mask = len(table) - 1
    place = np.int64(_hash(raw, begin, end) & np.uint64(mask))
    while table[place] != _EMPTY:
        slot = table[place]
        if slot >= 0 and length[slot] == end - begin and _same(arena, start[slot], raw, begin, end - begin):
            return place
        place = (place + 1) & mask
    return place


@kernel
def _forget(slots, arena, start, length, table):  # type: ignore[no-untyped-def]
    """Take names out of the table and the arena, a forgotten name being gone at once; how many bytes."""
    wasted = 0
    for slot in slots:
        begin, size = start[slot], length[slot]
        table[_find(arena, begin, begin + size, arena, start, length, table)] = _GONE
        for k in range(begin, begin + size):
            arena[k] = 0
        length[slot] = -1
        wasted += size
    return wasted


@kernel
def _assign(raw, offsets, first, out, arena, used, start, length, table, filled, size, free):  # type: ignore[no-untyped-def]
    """Slots for up to _BATCH names from `first` on; where it stopped, what is left of `free`, and the new counts."""
    left = len(free)
    last = min(len(out), first + _BATCH)
    for row in range(first, last):
        begin, end = offsets[row], offsets[row + 1]
        place = _find(raw, begin, end, arena, start, length, table)
        if table[place] >= 0:
            out[row] = table[place]
            continue
        if left:
            left -= 1
            slot = free[left]
        else:
            slot = size
            size += 1
        for k in range(end - begin):
            arena[used + k] = raw[begin + k]
        start[slot], length[slot] = used, end - begin
        used += end - begin
        table[place] = slot
        filled += 1
        out[row] = slot
    return last, left, size, used, filled


@kernel
def _refill(table, arena, start, length, size):  # type: ignore[no-untyped-def]
    """Put every live slot into an empty table; how many."""
    mask, filled = len(table) - 1, 0
    for slot in range(size):
        if length[slot] < 0:
            continue
        place = np.int64(_hash(arena, start[slot], start[slot] + length[slot]) & np.uint64(mask))
        while table[place] != _EMPTY:
            place = (place + 1) & mask
        table[place] = slot
        filled += 1
    return filled
