"""What was refused lately: counts by reason, and the last of each device, so that somebody can find out why.

In memory of this process alone. Invariants: no coordinates; a bounded number of devices, those heard last.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque

import msgspec

from web.caller import Caller

KEPT = 20
_NAME = 256


class Refusal(msgspec.Struct, frozen=True):
    """One ping that was refused."""

    at_ms: int
    reason: str
    field: str
    allowed: str


class Refusals:
    """The last refusals of each device."""

    def __init__(self, devices: int) -> None:
        self.counts: Counter[str] = Counter()
        self._devices, self._last = devices, OrderedDict[str, deque[Refusal]]()

    def note(self, device: str, caller: Caller, at_ms: int, reason: str, field: str, allowed: str) -> None:
        """A ping was refused. It is kept for the device that the caller speaks for, never for another's."""
        self.counts[reason] += 1
        name = device if caller.speaks_for(device) else caller.device
        if not name or len(name) > _NAME:
            return
        last = self._last.setdefault(name, deque(maxlen=KEPT))
        last.append(Refusal(at_ms, reason, field, allowed))
        self._last.move_to_end(name)
        if len(self._last) > self._devices:
            self._last.popitem(last=False)

    def forget(self, device: str) -> None:
        """Those of a device that is erased; the counts stay."""
        self._last.pop(device, None)

    def of(self, device: str) -> list[Refusal]:
        """The last ones of a device, the newest first."""
        return list(reversed(self._last.get(device, ())))
