"""P2, the richer published prototype: evidence as P1, and what a device's movement says. The rule to reach and beat.

Kept as it was described, so that our rule can be compared with it on any suite (`--rule bench.quality.rule_p2:P2`).
Legs and the movement's row are the product's; the weighing is P2's own.
"""

import numpy as np
from numba import njit

from bench.quality.cells import Cells, Sightings, border_m
from bench.quality.corpus import Pings
from bench.quality.events import EVENT, FIRST_FIX, MOVED, Events
from geofence.evidence import accuracy_or_default_m, freshness, log_odds, sigma_m
from geofence.ground import ground_m
from geofence.hysteresis import MOTION, Rule, new_motion
from geofence.legs import FORWARD, follow_legs, start_leg
from geofence.motion import NEVER_MS, Fix
from geofence.rows import dtype_of

UNKNOWN = -2
LENGTH = 5
NEEDED, NEEDED_STILL, FIRST, OWN, ON_THE_WAY, SUSPECTS_ALONE = 4.5, 6.0, 2.5, 2.5, 1.5, 6.0


class Past:
    """What P2 remembers of a device beside its movement."""

    region: int
    entries: int
    score: float
    solid: float
    lon: float  # the newest plausible place in the region
    lat: float


class Passed:
    """A region entered since."""

    region: int
    first_ms: int
    own: float
    solid: float
    depth: float
    lon: float
    lat: float


PAST, PASSED = dtype_of(Past), dtype_of(Passed)
SCALE = Rule(accuracy_trust=1.4).packed()


def P2(pings: Pings, sightings: Sightings, cells: Cells) -> Events:  # noqa: N802  # its name
    """The prototype as a judge of pings, 4.5 / 6."""
    events = np.zeros(2 * len(pings) + LENGTH, EVENT)
    rows = (np.zeros(1, MOTION), np.zeros(1, PAST), np.zeros(LENGTH, PASSED), SCALE.view(np.ndarray))
    columns = (pings.device, pings.time_ms, pings.lon, pings.lat, pings.accuracy_m)
    return events[: _walk(*columns, sightings, cells, rows, events)]


@njit()
def _walk(device, time_ms, lon, lat, accuracy_m, sightings, cells, rows, events):  # type: ignore[no-untyped-def]
    motions, pasts, trail, scales = rows
    motion, past, scale = motions[0], pasts[0], scales[0]
    emitted, owner = 0, -1
    for i in range(device.size):
        if device[i] != owner:
            owner = device[i]
            new_motion(motion)
            past.region, past.lon, past.lat = UNKNOWN, np.nan, np.nan
            _clear(past)
        if time_ms[i] <= motion.last_ms:
            continue
        fix = Fix(lon[i], lat[i], accuracy_or_default_m(accuracy_m[i], scale), time_ms[i])
        region, margin_m = sightings.region[i], sightings.margin_m[i]
        home_m = 0.0
        if past.region not in (UNKNOWN, region):
            home_m = border_m(cells, sightings.x[i], sightings.y[i], past.region)
        emitted = _take(motion, past, trail, fix, region, margin_m, home_m, scale, owner, events, emitted)
    return emitted


@njit()
def _clear(past):  # type: ignore[no-untyped-def]
    past.entries, past.score, past.solid = 0, 0.0, 0.0


@njit()
def _take(motion, past, trail, fix, region, margin_m, home_m, scale, owner, events, emitted):  # type: ignore[no-untyped-def]
    sigma = sigma_m(fix.radius_m, np.nan, scale)
    worth, forward, moving, suspect = _judge(motion, fix)
    doubted = 0.01 if fix.radius_m <= 100.0 else 0.05 if fix.radius_m <= 500.0 else 0.15
    if past.solid <= 0.0 and not suspect and past.region != UNKNOWN:
        _clear(past)
    if region == past.region:
        if not suspect:
            past.lon, past.lat = fix.lon, fix.lat
        if past.entries > 0:
            past.score += worth * log_odds(-margin_m, sigma, doubted)
            if past.score <= 0.0:
                _clear(past)
        return emitted
    if forward:
        doubted *= 0.05
    inside = log_odds(margin_m, sigma, doubted)
    said = (inside if past.region == UNKNOWN else log_odds(home_m, sigma, doubted)) - (0.4 if moving else 0.8)
    if said > 0.0:
        past.score = min(past.score + worth * said, 2.0 * NEEDED_STILL)
        entry = _entry(past, trail, region, fix.time_ms)
        own = worth * max(0.0, min(said, inside))
        entry.own += own
        if not suspect:
            past.solid += worth * said
            entry.solid += own
        if inside > entry.depth:
            entry.depth, entry.lon, entry.lat = inside, fix.lon, fix.lat
    return _confirm(past, trail, fix, region, moving, owner, events, emitted)


