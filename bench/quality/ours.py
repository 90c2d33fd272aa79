"""Our rule over the quick geometry: the product's own `step`, ping by ping, on random cells.

What is judged here is the compiled function that the product runs, with sightings from `cells` in the place
of the atlas's; `product` judges the whole core.
"""

import numpy as np
from numba import njit

from bench.quality.cells import Cells, Sightings, border_m
from bench.quality.corpus import Pings
from bench.quality.events import EVENT, Events
from bench.quality.peers import Judge
from geofence.hysteresis import (
    CROSSING,
    EVIDENCE,
    MOTION,
    TRAIL,
    TRAIL_LENGTH,
    UNKNOWN,
    Rule,
    new_evidence,
    new_motion,
    step,
)
from geofence.hysteresis import cap_m as cap_of

STATED = 0.68  # the confidence of a radius that states none


def ours(rule: Rule) -> Judge:
    """The rule as a judge of pings."""
    packed = rule.packed().view(np.ndarray)

    def judge(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
        events = np.zeros(2 * len(pings) + TRAIL_LENGTH, EVENT)
        state = (
            np.zeros(1, MOTION),
            np.zeros(1, EVIDENCE),
            np.zeros(TRAIL_LENGTH, TRAIL),
            np.zeros(TRAIL_LENGTH, CROSSING),
        )
        count = _walk(
            pings.device,
            pings.time_ms,
            pings.lon,
            pings.lat,
            pings.accuracy_m,
            pings.source,
            sightings,
            cells,
            packed,
            state,
            events,
        )
        events = events[:count].copy()
        events["confidence"] = np.where(events["confidence"] > 0, events["confidence"], np.nan)
        return events

    return judge


@njit()  # not cached on disk: numba would go on using it after the rule that it calls has changed
def _walk(device, time_ms, lon, lat, accuracy_m, source, sightings, cells, packed, state, events):  # type: ignore[no-untyped-def]
    """Writes the events of all devices; returns how many."""
    motions, evidences, trail, out = state
    motion, evidence, rule = motions[0], evidences[0], packed[0]
    emitted, owner = 0, -1
    for i in range(device.size):
        if device[i] != owner:
            owner = device[i]
            new_motion(motion)
            new_evidence(evidence, UNKNOWN)
        cap_m = cap_of(accuracy_m[i], STATED, rule)
        region, home_m = sightings.region[i], 0.0
        if evidence.region != UNKNOWN and evidence.region != region:
            home_m = min(cap_m, border_m(cells, sightings.x[i], sightings.y[i], evidence.region))
        margin_m = min(cap_m, sightings.margin_m[i])
        _, crossings = step(
            motion,
            evidence,
            trail,
            lon[i],
            lat[i],
            accuracy_m[i],
            STATED,
            source[i],
            time_ms[i],
            region,
            margin_m,
            home_m,
            rule,
            out,
        )
        for c in range(crossings):
            _write(events[emitted], owner, out[c])
            emitted += 1
    return emitted


@njit()
def _write(event, owner, crossing):  # type: ignore[no-untyped-def]
    event.device = owner
    event.from_region = max(crossing.region_from, -1)
    event.to_region = crossing.region_to
    event.occurred_ms = crossing.occurred_ms
    event.confirmed_ms = crossing.confirmed_ms
    event.cause = crossing.cause
    event.confidence = crossing.confidence
