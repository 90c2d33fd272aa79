"""What the loops around the rule share: the columns they work on, and how a crossing is written down.

Between `taking`, which fills the columns, and the loops in `passing_regions` and `passing_fences`. A passage is a
crossing as the kernels write it, still in numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.hysteresis import TRAIL_LENGTH
from geofence.kernel import kernel
from geofence.tracks import NONE, give_back_trail

Rows = NDArray[Any]
MOST_AT_ONCE = TRAIL_LENGTH + 1  # passages that one ping can bring in one partition or fence: the last is a dwell
DWELLED = 2  # a cause beside the rule's first_fix and moved

PASSAGE = np.dtype(
    [
        ("row", "i8"),
        ("slot", "i8"),
        ("region_from", "i4"),
        ("region_to", "i4"),
        ("cause", "i4"),
        ("sequence", "i4"),
        ("born_ms", "i8"),
        ("occurred_ms", "i8"),
        ("confirmed_ms", "i8"),
        ("pings", "i4"),
        ("score", "f8"),
        ("confidence", "f8"),
    ]
)


class Passage(NamedTuple):
    """One row of PASSAGE."""

    row: int
    slot: int
    region_from: int
    region_to: int
    cause: int
    sequence: int
    born_ms: int
    occurred_ms: int
    confirmed_ms: int
    pings: int
    score: float
    confidence: float


class Taken(NamedTuple):
    """The pings that are taken, in columns; `outcome` is written."""

    slot: Rows
    lon: Rows
    lat: Rows
    accuracy_m: Rows
    confidence: Rows
    source: Rows
    time_ms: Rows
    cap_m: Rows  # the largest margin that can matter
    deep_m: Rows  # and that which matters at home, while nothing is pending: partitions are located to that
    clock_ms: Rows
    outcome: Rows


class Books(NamedTuple):
    """The tracks of one layer, and what the kernels need beside them. `fences` and `beliefs`: of an overlay."""

    span: Any
    motion: Any
    evidence: Any
    place: Any
    fences: Any
    beliefs: Any
    fence_free: Rows
    fence_left: Rows
    trails: Any
    free: Rows
    left: Rows
    rules: Rows
    scratch: Any
    out: Any


@njit(cache=True)
def room_for(passages: Rows, many: int, more: int) -> Rows:
    """The passages, with room for more."""
    if many + more <= len(passages):
        return passages
    longer = np.empty(2 * len(passages) + more, passages.dtype)
    longer[:many] = passages[:many]
    return longer


@kernel
def note(passages: Rows, many: int, row: int, slot: int, span: Any, crossing: Any) -> int:
    """Write a crossing of the rule as a passage, unless it goes from nowhere known to nowhere."""
    if crossing.region_from < 0 and crossing.region_to < 0:
        return many
    span.sequence += 1
    it = passages[many]
    it.row, it.slot, it.sequence, it.born_ms = row, slot, span.sequence, span.born_ms
    it.region_from, it.region_to, it.cause = crossing.region_from, crossing.region_to, crossing.cause
    it.occurred_ms, it.confirmed_ms = crossing.occurred_ms, crossing.confirmed_ms
    it.pings, it.score, it.confidence = crossing.pings, crossing.score, crossing.confidence
    return many + 1


@njit(cache=True, inline="always")
def keep_trail(holder: Any, entries: int, trails: Rows, free: Rows, left: Rows, scratch: Rows) -> None:
    """Take a row for a trail that began in `scratch`, or give back one that ended."""
    if entries > 0 and holder.trail == NONE:
        left[0] -= 1
        holder.trail = free[left[0]]
        for k in range(entries):  # no more: what lies behind is another device's
            trails[holder.trail][k] = scratch[k]
    elif entries == 0:
        give_back_trail(holder, trails, free, left)
