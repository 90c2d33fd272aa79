"""When a partition's owner has to say that time has passed, as devices that are silent are due something.

Beside `partition`'s loop. Asking the fence costs a pass over its devices, so it is asked at most once in `tick_s`, and
when a tick has been read back. Invariant: a tick is only ever appended to the input; what it does happens when it is
read back.
"""

from __future__ import annotations

from collections.abc import Callable

from geofence.control import Tick
from geofence.fence import Fence

_LONG_S = 60.0


class Ticking:
    """Watches one fence."""

    def __init__(self, fence: Fence, tick_s: float, now_ms: Callable[[], int]) -> None:
        """Nothing is known yet: the fence is asked at once."""
        self._fence, self._tick_ms, self._now_ms = fence, round(tick_s * 1000), now_ms
        self._look_ms = now_ms()
        self._awaited_ms: int | None = None  # partition time of a tick that has not been read back

    def tick(self) -> Tick | None:
        """The tick to append now, if one is needed and none is on its way."""
        now_ms = self._now_ms()
        if self._awaited_ms is not None and self._fence.clock_ms >= self._awaited_ms:
            self._awaited_ms, self._look_ms = None, now_ms  # one tick does not do all if very much is due
        if self._look_ms - self._tick_ms <= now_ms < self._look_ms:  # not so if the clock was put back
            return None
        self._look_ms = now_ms + self._tick_ms
        due_ms = self._fence.due_ms() if self._awaited_ms is None else None
        if due_ms is None or due_ms > max(now_ms, self._fence.clock_ms):
            return None
        if now_ms > self._fence.clock_ms:  # else nothing tells when it has been read back: look again in `tick_s`
            self._awaited_ms = now_ms
        return Tick(at_ms=now_ms)

    def wait_s(self) -> float:
        """How long nothing needs to be looked at, if no record comes."""
        return min(_LONG_S, max(0.0, (self._look_ms - self._now_ms()) / 1000))
