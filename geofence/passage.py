"""Pings through one layer: columns of sightings and the devices' tracks in, outcomes and passages out.

The loop around the rule, after locate. A passage is a crossing as the kernels write it, still in numbers. Invariant: rows are taken in
input order and nothing outside the row's own device is read, so that any split of the input gives the same passages.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from geofence.border import reach_m
from geofence.hysteresis import (
    CONFIRMED,
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
from geofence.sighting import home_m
from geofence.tracks import NEVER, NONE

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


@njit(cache=True)
def _room(passages, many):  # type: ignore[no-untyped-def]
    """The passages, with room for all that one ping can add."""
    if many + TRAIL_LENGTH + 1 <= len(passages):
        return passages
    longer = np.empty(2 * len(passages) + 64, passages.dtype)
    longer[:many] = passages[:many]
    return longer


@njit(cache=True)
def _note(passages, many, row, slot, span, crossing):  # type: ignore[no-untyped-def]
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


@njit(cache=True)
def pass_partition(span, motion, evidence, trails, free, left, borders, within_m, rules, scratch, out,
                   slots, lon, lat, accuracy_m, confidence, source, time_ms, cap_m,
                   region, margin_m, covered, outcome):  # type: ignore[no-untyped-def]  # fmt: skip
    """Take every row through the rule; the passages."""
    rule, many = rules[0], 0
    passages = np.empty(64, PASSAGE)
    for row in range(len(slots)):
        slot = slots[row]
        its, own, belief = span[slot], motion[slot], evidence[slot]
        fresh = its.born_ms == NEVER
        if fresh:
            new_motion(own)
            new_evidence(belief, UNKNOWN)
        home = 0.0
        if belief.region != UNKNOWN and region[row] != belief.region:
            home = home_m(borders, belief.region, region[row], covered[row], within_m, lon[row], lat[row], cap_m[row])
        trail = scratch if its.trail == NONE else trails[its.trail]
        outcome[row], crossings = step(
            own, belief, trail, lon[row], lat[row], accuracy_m[row], confidence[row], source[row], time_ms[row],
            region[row], margin_m[row], home, rule, out,
        )  # fmt: skip
        if fresh and outcome[row] != REJECTED:
            its.born_ms = time_ms[row]
        if belief.entries > 0 and its.trail == NONE:
            left[0] -= 1
            its.trail = free[left[0]]
            trails[its.trail][:] = scratch
        elif belief.entries == 0 and its.trail != NONE:
            free[left[0]] = its.trail
            left[0] += 1
            its.trail = NONE
        passages = _room(passages, many)
        for k in range(crossings):
            its.since_ms = out[k].occurred_ms
            many = _note(passages, many, row, slot, its, out[k])
    return passages[:many]


@njit(cache=True)
def _chain_in(span, slot, fences, fence, before, free, left, at):  # type: ignore[no-untyped-def]
    """A new row for a fence, behind `before` (NONE: first) in the device's chain."""
    left[0] -= 1
    row = free[left[0]]
    it = fences[row]
    it.slot, it.fence, it.trail, it.dwelled, it.since_ms, it.due_ms = slot, fence, NONE, 0, at, NEVER
    if before == NONE:
        it.next, span.fences = span.fences, row
    else:
        it.next, fences[before].next = fences[before].next, row
    return row


@njit(cache=True)
def pass_overlay(span, motion, place, fences, beliefs, fence_free, fence_left, trails, free, left, borders, dwell_ms,
                 rules, scratch, out, slots, lon, lat, accuracy_m, confidence, source, time_ms, cap_m,
                 first, region, margin_m, outcome, begin, clock_ms, timed, due_ms):  # type: ignore[no-untyped-def]  # fmt: skip
    """Take rows from `begin` on through the rule of each fence that matters; the passages, and the row where it stopped.

    `first[row]` to `first[row + 1]` are the row's sightings, in the order of fences. If `timed`, it stops where the
    clock has reached `due_ms`, when the first dwell is due.
    """
    rule, many = rules[0], 0
    passages = np.empty(64, PASSAGE)
    for row in range(begin, len(slots)):
        if timed and clock_ms[row] >= due_ms:
            return passages[:many], row
        slot = slots[row]
        its = span[slot]
        fresh = its.born_ms == NEVER
        if fresh:
            new_motion(motion[slot])
        verdict = move(
            motion[slot],
            lon[row],
            lat[row],
            accuracy_m[row],
            confidence[row],
            source[row],
            time_ms[row],
            rule,
        )
        outcome[row] = verdict.outcome
        if verdict.outcome != SCORED:
            continue
        outcome[row] = IMPLAUSIBLE if verdict.suspect else QUIET
        if fresh:
            its.born_ms = time_ms[row]
        if not verdict.suspect:
            place[slot].lon, place[slot].lat = lon[row], lat[row]
        at, before, current = first[row], NONE, its.fences
        while at < first[row + 1] or current != NONE:
            seen = region[at] if at < first[row + 1] else np.int64(2147483647)
            if seen < 0:
                at += 1
                continue
            inside = current == NONE or seen <= fences[current].fence
            if inside and (current == NONE or seen < fences[current].fence):
                current = _chain_in(its, slot, fences, seen, before, fence_free, fence_left, time_ms[row])
                new_evidence(beliefs[current], UNKNOWN if fresh else OUTSIDE)
            it, belief = fences[current], beliefs[current]
            if inside:
                margin = margin_m[at]
                at += 1
            else:
                margin, _ = reach_m(borders, borders.root[it.fence], lon[row], lat[row], cap_m[row], -1)
            trail = scratch if it.trail == NONE else trails[it.trail]
            region_now = np.int64(it.fence if inside else OUTSIDE)
            told, crossings = weigh(
                belief, trail, lon[row], lat[row], time_ms[row], verdict, region_now, margin, margin, rule, out
            )  # fmt: skip
            if told == CONFIRMED or (told == PENDING and outcome[row] != CONFIRMED):
                outcome[row] = told
            passages = _room(passages, many)
            for k in range(crossings):
                it.since_ms, it.dwelled = out[k].occurred_ms, 0
                many = _note(passages, many, row, slot, its, out[k])
            if belief.entries > 0 and it.trail == NONE:
                left[0] -= 1
                it.trail = free[left[0]]
                trails[it.trail][:] = scratch
            elif belief.entries == 0 and it.trail != NONE:
                free[left[0]] = it.trail
                left[0] += 1
                it.trail = NONE
            if dwell_ms >= 0 and belief.region >= 0 and not it.dwelled:
                left_ms = max(np.int64(0), it.since_ms + dwell_ms - time_ms[row])
                if left_ms == 0 and belief.entries == 0:
                    it.dwelled = 1
                    out[0].region_from = out[0].region_to = it.fence
                    out[0].cause, out[0].pings, out[0].score, out[0].confidence = DWELLED, 0, 0.0, 1.0
                    out[0].occurred_ms, out[0].confirmed_ms = it.since_ms + dwell_ms, time_ms[row]
                    many = _note(passages, many, row, slot, its, out[0])
                    outcome[row] = CONFIRMED
                it.due_ms = clock_ms[row] + left_ms
                due_ms = min(due_ms, it.due_ms) if timed else due_ms
            following = it.next
            if belief.region == OUTSIDE and belief.entries == 0:
                if before == NONE:
                    its.fences = following
                else:
                    fences[before].next = following
                fence_free[fence_left[0]] = current
                fence_left[0] += 1
            else:
                before = current
            current = following
    return passages[:many], len(slots)