@njit()
def _judge(motion, fix):  # type: ignore[no-untyped-def]
    """Worth of the ping, and whether it is forward, moving, suspect."""
    if motion.last_ms == NEVER_MS:
        start_leg(motion, fix)
        _remember(motion, fix, True, False)
        return 1.0, False, False, False
    suspect = _suspect(motion, fix)
    forward = not suspect and follow_legs(motion, fix) == FORWARD
    moving = motion.forward_ms > fix.time_ms - 300_000
    moved_m = ground_m(motion.last_lon, motion.last_lat, fix.lon, fix.lat)
    pause_s = (fix.time_ms - motion.last_ms) / 1000.0
    if moved_m < 0.5:
        worth = 0.0 if fix.radius_m > motion.last_radius_m else freshness(pause_s, 600.0)
    else:
        slow_s = 45.0 if fix.radius_m <= 100.0 else 60.0 if fix.radius_m <= 500.0 else 150.0
        worth = freshness((fix.time_ms - motion.fresh_ms) / 1000.0, slow_s) * (0.7 if moving else 1.0)
        if fix.radius_m <= 100.0 or forward:
            worth = max(worth, freshness(moved_m, 2.0 * fix.radius_m) * freshness(pause_s, 8.0))
    _remember(motion, fix, moved_m >= 0.5, suspect)
    return worth * (0.1 if suspect else 1.0), forward, moving, suspect


@njit()
def _remember(motion, fix, fresh, suspect):  # type: ignore[no-untyped-def]
    motion.last_ms, motion.last_lon, motion.last_lat = fix.time_ms, fix.lon, fix.lat
    motion.last_radius_m = fix.radius_m
    if fresh:
        motion.fresh_ms = fix.time_ms
    if not suspect:
        motion.sane_ms, motion.sane_lon, motion.sane_lat = fix.time_ms, fix.lon, fix.lat
        motion.sane_radius_m = fix.radius_m


@njit()
def _suspect(motion, fix):  # type: ignore[no-untyped-def]
    between_m = ground_m(motion.sane_lon, motion.sane_lat, fix.lon, fix.lat)
    gap_m = between_m
    for radius_m in (fix.radius_m, motion.sane_radius_m):
        gap_m -= radius_m if radius_m <= 100.0 else 2.0 * radius_m
    if gap_m > 100.0 * (fix.time_ms - motion.sane_ms) / 1000.0:
        motion.suspect_ms, motion.suspect_lon, motion.suspect_lat = fix.time_ms, fix.lon, fix.lat
        return True
    if fix.time_ms - motion.suspect_ms > 900_000 or between_m <= fix.radius_m + motion.sane_radius_m:
        return False
    return ground_m(motion.suspect_lon, motion.suspect_lat, fix.lon, fix.lat) <= 200.0 + 2.0 * fix.radius_m


@njit()
def _entry(past, trail, region, time_ms):  # type: ignore[no-untyped-def]
    for i in range(past.entries):
        if trail[i].region == region:
            return trail[i]
    if past.entries == LENGTH:
        weakest = 0
        for i in range(LENGTH):
            if trail[i].own < trail[weakest].own:
                weakest = i
        _drop(past, trail, weakest, weakest + 1)
    entry = trail[past.entries]
    entry.region, entry.first_ms, entry.own, entry.solid, entry.depth = region, time_ms, 0.0, 0.0, -1.0
    past.entries += 1
    return entry


@njit()
def _drop(past, trail, start, stop):  # type: ignore[no-untyped-def]
    for i in range(stop, past.entries):
        trail[start + i - stop] = trail[i]
    past.entries -= stop - start


@njit()
def _confirm(past, trail, fix, region, moving, owner, events, emitted):  # type: ignore[no-untyped-def]
    while past.entries > 0:
        gone_m = ground_m(past.lon, past.lat, fix.lon, fix.lat)
        away = moving or gone_m > max(500.0, 3.0 * fix.radius_m)
        chosen = -1
        for i in range(past.entries):
            if chosen < 0 and _ready(past, trail[i], fix, region, gone_m):
                chosen = i
        if chosen < 0 or (past.region != UNKNOWN and past.score < (NEEDED if away else NEEDED_STILL)):
            return emitted
        entry, event = trail[chosen], events[emitted]
        event.device, event.from_region, event.to_region = owner, max(past.region, -1), entry.region
        event.occurred_ms, event.confirmed_ms = entry.first_ms, fix.time_ms
        event.cause, event.confidence = FIRST_FIX if past.region == UNKNOWN else MOVED, np.nan
        emitted += 1
        first = past.region == UNKNOWN
        past.region, past.lon, past.lat = entry.region, entry.lon, entry.lat
        if first or past.region == region:
            _clear(past)
        else:
            _drop(past, trail, 0, chosen + 1)
            past.score, past.solid = 0.0, 0.0
            for i in range(past.entries):
                past.score += trail[i].own
                past.solid += trail[i].solid
    return emitted


@njit()
def _ready(past, entry, fix, region, gone_m):  # type: ignore[no-untyped-def]
    if past.region == UNKNOWN:
        return entry.own >= FIRST
    if entry.region == region:
        return entry.solid >= OWN or entry.own >= SUSPECTS_ALONE
    way_m = ground_m(past.lon, past.lat, entry.lon, entry.lat) + ground_m(entry.lon, entry.lat, fix.lon, fix.lat)
    return entry.solid >= ON_THE_WAY and way_m <= 1.2 * gone_m
