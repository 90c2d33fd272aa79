"""Pings through a partition: columns of sightings and the devices' tracks in, outcomes and passages out.

The loop around the rule, after locate. Invariant: rows are taken in input order and nothing outside the row's own
device is read, so that any split of the input gives the same passages.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from geofence.border import Borders
from geofence.hysteresis import OUTSIDE, REJECTED, UNKNOWN, new_evidence, new_motion, step
from geofence.kernel import kernel
from geofence.passage import MOST_AT_ONCE, PASSAGE, Books, Rows, Taken, keep_trail, note, room_for
from geofence.sighting import home_m, settle_m
from geofence.tracks import NEVER, NONE, wipe_trail


@njit(cache=True)
def pass_partition(
    books: Books, borders: Borders, within_m: float, pings: Taken, region: Rows, margin_m: Rows, covered: Rows
) -> Rows:
    """Take every row through the rule; the passages."""
    passages, many, row = np.empty(64, PASSAGE), 0, 0
    while row < len(pings.slot):
        passages = room_for(passages, many, MOST_AT_ONCE)
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
        if many + MOST_AT_ONCE > len(passages):
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
        keep_trail(its, belief.entries, books.trails, books.free, books.left, books.scratch)
        for k in range(crossings):
            its.since_ms = books.out[k].occurred_ms
            many = note(passages, many, row, slot, its, books.out[k])
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
