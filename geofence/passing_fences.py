"""Pings through an overlay: each fence that a ping lies in, or that its device is known in, is decided by itself.

The loop around the rule, after locate. Invariant: as in `passing_regions`; and a device has a row for a fence only
while it is in it or something is pending, so that what is thrown away depends on the input alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from geofence.border import Borders, reach_m
from geofence.ground import ground_m
from geofence.hysteresis import (
    CONFIRMED,
    FAR_RADII,
    IMPLAUSIBLE,
    OUTSIDE,
    PENDING,
    QUIET,
    SCORED,
    UNKNOWN,
    move,
    new_evidence,
    new_motion,
    weigh,
)
from geofence.kernel import kernel
from geofence.motion import COARSE_M
from geofence.passage import DWELLED, MOST_AT_ONCE, PASSAGE, Books, Rows, Taken, keep_trail, note, room_for
from geofence.tracks import NEVER, NONE, give_back_fence, wipe_trail

_NO_FENCE = 2**31 - 1
_FAR_OFF = 2**62


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
    passages, many, row, more = np.empty(64, PASSAGE), 0, begin, MOST_AT_ONCE
    while more > 0:
        passages = room_for(passages, many, more)
        row, many, stop_ms, more = _pass_rows(
            books, borders, dwell_ms, pings, first, region, margin_m, row, stop_ms, passages, many
        )
    wipe_trail(books.scratch)
    return passages[:many], row


@kernel
def _pass_rows(
    books: Books,
    borders: Borders,
    dwell_ms: int,
    pings: Taken,
    first: Rows,
    region: Rows,
    margin_m: Rows,
    begin: int,
    stop_ms: int,
    passages: Rows,
    many: int,
) -> tuple[int, int, int, int]:
    """Take rows while there is room for what one may add to the passages; where it stopped, and the room it lacked."""
    timed = stop_ms != NEVER
    for row in range(begin, len(pings.slot)):
        if timed and pings.clock_ms[row] >= stop_ms:
            return row, many, stop_ms, 0
        its, seen = books.span[pings.slot[row]], region[first[row] : first[row + 1]]
        more = (len(seen) + _held(books.fences, its.fences)) * MOST_AT_ONCE
        if many + more > len(passages):
            return row, many, stop_ms, more
        depth = margin_m[first[row] : first[row + 1]]
        many, due_ms = _pass_row(books, borders, dwell_ms, pings, row, seen, depth, passages, many)
        if timed:
            stop_ms = min(stop_ms, due_ms)
    return len(pings.slot), many, stop_ms, 0


@kernel
def _held(fences: Rows, row: int) -> int:
    """How many rows a chain has."""
    many = 0
    while row != NONE:
        many, row = many + 1, fences[row].next
    return many


@kernel
def _pass_row(
    books: Books,
    borders: Borders,
    dwell_ms: int,
    pings: Taken,
    row: int,
    seen: Rows,
    depth: Rows,
    passages: Rows,
    many: int,
) -> tuple[int, int]:
    """One ping; how many passages there are now, and when the next dwell is due."""
    slot, due_ms = pings.slot[row], _FAR_OFF
    its, own, place = books.span[slot], books.motion[slot], books.place[slot]
    fresh = its.born_ms == NEVER
    if fresh:
        new_motion(own)
        place.lon, place.lat = np.nan, np.nan
    last_lon, last_lat = own.sane_lon, own.sane_lat
    verdict = move(
        own, pings.lon[row], pings.lat[row], pings.accuracy_m[row], pings.confidence[row], pings.source[row],
        pings.time_ms[row], books.rules[0],
    )  # fmt: skip
    pings.outcome[row] = verdict.outcome
    if verdict.outcome != SCORED:
        return many, due_ms
    pings.outcome[row] = IMPLAUSIBLE if verdict.suspect else QUIET
    if fresh:
        its.born_ms = pings.time_ms[row]
    if its.fences != NONE or seen[0] >= 0:
        many, due_ms = _through_fences(
            books, borders, dwell_ms, pings, row, seen, depth, verdict, last_lon, last_lat, passages, many
        )
    if not verdict.suspect:
        _keep_place(place, pings.lon[row], pings.lat[row], verdict.radius_m)
    return many, due_ms


@kernel
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
) -> tuple[int, int]:
    """All fences that a ping lies in (`seen`) or its device has a row for, in order; also when a dwell is due next."""
    its, due_ms, at, before = books.span[pings.slot[row]], _FAR_OFF, 0, NONE
    current = its.fences
    while True:
        next_seen = seen[at] if at < len(seen) and seen[at] >= 0 else _NO_FENCE
        next_kept = books.fences[current].fence if current != NONE else _NO_FENCE
        if next_seen == _NO_FENCE and next_kept == _NO_FENCE:
            return many, due_ms
        if next_seen < next_kept:
            current = _chain_in(books, its, pings.slot[row], next_seen, before, pings.time_ms[row])
            _begin_fence(books.beliefs[current], last_lon, last_lat)
        it, belief, inside = books.fences[current], books.beliefs[current], next_seen <= next_kept
        if inside:
            margin = depth[at]
            at += 1
        else:
            root = borders.root[it.fence]
            margin, _ = reach_m(borders, root, pings.lon[row], pings.lat[row], pings.cap_m[row], -1)
        many = _through(books, pings, row, it, belief, inside, margin, verdict, passages, many)
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


@kernel
def _through(
    books: Books,
    pings: Taken,
    row: int,
    it: Any,
    belief: Any,
    inside: bool,
    margin_m: float,
    verdict: Any,
    passages: Rows,
    many: int,
) -> int:
    """One ping through the rule of one fence, a world of two regions; how many passages there are now."""
    trail = books.scratch if it.trail == NONE else books.trails[it.trail]
    region: Any = np.int64(it.fence if inside else OUTSIDE)
    told, crossings = weigh(
        belief, trail, pings.lon[row], pings.lat[row], pings.time_ms[row], verdict, region, margin_m, margin_m,
        books.rules[0], books.out,
    )  # fmt: skip
    if told == CONFIRMED or (told == PENDING and pings.outcome[row] != CONFIRMED):
        pings.outcome[row] = told
    for k in range(crossings):
        it.since_ms, it.dwelled = books.out[k].occurred_ms, 0
        many = note(passages, many, row, it.slot, books.span[it.slot], books.out[k])
    keep_trail(it, belief.entries, books.trails, books.free, books.left, books.scratch)
    return many


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
    return int(note(passages, many, row, slot, books.span[slot], told))


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
