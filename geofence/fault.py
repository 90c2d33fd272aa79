"""Faults: why a ping can never be used, told so that its sender can mend it; and the test of columns for them.

Used by `ping`, and by the readers that meet a fault before there is a ping. Invariant: of several faults of a ping the
first in the order of FAULTS is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.kernel import kernel
from geofence.text import Texts

DEVICE_BYTES = 256
TIME_END_MS = 4_102_444_800_000  # 2100-01-01
FUTURE_MS = 300_000
ABSENT_MS = -1


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


@kernel
def judge(  # noqa: C901  # a list of tests, in the order of FAULTS
    device_at: NDArray[np.int64],
    device_bad: NDArray[np.bool_],
    user_at: NDArray[np.int64],
    user_bad: NDArray[np.bool_],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    time_ms: NDArray[np.int64],
    received_ms: NDArray[np.int64],
    accuracy_m: NDArray[np.float64],
    confidence: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    code: NDArray[np.uint8],
) -> None:
    """Write the code of each row's first fault, 0 where it has none. `*_bad`: what `unprintable` says."""
    for row in range(len(lon)):
        size, late_ms = device_at[row + 1] - device_at[row], time_ms[row] - received_ms[row]
        received = 0 <= received_ms[row] < TIME_END_MS
        if size == 0:
            code[row] = 1
        elif size > DEVICE_BYTES:
            code[row] = 2
        elif device_bad[row]:
            code[row] = 3
        elif not abs(lon[row]) <= 180.0:
            code[row] = 4
        elif not abs(lat[row]) <= 90.0:
            code[row] = 5
        elif not 0 <= time_ms[row] < TIME_END_MS:
            code[row] = 6
        elif received and late_ms > FUTURE_MS:
            code[row] = 7
        elif math.isinf(accuracy_m[row]):
            code[row] = 8
        elif confidence[row] <= 0.0 or confidence[row] >= 1.0:
            code[row] = 9
        elif speed_mps[row] < 0.0 or math.isinf(speed_mps[row]):
            code[row] = 10
        elif user_at[row + 1] - user_at[row] > DEVICE_BYTES or user_bad[row]:
            code[row] = 11
        elif not received and received_ms[row] != ABSENT_MS:
            code[row] = 12


def unprintable(texts: Texts) -> NDArray[np.bool_]:
    """Rows with a control character (C0, DEL, C1) or bytes that are not UTF-8, such as a lone surrogate."""
    arena, bad = texts.arena, np.zeros(len(texts), np.bool_)
    if not _may_be_unprintable(arena):
        return bad
    suspect = (arena < 0x20) | (arena == 0x7F) | (arena == 0xC2) | (arena == 0xED)
    rows = np.unique(np.searchsorted(texts.offsets, np.flatnonzero(suspect), side="right") - 1)
    for row in rows.tolist():
        size = texts.offsets[row + 1] - texts.offsets[row]
        bad[row] = size <= 4 * DEVICE_BYTES and any(is_control(char) for char in texts[row])
    return bad


@kernel
def _may_be_unprintable(arena: NDArray[np.uint8]) -> bool:
    """Whether there is any byte that a control character or broken UTF-8 would need; in one pass."""
    any_ = False
    for byte in arena:
        any_ |= (byte < 0x20) | (byte == 0x7F) | (byte == 0xC2) | (byte == 0xED)
    return any_


def is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"
