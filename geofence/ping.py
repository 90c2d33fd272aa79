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

from geofence.text import Texts

DEVICE_BYTES = 256
TIME_END_MS = 4_102_444_800_000  # 2100-01-01
FUTURE_MS = 300_000
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
class Fault:
    """A reason to refuse a ping."""

    code: int
    reason: str
    field: str
    allowed: str
    remedy: str

    def message(self, value: object) -> str:
        """What, which value, what is allowed, what to do."""
        shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
        return f"{self.field} is {shown}; allowed: {self.allowed}. {self.remedy}"


FAULTS = (
    Fault(1, "device_missing", "device", f"1 to {DEVICE_BYTES} bytes", "Send the device's stable id."),
    Fault(2, "device_too_long", "device", f"1 to {DEVICE_BYTES} bytes", "Send a shorter id, such as a UUID."),
    Fault(3, "device_text", "device", "UTF-8 without control characters", "Send a printable id."),
    Fault(
        4,
        "lon_range",
        "lon",
        "-180 to 180 degrees",
        "Send degrees in WGS 84; check that lon and lat are not swapped.",
    ),
    Fault(
        5,
        "lat_range",
        "lat",
        "-90 to 90 degrees",
        "Send degrees in WGS 84; check that lon and lat are not swapped.",
    ),
    Fault(
        6,
        "time_range",
        "time_ms",
        "1970-01-01 to 2099-12-31, in Unix milliseconds",
        "Check the device's clock and the unit.",
    ),
    Fault(
        7,
        "time_future",
        "time_ms",
        f"at most {FUTURE_MS // 60_000} min after it was received",
        "Check the device's clock.",
    ),
    Fault(
        8,
        "accuracy_range",
        "accuracy_m",
        "a finite number of metres, or none",
        "Leave accuracy_m out if it is not known.",
    ),
    Fault(9, "confidence_range", "confidence", "more than 0 and less than 1", "Leave it out: 0.68 is assumed."),
    Fault(10, "speed_range", "speed_mps", "0 or more, or none", "Leave speed_mps out if it is not known."),
    Fault(
        11,
        "user_text",
        "user",
        f"up to {DEVICE_BYTES} bytes of UTF-8 without control characters",
        "Send a printable id.",
    ),
    Fault(
        12,
        "received_range",
        "received_ms",
        "1970-01-01 to 2099-12-31, in Unix milliseconds, or none",
        "Leave received_ms out if it is not known.",
    ),
)
_BY_CODE = {fault.code: fault for fault in FAULTS}


def fault_of(code: int) -> Fault:
    """The fault that a code of `Pings.faults` stands for."""
    return _BY_CODE[code]


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
            received_ms=np.full(n, -1, np.int64)
            if received_ms is None
            else np.ascontiguousarray(received_ms, np.int64),
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
            received_ms=np.array([-1 if p.received_ms is None else _clip_int64(p.received_ms) for p in rows], np.int64),
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
            received_ms=None if self.received_ms[row] < 0 else int(self.received_ms[row]),
            confidence=_or_none(self.confidence[row]),
            speed_mps=_or_none(self.speed_mps[row]),
            mock=bool(self.mock[row]),
        )

    def value(self, row: int, field: str) -> object:
        """One cell, as a person would read it."""
        value = getattr(self, field)[row]
        return value.item() if isinstance(value, np.generic) else value

    def faults(self) -> NDArray[np.uint8]:
        """A fault code for each row, 0 where the ping is valid; of several faults the first in the order of FAULTS."""
        code = np.zeros(len(self), np.uint8)
        for number, bad in reversed(self._tests()):
            code[bad] = number
        return code

    def _tests(self) -> list[tuple[int, NDArray[np.bool_]]]:
        size, late = np.diff(self.device.offsets), self.time_ms - self.received_ms
        return [
            (1, size == 0),
            (2, size > DEVICE_BYTES),
            (3, _unprintable(self.device)),
            (4, ~(np.abs(self.lon) <= 180)),
            (5, ~(np.abs(self.lat) <= 90)),
            (6, (self.time_ms < 0) | (self.time_ms >= TIME_END_MS)),
            (7, (self.received_ms >= 0) & (late > FUTURE_MS)),
            (8, np.isinf(self.accuracy_m)),
            (9, (self.confidence <= 0) | (self.confidence >= 1)),
            (10, (self.speed_mps < 0) | np.isinf(self.speed_mps)),
            (11, (np.diff(self.user.offsets) > DEVICE_BYTES) | _unprintable(self.user)),
            (12, (self.received_ms < -1) | (self.received_ms >= TIME_END_MS)),
        ]


def check(ping: Ping) -> None:
    """Raise InvalidPing if this ping can never be used."""
    code = int(Pings.of([ping]).faults()[0])
    if code:
        fault = fault_of(code)
        raise InvalidPing(fault, getattr(ping, fault.field))


def _unprintable(texts: Texts) -> NDArray[np.bool_]:
    """Rows with a control character (C0, DEL, C1) or bytes that are not UTF-8, such as a lone surrogate."""
    arena, bad = texts.arena, np.zeros(len(texts), np.bool_)
    suspect = (arena < 0x20) | (arena == 0x7F) | (arena == 0xC2) | (arena == 0xED)
    if not suspect.any():
        return bad
    rows = np.unique(np.searchsorted(texts.offsets, np.flatnonzero(suspect), side="right") - 1)
    for row in rows.tolist():
        size = texts.offsets[row + 1] - texts.offsets[row]
        bad[row] = size <= 4 * DEVICE_BYTES and any(_is_control(char) for char in texts[row])
    return bad


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"


def _clip_int64(value: int) -> int:
    return max(-(2**62), min(2**62, value))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
