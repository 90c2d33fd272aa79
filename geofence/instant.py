"""Instants as text: Unix milliseconds to and from RFC 3339 in UTC.

At the edges of the core, where events are written and files read. Invariant: what is written has exactly
three decimals and a `Z`, so that texts sort as the instants do.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def text_of(time_ms: int) -> str:
    """`2026-01-31T08:15:00.250Z`. Raises ValueError outside the years 1 to 9999."""
    day, rest = divmod(time_ms, 86_400_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{_day(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}Z"


@lru_cache(maxsize=1024)
def _day(number: int) -> str:
    """The date of a day counted from 1970: few are asked for, again and again."""
    try:
        return (date(1970, 1, 1) + timedelta(days=number)).isoformat()
    except OverflowError:
        raise ValueError(f"time is day {number} from 1970; allowed: years 1 to 9999") from None


def ms_of(text: str) -> int:
    """The milliseconds of an ISO 8601 or RFC 3339 text, UTC if it names no zone. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if "T" not in text.upper() and " " not in text.strip():
            raise ValueError("a day is no instant")
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise ValueError(f"time is {shown!r}; allowed: such as 2026-01-31T08:15:00.250Z") from None
