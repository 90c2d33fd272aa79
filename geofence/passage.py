"""Pings through one layer: columns of sightings and the devices' tracks in, outcomes and passages out.

The loop around the rule, after locate. A passage is a crossing as the kernels write it, still in numbers. Invariant:
rows are taken in input order and nothing outside the row's own device is read, so that any split of the input gives
the same passages.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.border import Borders, reach_m
from geofence.ground import ground_m
from geofence.hysteresis import (
    CONFIRMED,
    FAR_RADII,
    IMPLAUSIBLE,
    OUTSIDE,
    PENDING,
    QUIET,
    REJECTED,
    SCORED,
    TRAIL_LENGTH,
    UNKNOWN,
    move,
    new_evidence,
    new_motion,
    step,
    weigh,
)
from geofence.kernel import kernel
from geofence.motion import COARSE_M
from geofence.sighting import home_m, settle_m
from geofence.tracks import NEVER, NONE, give_back_fence, give_back_trail, wipe_trail

Rows = NDArray[Any]
DWELLED = 2  # a cause beside the rule's first_fix and moved
_NO_FENCE = 2**31 - 1

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
def _room(passages: Rows, many: int) -> Rows:
    """The passages, with room for all that one fence or partition can add at one ping."""
    if many + TRAIL_LENGTH + 1 <= len(passages):
        return passages
    longer = np.empty(2 * len(passages) + 64, passages.dtype)
    longer[:many] = passages[:many]
    return longer


@kernel
def _note(passages: Rows, many: int, row: int, slot: int, span: Any, crossing: Any) -> int:
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
def _keep_trail(holder: Any, entries: int, trails: Rows, free: Rows, left: Rows, scratch: Rows) -> None:
    """Take a row for a trail that began in `scratch`, or give back one that ended."""
    if entries > 0 and holder.trail == NONE:
        left[0] -= 1
        holder.trail = free[left[0]]
        for k in range(entries):  # no more: what lies behind is another device's
            trails[holder.trail][k] = scratch[k]
    elif entries == 0:
        give_back_trail(holder, trails, free, left)


@njit(cache=True)
def pass_partition(
    books: Books, borders: Borders, within_m: float, pings: Taken, region: Rows, margin_m: Rows, covered: Rows
) -> Rows:
    """Take every row through the rule; the passages."""
    passages, many, row = np.empty(64, PASSAGE), 0, 0
    while row < len(pings.slot):
        passages = _room(passages, many)
        row, many = _pass_rows(books, borders, within_m, pings, region, margin_m, covered, row, passages, many)
    wipe_trail(books.scratch)
    return passages[:many]


@kernel
def _pass_rows(
    books: Books,
    borders: Borders,
    within_m: float,
    pings: Taken,
    region: Rows,
    margin_m: Rows,
    covered: Rows,
    begin: int,
    passages: Rows,
    many: int,
) -> tuple[int, int]:
    """Take rows from `begin` on, while there is room for what one may add to the passages; where it stopped."""
    lon, lat, time_ms = pings.lon, pings.lat, pings.time_ms
    for row in range(begin, len(pings.slot)):
        if many + TRAIL_LENGTH > len(passages):
            return row, many
        slot = pings.slot[row]
        its, motion, belief = books.span[slot], books.motion[slot], books.evidence[slot]
        fresh = its.born_ms == NEVER
        if fresh:
            new_motion(motion)
            new_evidence(belief, UNKNOWN)
        margin, home = _depths(
            borders, within_m, belief, lon[row], lat[row], region[row], margin_m[row], covered[row],
            pings.cap_m[row], pings.deep_m[row],
        )  # fmt: skip
        trail = books.scratch if its.trail == NONE else books.trails[its.trail]
        pings.outcome[row], crossings = step(
            motion, belief, trail, lon[row], lat[row], pings.accuracy_m[row], pings.confidence[row], pings.source[row],
            time_ms[row], region[row], margin, home, books.rules[0], books.out,
        )  # fmt: skip
        if fresh and pings.outcome[row] != REJECTED:
            its.born_ms = time_ms[row]
        _keep_trail(its, belief.entries, books.trails, books.free, books.left, books.scratch)
        for k in range(crossings):
            its.since_ms = books.out[k].occurred_ms
            many = _note(passages, many, row, slot, its, books.out[k])
    return len(pings.slot), many


@kernel
def _depths(
    borders: Borders,
    within_m: float,
    belief: Any,
    lon: float,
    lat: float,
    region: int,
    margin_m: float,
    covered: bool,
    cap_m: float,
    deep_m: float,
) -> tuple[float, float]:
    """How deep a ping lies in its region, beyond `deep_m` only where that matters; and how far from the confirmed."""
    if region == belief.region and belief.entries == 0:
        return margin_m, 0.0
    if margin_m >= deep_m:
        _, margin_m = settle_m(borders, region if covered else OUTSIDE, within_m, lon, lat, cap_m, np.inf)
    if region == belief.region or belief.region == UNKNOWN:
        return margin_m, 0.0
    return margin_m, home_m(borders, belief.region, region, covered, within_m, lon, lat, cap_m)


@njit(cache=True)
def pass_overlay(
    books: Books,
    borders: Borders,
    dwell_ms: int,
    pings: Taken,
    first: Rows,
    region: Rows,
    margin_m: Rows,
    begin: int,
    stop_ms: int,
) -> tuple[Rows, int]:
    """Take rows from `begin` on through the rule of each fence that matters; the passages, and where it stopped.

    `first[row]` to `first[row + 1]` are the row's sightings, in the order of fences. It stops where the clock has
    reached `stop_ms`, or when the first dwell of those who entered on the way is due.
    """
    span, motion, place, outcome = books.span, books.motion, books.place, pings.outcome
    passages, many, timed = np.empty(64, PASSAGE), 0, stop_ms != NEVER
    for row in range(begin, len(pings.slot)):
        if timed and pings.clock_ms[row] >= stop_ms:
            wipe_trail(books.scratch)
            return passages[:many], row
        slot = pings.slot[row]
        its, own = span[slot], motion[slot]
        fresh = its.born_ms == NEVER
        if fresh:
            new_motion(own)
            place[slot].lon, place[slot].lat = np.nan, np.nan
        last_lon, last_lat = own.sane_lon, own.sane_lat
        verdict = move(
            own, pings.lon[row], pings.lat[row], pings.accuracy_m[row], pings.confidence[row], pings.source[row],
            pings.time_ms[row], books.rules[0],
        )  # fmt: skip
        outcome[row] = verdict.outcome
        if verdict.outcome != SCORED:
            continue
        outcome[row] = IMPLAUSIBLE if verdict.suspect else QUIET
        if fresh:
            its.born_ms = pings.time_ms[row]
        if its.fences != NONE or region[first[row]] >= 0:
            seen, depth = region[first[row] : first[row + 1]], margin_m[first[row] : first[row + 1]]
            passages, many, due_ms = _through_fences(
                books, borders, dwell_ms, pings, row, seen, depth, verdict, last_lon, last_lat, passages, many
            )
            if timed:
                stop_ms = min(stop_ms, due_ms)
        if not verdict.suspect:
            _keep_place(place[slot], pings.lon[row], pings.lat[row], verdict.radius_m)
    wipe_trail(books.scratch)
    return passages[:many], len(pings.slot)


@kernel
def _keep_place(place: Any, lon: float, lat: float, radius_m: float) -> None:
    """The newest place that is known well, for a switch to go by: a coarse fix is none, but may show it to be left."""
    if radius_m <= COARSE_M:
        place.lon, place.lat = lon, lat
    elif not np.isnan(place.lon) and ground_m(place.lon, place.lat, lon, lat) > FAR_RADII * radius_m:
        place.lon, place.lat = np.nan, np.nan


@kernel
def _begin_fence(belief: Any, last_lon: float, last_lat: float) -> None:
    """Of a new device nothing is known; another was outside of the fence at its last place."""
    new_evidence(belief, UNKNOWN if np.isnan(last_lon) else OUTSIDE)
    belief.anchor_lon, belief.anchor_lat = last_lon, last_lat


@njit(cache=True)
def _through_fences(
    books: Books,
    borders: Borders,
    dwell_ms: int,
    pings: Taken,
    row: int,
    seen: Rows,
    depth: Rows,
    verdict: Any,
    last_lon: float,
    last_lat: float,
    passages: Rows,
    many: int,
) -> tuple[Rows, int, int]:
    """One ping, and all fences that it lies in (`seen`) or its device has a row for; also when a dwell is due next."""
    slot, fences, due_ms = pings.slot[row], books.fences, 2**62
    lon, lat, its = pings.lon[row], pings.lat[row], books.span[slot]
    at, before, current = 0, NONE, its.fences
    while at < len(seen) or current != NONE:
        next_seen = seen[at] if at < len(seen) and seen[at] >= 0 else _NO_FENCE
        next_kept = fences[current].fence if current != NONE else _NO_FENCE
        if next_seen == _NO_FENCE and next_kept == _NO_FENCE:
            break
        if next_seen < next_kept:
            current = _chain_in(books, its, slot, next_seen, before, pings.time_ms[row])
            _begin_fence(books.beliefs[current], last_lon, last_lat)
        it, belief, inside = fences[current], books.beliefs[current], next_seen <= next_kept
        if inside:
            margin = depth[at]
            at += 1
        else:
            margin, _ = reach_m(borders, borders.root[it.fence], lon, lat, pings.cap_m[row], -1)
        trail = books.scratch if it.trail == NONE else books.trails[it.trail]
        now: Any = np.int64(it.fence if inside else OUTSIDE)
        told, crossings = weigh(
            belief, trail, lon, lat, pings.time_ms[row], verdict, now, margin, margin, books.rules[0], books.out
        )
        if told == CONFIRMED or (told == PENDING and pings.outcome[row] != CONFIRMED):
            pings.outcome[row] = told
        passages = _room(passages, many)
        for k in range(crossings):
            it.since_ms, it.dwelled = books.out[k].occurred_ms, 0
            many = _note(passages, many, row, slot, its, books.out[k])
        _keep_trail(it, belief.entries, books.trails, books.free, books.left, books.scratch)
        if dwell_ms >= 0 and belief.region >= 0 and not it.dwelled:
            many = _dwell(books, it, belief.entries > 0, dwell_ms, pings, row, passages, many)
            if belief.entries == 0:
                due_ms = min(due_ms, it.due_ms)
        following = it.next
        if belief.region == OUTSIDE and belief.entries == 0:
            _chain_out(books, its, current, before)
        else:
            before = current
        current = following
    return passages, many, due_ms


@kernel
def _dwell(
    books: Books, it: Any, leaving: bool, dwell_ms: int, pings: Taken, row: int, passages: Rows, many: int
) -> int:
    """Tell a dwell if its time has come, else remember when it will have come should the device stay silent."""
    dwelled_ms = it.since_ms + dwell_ms
    left_ms = max(np.int64(0), dwelled_ms - pings.time_ms[row])
    it.due_ms = max(dwelled_ms, pings.clock_ms[row] + left_ms)  # a device's clock may be ahead
    if left_ms > 0 or leaving:
        return many
    it.dwelled, told = 1, books.out[0]
    told.region_from = told.region_to = it.fence
    told.cause, told.pings, told.score, told.confidence = DWELLED, 0, 0.0, 1.0
    told.occurred_ms, told.confirmed_ms = dwelled_ms, pings.time_ms[row]
    pings.outcome[row] = CONFIRMED
    slot = pings.slot[row]
    return int(_note(passages, many, row, slot, books.span[slot], told))


@kernel
def _chain_in(books: Books, span: Any, slot: int, fence: int, before: int, since_ms: int) -> int:
    """A new row for a fence, behind `before` (NONE: first) in the device's chain."""
    books.fence_left[0] -= 1
    row: int = books.fence_free[books.fence_left[0]]
    it = books.fences[row]
    it.slot, it.fence, it.trail, it.dwelled, it.since_ms, it.due_ms = slot, fence, NONE, 0, since_ms, NEVER
    if before == NONE:
        it.next, span.fences = span.fences, row
    else:
        it.next, books.fences[before].next = books.fences[before].next, row
    return row


@kernel
def _chain_out(books: Books, span: Any, row: int, before: int) -> None:
    """Give back a fence's row, which stands behind `before` (NONE: first)."""
    if before == NONE:
        span.fences = books.fences[row].next
    else:
        books.fences[before].next = books.fences[row].next
    give_back_fence(row, books.fences, books.beliefs, books.fence_free, books.fence_left)
