"""What a version told of the replayed pings: its crossings, kept small, and how many of them flapped.

Between a fence's reports and `matching`. Invariant: only movements count; first fixes, consents, expiries and borders
are no crossings here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from geofence.crossing import Cause, Crossing

FLAP_MS = 600_000


class Told(NamedTuple):
    """One crossing; from a fence to itself: a dwell."""

    device: str
    origin: str | None
    target: str | None
    occurred_ms: int
    confirmed_ms: int


def told_of(crossings: Iterable[Crossing]) -> list[Told]:
    """The movements among these."""
    return [
        Told(
            one.device,
            one.origin.id if one.origin else None,
            one.target.id if one.target else None,
            one.occurred_ms,
            one.confirmed_ms,
        )
        for one in crossings
        if one.cause is Cause.MOVED
    ]


class Flaps:
    """Counts crossings that are taken back by the device's next one within ten minutes, as they come."""

    def __init__(self, *, overlay: bool) -> None:
        """None yet."""
        self.crossings, self.flaps, self._overlay = 0, 0, overlay
        self._last: dict[tuple[str, str | None], Told] = {}

    def add(self, told: Iterable[Told]) -> None:
        """Take in crossings, each device's in their order. In an overlay each fence is by itself."""
        for one in told:
            if one.origin == one.target:
                continue
            self.crossings += 1
            key = (one.device, (one.target or one.origin) if self._overlay else None)
            last = self._last.get(key)
            if last is not None and (last.origin, last.target) == (one.target, one.origin):
                self.flaps += one.occurred_ms - last.occurred_ms <= FLAP_MS
            self._last[key] = one
