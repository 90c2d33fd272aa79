"""When a device was there, in the forms that apps use, as Unix milliseconds.

Used by every adapter whose app says a time. Invariants: a text without a zone is UTC; a time that is no instant is
refused, never replaced by now; whether it is of today is for the intake to say.
"""

from __future__ import annotations

from geofence.fault import FAULTS
from geofence.instant import ms_of
from ingest.clients.client import Unfit
from ingest.clients.fields import Fields, as_number, given, needed

APPLE_EPOCH_S = 978_307_200  # 2001-01-01, from which Apple's systems count
_MS_FROM = 2**31  # a number from here on is milliseconds: as seconds it would be after 2038
_MOST_MS = 2.0**62
_ALLOWED = next(fault.allowed for fault in FAULTS if fault.reason == "time_range")


def seconds_ms(fields: Fields, name: str, *, epoch_s: int = 0) -> int:
    """Seconds since 1970, or since `epoch_s`. Raises Unfit."""
    return _whole((needed(fields, name) + epoch_s) * 1000.0, name)


def instant_ms(fields: Fields, name: str) -> int | None:
    """Seconds, milliseconds from 2^31 on, or ISO 8601 with or without a zone; None if there is none. Raises Unfit."""
    _, value = given(fields, name)
    if value is None:
        return None
    count = as_number(value)
    if count is not None:
        return _whole(count if count >= _MS_FROM else count * 1000.0, name)
    if not isinstance(value, str):
        raise _unfit(name)
    try:
        return ms_of(value)
    except ValueError:
        raise _unfit(name) from None


def needed_ms(fields: Fields, name: str) -> int:
    """As `instant_ms`, and it must be there. Raises Unfit."""
    found = instant_ms(fields, name)
    if found is None:
        raise Unfit(name, "a time; it is missing")
    return found


def _whole(time_ms: float, name: str) -> int:
    if not abs(time_ms) < _MOST_MS:
        raise _unfit(name)
    return round(time_ms)


def _unfit(name: str) -> Unfit:
    return Unfit(name, f"a time, {_ALLOWED}", "time_range")
