"""Who sends: as many phones as are wanted, each a ping every so often, and how to know each ping again in the log.

Before `senders`. A lane is what one connection sends: its phones in turn, again and again, so that one number says how
far it has come. Invariant: the n-th ping of a phone is the same whenever it is made, and its time tells n.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.soak.town import METRE, NORTH, SIZE, SOUTH, WEST

LATE_MS, STEP_MS = 120_000, 10
LANES, INTERVAL_MS = 8, 10_000
_AHEAD_MS = 1000
_LATE, _BAD = 0.01, 0.002  # shares: two minutes old when sent; a longitude that can't be
_MOVING = 0.2  # of the phones; the others rest where they are, now and then next to a border
_ACCURACY_M = np.array([5.0, 8.0, 12.0, 12.0, 20.0, 35.0, 65.0, 200.0])
_LONGEST_M, _ERROR = 1500.0, 0.5  # half of a way to and fro; of an accuracy
_encode = msgspec.json.Encoder().encode

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Phones:
    """All of them."""

    count: int
    lanes: int
    begin_ms: int
    interval_ms: int  # from a ping of a phone to its next

    @property
    def each(self) -> int:
        """Phones of a lane."""
        return self.count // self.lanes

    def due_ms(self, lane: int, at: Ints) -> Ints:
        """When the pings at these places of a lane are measured."""
        one, turn = np.divmod(at, self.each)[::-1]
        phase = (one * self.lanes + lane) * self.interval_ms // self.count // STEP_MS * STEP_MS
        due: Ints = self.begin_ms + turn * self.interval_ms + phase
        return due

    def body(self, lane: int, first: int, end: int) -> bytes:
        """The pings from one place of a lane to another, as they are posted."""
        at = np.arange(first, end)
        return _encode(self._pings(lane, at))

    def bad(self, lane: int, end: int) -> NDArray[np.bool_]:
        """Which of a lane's pings up to there are refused."""
        at = np.arange(end)
        return _share(self._words(lane, at, 1)) < _BAD

    def place(self, device: str, time_ms: int) -> tuple[int, int]:
        """The lane of a ping in the log, and its place there."""
        number = int(device[2:])
        one, lane = divmod(number, self.lanes)
        late = (time_ms - self.begin_ms) % STEP_MS
        turn = (time_ms - late + (LATE_MS if late else 0) - self.begin_ms) // self.interval_ms
        return lane, turn * self.each + one

    def _pings(self, lane: int, at: Ints) -> Sequence[dict[str, Any]]:
        numbers, due_ms = at % self.each * self.lanes + lane, self.due_ms(lane, at)
        bad, late = (_share(self._words(lane, at, salt)) < share for salt, share in ((1, _BAD), (2, _LATE)))
        time_ms = due_ms - late * (LATE_MS - 1)
        accuracy_m, lon, lat = self._where(numbers, due_ms, self._words(lane, at, 3))
        columns = (numbers, np.where(bad, 200.0, lon).round(6), lat.round(6), time_ms, accuracy_m)
        return [
            {"device": f"s-{number}", "lon": x, "lat": y, "time_ms": ms, "accuracy_m": m, "source": "gps"}
            for number, x, y, ms, m in zip(*(column.tolist() for column in columns), strict=True)
        ]

    def _where(self, numbers: Ints, due_ms: Ints, chance: Words) -> tuple[Floats, Floats, Floats]:
        """How sure each is, and where it says that it is: to and fro on its way, give or take an error."""
        own = [_share(_mixed(numbers.astype(np.uint64), salt)) for salt in range(10, 16)]
        lon, lat, angle, half, period, accuracy = own
        half_m = np.where(period < _MOVING, half * _LONGEST_M, 0.0)
        period_s = 600 + 2400 * (period / _MOVING)
        along = np.abs((due_ms / 1000 / period_s + half) % 1 * 4 - 2) - 1
        accuracy_m = _ACCURACY_M[(accuracy * len(_ACCURACY_M)).astype(int)]
        sway = 2 * np.pi * angle
        error_m = [accuracy_m * _ERROR * (_share(_mixed(chance, salt)) * 2 - 1) for salt in (20, 21)]
        east_m, north_m = along * half_m * np.cos(sway) + error_m[0], along * half_m * np.sin(sway) + error_m[1]
        stretch = METRE / np.cos(np.radians((SOUTH + NORTH) / 2))
        return accuracy_m, WEST + lon * SIZE + east_m * stretch, SOUTH + lat * SIZE + north_m * METRE

    def _words(self, lane: int, at: Ints, salt: int) -> Words:
        return _mixed((at * self.lanes + lane).astype(np.uint64), salt)


def phones_at(rate: float, interval_ms: int = INTERVAL_MS, lanes: int = LANES) -> Phones:
    """As many phones as send so many pings a second together, from now on."""
    each = max(1, round(rate * interval_ms / 1000 / lanes))
    now_ms = time.time_ns() // 1_000_000 // STEP_MS * STEP_MS
    return Phones(each * lanes, lanes, now_ms + _AHEAD_MS, interval_ms)


def _mixed(words: Words, salt: int) -> Words:
    """64 bits that look like chance (splitmix64's mixing)."""
    with np.errstate(over="ignore"):
        z = words + np.uint64(salt + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _share(words: Words) -> Floats:
    """From 0 to 1."""
    return (words >> np.uint64(11)).astype(np.float64) / float(1 << 53)
