"""Where devices were last, on a grid and as they move, from the view of `tracks`.

Built when somebody first asks for positions, then kept by every change of the view. Invariants: what it holds is what
the view holds; a page looks at the cells of its box alone; the moves that are kept for readers are bounded by bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from geofence.malformed import Malformed
from geofence.track_reading import Spot, read_row
from ingest.gateway.filling import Filling
from ingest.gateway.members import Room
from ingest.gateway.ring import Ring
from ingest.topics import PARTITION_KEY
from stream.port import View

_CELL_DEG = 0.25
_AT_ONCE = 2000
_SIZE = 600

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A box; where west is greater than east it crosses the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    def has(self, spot: Spot | None) -> bool:
        """Whether a spot lies in it."""
        if spot is None or not self.south <= spot.lat <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= spot.lon <= self.east
        return spot.lon >= self.west or spot.lon <= self.east

    def touches(self, cell: Cell) -> bool:
        """Whether a cell may have something of it."""
        south, west = cell[0] * _CELL_DEG, cell[1] * _CELL_DEG
        if south > self.north or south + _CELL_DEG < self.south:
            return False
        if self.west <= self.east:
            return west <= self.east and west + _CELL_DEG >= self.west
        return west + _CELL_DEG >= self.west or west <= self.east


@dataclass(frozen=True, slots=True)
class Move:
    """A device was heard from a place, or is gone from all."""

    device: str
    user: str | None
    before: Spot | None
    now: Spot | None
    size: int = _SIZE


class Places:
    """The last spot of each device."""

    def __init__(self, kept_bytes: int) -> None:
        self.moves: Ring[Move] = Ring(kept_bytes)
        self._spots: dict[str, Spot] = {}
        self._users: dict[str, str] = {}  # of those with a spot
        self._cells: dict[Cell, Room] = {}
        self._filling = Filling(self._take_in, _AT_ONCE)

    async def ready(self, view: View) -> None:
        """Wait until all that the view holds is in here."""
        await self._filling.ready(view)

    def _take_in(self, key: bytes, value: bytes | None) -> None:
        self._put(*_read(key, value))

    def change(self, key: bytes, _: bytes | None, now: bytes | None) -> None:
        """The view has changed."""
        if not self._filling.begun or key == PARTITION_KEY:
            return
        device, user, spot = _read(key, now)
        before = self._spots.get(device)
        if spot is None:  # a row that has gone does not say whose it was
            user = self._users.get(device)
        self._put(device, user, spot)
        if self.moves.readers and spot != before:
            self.moves.put(Move(device, user, before, spot))

    def _put(self, device: str, user: str | None, spot: Spot | None) -> None:
        old = self._spots.pop(device, None)
        self._users.pop(device, None)
        if old is not None:
            cell = _cell(old)
            self._cells[cell].drop(device)
            if not self._cells[cell].devices:
                del self._cells[cell]
        if spot is not None:
            self._spots[device] = spot
            if user is not None:
                self._users[device] = user
            self._cells.setdefault(_cell(spot), Room()).add(device)

    def spot(self, device: str) -> Spot | None:
        """Where a device was last."""
        return self._spots.get(device)

    def near(self, box: Box, after: tuple[int, int, str] | None, most: int) -> Iterator[tuple[Cell, str, Spot | None]]:
        """The devices of a box's cells, by cell and name, behind `after`; without a spot where it is not in the box.

        At most so many, however few of them are in the box. To be used up before anything changes.
        """
        begin = after[:2] if after else None
        for cell in sorted(cell for cell in self._cells if box.touches(cell) and (begin is None or cell >= begin)):
            behind = after[2] if after is not None and cell == begin else None
            for device in self._cells[cell].page(behind, most):
                spot = self._spots[device]
                yield cell, device, spot if box.has(spot) else None
                most -= 1
                if not most:
                    return


def _cell(spot: Spot) -> Cell:
    return floor(spot.lat / _CELL_DEG), floor(spot.lon / _CELL_DEG)


def _read(key: bytes, row: bytes | None) -> tuple[str, str | None, Spot | None]:
    """Device, user and spot of a row; a row that can't be read has none."""
    device = key.decode("utf-8", "surrogatepass")
    if not row or key == PARTITION_KEY:
        return device, None, None
    try:
        its = read_row(row)
    except Malformed:
        return device, None, None
    return device, its.user, its.spot
