"""What the judge found, as lines for people.

For `lasting` and `restarts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tests.torture.oracle import Verdict

_EXAMPLES = 5


class Delivered(Protocol):
    """What a webhook's receiver got."""

    events: int
    repeats: int
    undelivered: int
    disordered: int
    forged: int


def verdict_lines(its: Verdict) -> Sequence[str]:
    """The numbers, and a few examples of what is wrong."""
    told = f"lost {its.lost}, doubled {its.doubled}, in another order {its.disordered}"
    return [
        f"  pings in the log {its.records:,}, acknowledged and not there {its.records_lost}",
        f"  events {its.events:,} (of resting devices {its.boundary:,}): {told}",
        f"  wrong tracks {its.tracks}, wrong presence {its.presence}, dead letters {its.letters}",
        *(f"  {one[:300]}" for one in its.examples[:_EXAMPLES]),
    ]


def delivered_line(its: Delivered) -> str:
    """What the receiver got."""
    wrong = f"{its.undelivered} missing, {its.disordered} devices out of order, {its.forged} wrong signatures"
    return f"  webhook: {its.events:,} events, {its.repeats:,} came twice; {wrong}"
