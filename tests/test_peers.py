"""The rules that ours is compared with."""

from typing import Any

import pytest
from commands import MINUTE

from service.peers import (
    UNKNOWN,
    Move,
    Peer,
    Seen,
    accuracy_filter,
    flips_back,
    raw_switching,
    runs,
    since_entry,
    three_in_a_row,
)


def seen(*pings: tuple[float, int]) -> list[Seen]:
    """Pings a minute apart: metres east of the border, and the region."""
    return [
        Seen(metres / 111_195.0802, 0.0, 10.0, minute * MINUTE, region) for minute, (metres, region) in enumerate(pings)
    ]


@pytest.mark.parametrize(
    ("rule", "pings", "told"),
    [
        (raw_switching, [(0, 1), (0, 2), (0, 1)], [(UNKNOWN, 1, 0, 0), (1, 2, 1, 1), (2, 1, 2, 2)]),
        (three_in_a_row, [(0, 1), (0, 2), (0, 2), (0, 1)], [(UNKNOWN, 1, 0, 0)]),
        (three_in_a_row, [(0, 1), (0, 2), (0, 2), (0, 2)], [(UNKNOWN, 1, 0, 0), (1, 2, 1, 3)]),
        (three_in_a_row, [(0, 1), (0, 2), (0, 3), (0, 3), (0, 3)], [(UNKNOWN, 1, 0, 0), (1, 3, 2, 4)]),
        (accuracy_filter, [(0, 1), (19, 2)], [(UNKNOWN, 1, 0, 0)]),
        (accuracy_filter, [(0, 1), (21, 2)], [(UNKNOWN, 1, 0, 0), (1, 2, 1, 1)]),
        (accuracy_filter, [(0, 1), (15, 2), (30, 2)], [(UNKNOWN, 1, 0, 0), (1, 2, 2, 2)]),
        (raw_switching, [], []),
    ],
)
def test_each_does_what_it_says(rule: Peer, pings: list[tuple[float, int]], told: list[Any]) -> None:
    moves = [(move.origin, move.target, move.entered_ms, move.confirmed_ms) for move in rule(seen(*pings))]
    assert moves == [(origin, target, one * MINUTE, two * MINUTE) for origin, target, one, two in told]


def test_pings_out_of_order_are_left_out() -> None:
    first, second, third = seen((0, 1), (0, 2), (0, 3))
    assert raw_switching([first, third, second]) == raw_switching([first, third])


def test_a_missing_accuracy_counts_as_none() -> None:
    near = [Seen(0, 0, None, 0, 1), Seen(0, 0.00001, None, 1, 2)]
    assert len(accuracy_filter(near)) == 2


def test_a_flip_returns_to_the_region_just_left() -> None:
    moves = raw_switching(seen((0, 1), (0, 2), (0, 1), (0, 3), (0, 2)))
    assert (flips_back(moves, 59), flips_back(moves, 60)) == (0, 1)


def test_every_delay_counts_from_the_last_entry_before_the_event() -> None:
    entered = runs(seen((0, 1), (0, 2), (0, 1), (0, 2), (0, 2), (0, 1)))
    assert entered == [(0, 1), (MINUTE, 2), (2 * MINUTE, 1), (3 * MINUTE, 2), (5 * MINUTE, 1)]
    move = Move(1, 2, MINUTE, 4 * MINUTE)
    assert since_entry(move, entered).entered_ms == 3 * MINUTE
    assert since_entry(Move(1, 7, MINUTE, 4 * MINUTE), entered).entered_ms == MINUTE
