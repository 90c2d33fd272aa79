"""What the judge found, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from tests.torture.oracle import Verdict

_EXAMPLES = 5


def verdict_lines(its: Verdict) -> Sequence[str]:
    """The numbers, and a few examples of what is wrong."""
    return [
        f"  pings in the log {its.records:,}, acknowledged and not there {its.records_lost}",
        f"  events {its.events:,} (of resting devices {its.boundary:,}): lost {its.lost}, doubled {its.doubled}, in "
        f"another order {its.disordered}",
        f"  wrong tracks {its.tracks}, wrong presence {its.presence}, dead letters {its.letters}",
        *(f"  {one[:300]}" for one in its.examples[:_EXAMPLES]),
    ]
