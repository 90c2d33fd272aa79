"""Pings: where a device says it was, how well it knows it, and when; one (`Ping`) and many (`Pings`, columns).

Stands first in the flow: what is valid here is what every later step may rely on. Invariant: `check` and `faults` agree
on every ping, so that one ping and a column of them are refused for the same reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.fault import ABSENT_MS, TIME_END_MS, Fault, fault_of, judge, unprintable
from geofence.text import Texts

CONFIDENCE = 0.68


class Source(IntEnum):
    """Where a position came from."""

    UNKNOWN = 0
    GPS = 1
    WIFI = 2
    CELL = 3
    FUSED = 4


class Ping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One position of one device. Absent fields are None; an accuracy of 0 or less: the device does not know it."""

    device: str
    lon: float
    lat: float
    time_ms: int
    accuracy_m: float | None = None
    source: Source = Source.UNKNOWN
    user: str | None = None
    received_ms: int | None = None
    confidence: float | None = None
    speed_mps: float | None = None
    mock: bool = False


class InvalidPing(ValueError):
    """A ping that can never be used: a dead letter. Says field, value, what is allowed and what to do."""

    def __init__(self, fault: Fault, value: object) -> None:
        self.fault, self.value = fault, value
        super().__init__(fault.message(value))


@dataclass(frozen=True, slots=True)
class Pings:
    """Pings in columns, in input order. NaN in `accuracy_m`, `confidence`, `speed_mps`, -1 in `received_ms`: absent."""

    device: Texts
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    time_ms: NDArray[np.int64]
    accuracy_m: NDArray[np.float64]
    source: NDArray[np.uint8]
    received_ms: NDArray[np.int64]
    confidence: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    mock: NDArray[np.bool_]
    user: Texts

    @classmethod
    def columns(
        cls,
        *,
        device: Texts | Sequence[str],
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        time_ms: NDArray[np.int64],
        accuracy_m: NDArray[np.float64] | None = None,
        source: NDArray[np.uint8] | None = None,
        received_ms: NDArray[np.int64] | None = None,
        user: Texts | None = None,
    ) -> Pings:
        """Columns with the optional ones absent unless given."""
        n = len(lon)
        absent = np.full(n, np.nan)
        return cls(
            device=device if isinstance(device, Texts) else Texts.of(device),
            lon=np.ascontiguousarray(lon, np.float64),
            lat=np.ascontiguousarray(lat, np.float64),
            time_ms=np.ascontiguousarray(time_ms, np.int64),
            accuracy_m=absent if accuracy_m is None else np.ascontiguousarray(accuracy_m, np.float64),
            source=np.zeros(n, np.uint8) if source is None else np.ascontiguousarray(source, np.uint8),
            received_ms=np.full(n, ABSENT_MS) if received_ms is None else np.ascontiguousarray(received_ms, np.int64),
            confidence=absent,
            speed_mps=absent,
            mock=np.zeros(n, np.bool_),
            user=Texts.blank(n) if user is None else user,
        )

    @classmethod
    def of(cls, pings: Iterable[Ping]) -> Pings:
        """Pack single pings."""
        rows = list(pings)
        return cls(
            device=Texts.of(p.device for p in rows),
            lon=np.array([p.lon for p in rows], np.float64),
            lat=np.array([p.lat for p in rows], np.float64),
            time_ms=np.array([_clip_int64(p.time_ms) for p in rows], np.int64),
            accuracy_m=np.array([_or_nan(p.accuracy_m) for p in rows], np.float64),
            source=np.array([p.source for p in rows], np.uint8),
            received_ms=np.array(
                [ABSENT_MS if p.received_ms is None else _clip_int64(p.received_ms) for p in rows], np.int64
            ),
            confidence=np.array([_or_nan(p.confidence) for p in rows], np.float64),
            speed_mps=np.array([_or_nan(p.speed_mps) for p in rows], np.float64),
            mock=np.array([p.mock for p in rows], np.bool_),
            user=Texts.of(p.user or "" for p in rows),
        )

    def __len__(self) -> int:
        return len(self.lon)

    def take(self, rows: NDArray[np.int64]) -> Pings:
        """These rows, in this order."""
        return self._each(lambda column: column.take(rows) if isinstance(column, Texts) else column[rows])

    def slice(self, start: int, end: int) -> Pings:
        """Rows start to end (exclusive), sharing the memory."""
        return self._each(lambda column: column.slice(start, end) if isinstance(column, Texts) else column[start:end])

    def _each(self, change: Callable[[Any], Any]) -> Pings:
        return Pings(**{field.name: change(getattr(self, field.name)) for field in fields(self)})

    def ping(self, row: int) -> Ping:
        """One row as a Ping."""
        return Ping(
            device=self.device[row],
            lon=float(self.lon[row]),
            lat=float(self.lat[row]),
            time_ms=int(self.time_ms[row]),
            accuracy_m=_or_none(self.accuracy_m[row]),
            source=Source(int(self.source[row])),
            user=self.user[row] or None,
            received_ms=None if self.received_ms[row] == ABSENT_MS else int(self.received_ms[row]),
            confidence=_or_none(self.confidence[row]),
            speed_mps=_or_none(self.speed_mps[row]),
            mock=bool(self.mock[row]),
        )

    def value(self, row: int, field: str) -> object:
        """One cell, as a person would read it."""
        value = getattr(self, field)[row]
        return value.item() if isinstance(value, np.generic) else value

    @property
    def received(self) -> NDArray[np.bool_]:
        """Which rows tell a time of receipt that can be."""
        return np.asarray((self.received_ms >= 0) & (self.received_ms < TIME_END_MS))

    def faults(self) -> NDArray[np.uint8]:
        """A fault code for each row, 0 where the ping is valid; of several faults the first in the order of FAULTS."""
        code = np.zeros(len(self), np.uint8)
        judge(
            self.device.offsets, unprintable(self.device), self.user.offsets, unprintable(self.user), self.lon,
            self.lat, self.time_ms, self.received_ms, self.accuracy_m, self.confidence, self.speed_mps, code,
        )  # fmt: skip
        return code


def check(ping: Ping) -> None:
    """Raise InvalidPing if this ping can never be used."""
    code = int(Pings.of([ping]).faults()[0])
    if code:
        fault = fault_of(code)
        raise InvalidPing(fault, getattr(ping, fault.field))


def _clip_int64(value: int) -> int:
    return max(-(2**62), min(2**62, value))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
