"""How often somebody may do something: token buckets by name, in memory.

Invariant: a bounded number of buckets; what is forgotten first is what was used longest ago, and begins again full.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

_MOST = 100_000


class Buckets:
    """One bucket a name, filled at `rate` a second up to `burst`."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, and never goes back."""
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, many: float = 1.0) -> float:
        """Take `many`: 0 if there were enough; else nothing is taken, and so many seconds are to be waited.

        Who asks for more than a whole bucket gets it from a full one, and owes the rest.
        """
        wait_s, now = self.wait_s(name, many), self._clock()
        if wait_s:
            return wait_s
        self._left[name] = (self._filled(name, now) - many, now)
        self._left.move_to_end(name)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        return 0.0

    def give_back(self, name: str, many: float = 1.0) -> None:
        """Undo a `take`."""
        now = self._clock()
        self._left[name] = (min(self._burst, self._filled(name, now) + many), now)

    def wait_s(self, name: str, many: float = 1.0) -> float:
        """How long until so many could be taken; takes nothing."""
        return max(0.0, (min(many, self._burst) - self._filled(name, self._clock())) / self._rate)

    def _filled(self, name: str, now: float) -> float:
        left, then = self._left.get(name, (self._burst, now))
        return min(self._burst, left + (now - then) * self._rate)
