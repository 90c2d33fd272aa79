"""Which crossings of two versions are the same: unchanged, moved in time, added or gone.

Between what was told under each version and the counts. Invariants: each crossing is in one pair at most; what is equal
is paired before anything else; of what is left, as many pairs are found as there can be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from boundaries.trial.outcome import MOST_EXAMPLES, MOST_PAIRS, DeviceCrossing, RegionCrossings
from boundaries.trial.told import Told

WITHIN_MS = 300_000
Pair = tuple[str | None, str | None]
Times = tuple[int, int]  # when it occurred, and when it was confirmed
UNCHANGED, MOVED, ADDED, GONE = range(4)


@dataclass(slots=True)
class Matched:
    """The counts of one partition, or of several together."""

    pairs: dict[Pair, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    shifts_ms: list[int] = field(default_factory=list)  # of what moved: positive is later
    examples: list[DeviceCrossing] = field(default_factory=list)

    def add(self, other: Matched) -> None:
        """Take in another partition's."""
        for pair, counts in other.pairs.items():
            self.pairs[pair].update(counts)
        self.shifts_ms.extend(other.shifts_ms)
        self.examples = _first([*self.examples, *other.examples])

    def total(self, which: int) -> int:
        """How many were unchanged, moved, added or gone."""
        return sum(counts[which] for counts in self.pairs.values())

    def listed(self) -> tuple[list[RegionCrossings], int]:
        """The pairs as they are told, most changed first; and how many are left out."""
        every = [(pair, [counts[which] for which in range(4)]) for pair, counts in self.pairs.items()]
        every.sort(key=lambda one: (-sum(one[1][1:]), -one[1][0], one[0][0] or "", one[0][1] or ""))
        return [RegionCrossings(*pair, *counts) for pair, counts in every[:MOST_PAIRS]], len(every[MOST_PAIRS:])


def matched(before: Iterable[Told], after: Iterable[Told], within_ms: int = WITHIN_MS) -> Matched:
    """Compare what two versions told."""
    found, examples = Matched(), list[DeviceCrossing]()
    ours, theirs = _by_key(before), _by_key(after)
    for key in ours.keys() | theirs.keys():
        device, *regions = key
        counts = found.pairs[regions[0], regions[1]]
        for old, new in pair_up(ours.get(key, ()), theirs.get(key, ()), within_ms):
            if old is not None and old == new:
                counts[UNCHANGED] += 1
                continue
            if old is not None and new is not None:
                counts[MOVED] += 1
                found.shifts_ms.append(new[0] - old[0])
            else:
                counts[ADDED if old is None else GONE] += 1
            examples.append(DeviceCrossing(device, regions[0], regions[1], old and old[0], new and new[0]))
    found.examples = _first(examples)
    return found


def pair_up(before: Sequence[Times], after: Sequence[Times], within_ms: int) -> list[tuple[Times | None, Times | None]]:
    """The same crossing's times under both versions, side by side; None: not told there."""
    same = Counter(before) & Counter(after)
    pairs: list[tuple[Times | None, Times | None]] = [(times, times) for times in same.elements()]
    olds, news = sorted((Counter(before) - same).elements()), sorted((Counter(after) - same).elements())
    i = k = 0
    while i < len(olds) and k < len(news):
        apart_ms = news[k][0] - olds[i][0]
        if abs(apart_ms) <= within_ms:
            pairs.append((olds[i], news[k]))
            i, k = i + 1, k + 1
        elif apart_ms > 0:
            pairs.append((olds[i], None))
            i += 1
        else:
            pairs.append((None, news[k]))
            k += 1
    return [*pairs, *((one, None) for one in olds[i:]), *((None, one) for one in news[k:])]


def _by_key(told: Iterable[Told]) -> dict[tuple[str, str | None, str | None], list[Times]]:
    found: dict[tuple[str, str | None, str | None], list[Times]] = defaultdict(list)
    for one in told:
        found[one.device, one.origin, one.target].append((one.occurred_ms, one.confirmed_ms))
    return found


def _first(examples: list[DeviceCrossing]) -> list[DeviceCrossing]:
    """The earliest ones, whatever the order they come in."""

    def order(one: DeviceCrossing) -> tuple[int, str, str, str]:
        at_ms = one.after_ms if one.before_ms is None else one.before_ms
        return at_ms or 0, one.device, one.origin or "", one.target or ""

    return sorted(examples, key=order)[:MOST_EXAMPLES]
