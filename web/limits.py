"""How often somebody may do something: token buckets by name, in memory.

Invariant: a bounded number of buckets; what is forgotten first is what was used longest ago, and begins again full.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

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
        return self.take_all({name: many})[0]

    def wait_s(self, name: str) -> float:
        """How long until one can be taken; nothing is taken."""
        kept = self._left.get(name)
        there = self._burst if kept is None else kept[0] + (self._clock() - kept[1]) * self._rate
        return max(0.0, (min(1.0, self._burst) - there) / self._rate)

    def take_all(self, wants: Mapping[str, float]) -> tuple[float, str]:
        """Take of several what each wants, all of it or nothing; how long to wait, and for whom."""
        now, left, burst, rate = self._clock(), self._left, self._burst, self._rate
        rest, lacking, who = list[float](), 0.0, ""
        for name, many in wants.items():
            kept = left.get(name)
            there = burst if kept is None else min(burst, kept[0] + (now - kept[1]) * rate)
            rest.append(there - many)
            if (lacks := min(many, burst) - there) > lacking:
                lacking, who = lacks, name
        if lacking:
            return lacking / rate, who
        for name, after in zip(wants, rest, strict=True):
            left[name] = (after, now)
            left.move_to_end(name)
        while len(left) > _MOST:
            left.popitem(last=False)
        return 0.0, ""

    def give_back(self, wants: Mapping[str, float]) -> None:
        """Undo a `take_all`."""
        for name, many in wants.items():
            kept, then = self._left.get(name, (self._burst, 0.0))
            self._left[name] = (min(self._burst, kept + many), then)
