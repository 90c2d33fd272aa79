"""Which fault comes when: drawn from the seed alone, so that the same seed gives the same schedule.

Who is hit depends on who owns something by then; the draw that picks one of them is part of the schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: how often it comes in a round, and the points that it goes through in turn."""

    weight: int
    points: tuple[str, ...] = ()
    most_visits: int = 1
    short: bool = True  # whether it is part of the short version


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault to come. `draw` picks the target, `length` how long it lasts; both are from 0 to 1."""

    kind: str
    point: str
    visit: int
    draw: float
    length: float
    pause_s: float
    alone: bool  # whether the next one waits until all has recovered from this


def schedule(seed: int, name: str, kinds: Mapping[str, Kind], *, short: bool = False) -> Iterator[Strike]:
    """Faults without end, round after round; if it is short a single round with one of each kind."""
    chance = Random(f"{name} {seed}")
    points = {kind: _in_turn(one.points, chance) for kind, one in kinds.items()}
    while True:
        round_ = [kind for kind, one in kinds.items() for _ in range(one.short if short else one.weight)]
        chance.shuffle(round_)
        for kind in round_:
            yield Strike(
                kind, next(points[kind]), chance.randint(1, kinds[kind].most_visits), chance.random(),
                chance.random(), chance.uniform(0.1, 0.8), chance.random() > 0.2,
            )  # fmt: skip
        if short:
            return


def _in_turn(points: Sequence[str], chance: Random) -> Iterator[str]:
    mixed = list(points) or [""]
    chance.shuffle(mixed)
    return cycle(mixed)
