"""What a ping's place in the device's movement says about it, before any region is looked at.

Per device and layer. `move` takes the ping into the motion and gives a `Verdict`: whether it counts at all, how much of it
is new, whether it continues a movement (*forward*) or needs an impossible speed (*suspect*). `hysteresis.weigh` uses the
verdict for every region. The invariant: a late or repeated ping changes nothing here but is reported as such.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from geofence.evidence import accuracy_or_default_m, freshness, settling_s, sigma_m
from geofence.ground import ground_m, offset_m

# Outcomes. A ping has exactly one; `move` gives SCORED where `hysteresis.weigh` has to tell the first three apart.
CONFIRMED, QUIET, PENDING, LATE, REPEATED, IMPLAUSIBLE, REJECTED = range(7)
SCORED = 7
OUTCOMES = ("confirmed", "quiet", "pending", "late", "repeated", "implausible", "rejected")

NEVER_MS = -(2**62)
SAME_PLACE_M = 0.5
LEG_RADII = 2.0
KNOT_AFTER_S = 20.0
KNOT_FORGOTTEN_S = 90.0
FORWARD_COSINE = 0.6
FORWARD_SPEEDS = 5.0
MOVING_S = 300.0
SUSPECT_S = 900.0
SUSPECT_WITHIN_M = 200.0
COARSE_M = 100.0
DAMPING_S = 8.0
SAME_FIX_S = 600.0
WORTH_WHEN_MOVING = 0.7
WORTH_OF_SUSPECTS = 0.1

MOTION = np.dtype(
    [
        ("last_ms", "i8"),  # the newest ping that counted
        ("last_lon", "f8"),
        ("last_lat", "f8"),
        ("last_accuracy_m", "f8"),
        ("new_ms", "i8"),  # the newest fix that was not a repetition of the place before
        ("sane_ms", "i8"),  # the newest plausible ping
        ("sane_lon", "f8"),
        ("sane_lat", "f8"),
        ("sane_accuracy_m", "f8"),
        ("suspect_ms", "i8"),  # the newest ping that needed an impossible speed
        ("suspect_lon", "f8"),
        ("suspect_lat", "f8"),
        ("knot_ms", "i8"),  # where the current leg began
        ("knot_lon", "f8"),
        ("knot_lat", "f8"),
        ("knot_accuracy_m", "f8"),
        ("leg_east_m", "f8"),  # the leg before; leg_s is 0 when there is none
        ("leg_north_m", "f8"),
        ("leg_s", "f8"),
        ("forward_ms", "i8"),  # the newest forward ping
    ]
)


class Verdict(NamedTuple):
    """What the movement says of one ping."""

    outcome: int  # SCORED, LATE, REPEATED or REJECTED
    sigma_m: float
    accuracy_m: float
    worth: float
    forward: bool
    moving: bool
    suspect: bool


@njit(cache=True)
def new_motion(motion: np.record) -> None:
    """Begin a device of which nothing is known."""
    motion.last_ms = NEVER_MS
    motion.last_lon = np.nan
    motion.last_lat = np.nan
    motion.last_accuracy_m = np.nan
    motion.new_ms = NEVER_MS
    motion.sane_ms = NEVER_MS
    motion.sane_lon = np.nan
    motion.sane_lat = np.nan
    motion.sane_accuracy_m = np.nan
    motion.suspect_ms = NEVER_MS
    motion.suspect_lon = np.nan
    motion.suspect_lat = np.nan
    motion.knot_ms = NEVER_MS
    motion.knot_lon = np.nan
    motion.knot_lat = np.nan
    motion.knot_accuracy_m = np.nan
    motion.leg_east_m = 0.0
    motion.leg_north_m = 0.0
    motion.leg_s = 0.0
    motion.forward_ms = NEVER_MS


@njit(cache=True)
def move(
    motion: np.record,
    lon: float,
    lat: float,
    accuracy_m: float,
    confidence: float,
    source: int,
    time_ms: int,
    rule: np.record,
) -> Verdict:
    """Take one ping into the motion and judge it."""
    radius_m = accuracy_or_default_m(accuracy_m, rule)
    sigma = sigma_m(radius_m, confidence, rule)
    if time_ms <= motion.last_ms:
        same_ping = time_ms == motion.last_ms and ground_m(lon, lat, motion.last_lon, motion.last_lat) < SAME_PLACE_M
        return Verdict(REPEATED if same_ping else LATE, sigma, radius_m, 0.0, False, False, False)
    if radius_m > rule.ignore_worse_than_m:
        return Verdict(REJECTED, sigma, radius_m, 0.0, False, False, False)
    first = motion.last_ms == NEVER_MS
    suspect = not first and _is_suspect(motion, lon, lat, radius_m, time_ms, rule)
    forward = not suspect and _follow_legs(motion, lon, lat, radius_m, time_ms)
    if forward:
        motion.forward_ms = time_ms
    moving = motion.forward_ms > time_ms - int(MOVING_S * 1000.0)
    worth = 1.0 if first else _worth(motion, lon, lat, radius_m, time_ms, forward, moving, rule)
    if suspect:
        worth *= WORTH_OF_SUSPECTS
    else:
        _remember_sane(motion, lon, lat, radius_m, time_ms)
    if first or ground_m(lon, lat, motion.last_lon, motion.last_lat) >= SAME_PLACE_M:
        motion.new_ms = time_ms
    motion.last_ms = time_ms
    motion.last_lon = lon
    motion.last_lat = lat
    motion.last_accuracy_m = radius_m
    return Verdict(SCORED, sigma, radius_m, worth, forward, moving, suspect)


@njit(cache=True)
def _worth(
    motion: np.record,
    lon: float,
    lat: float,
    radius_m: float,
    time_ms: int,
    forward: bool,
    moving: bool,
    rule: np.record,
) -> float:
    """How much of this ping is news: errors that stay put must not be counted again."""
    moved_m = ground_m(motion.last_lon, motion.last_lat, lon, lat)
    pause_s = (time_ms - motion.last_ms) / 1000.0
    if moved_m < SAME_PLACE_M:
        grown = radius_m > motion.last_accuracy_m
        return 0.0 if grown else freshness(pause_s, SAME_FIX_S)
    slow = rule.stationary_s / 45.0 * settling_s(radius_m)
    worth = freshness((time_ms - motion.new_ms) / 1000.0, slow)
    if moving:
        worth *= WORTH_WHEN_MOVING
    if radius_m <= COARSE_M or forward:
        worth = max(worth, freshness(moved_m, 2.0 * radius_m) * freshness(pause_s, DAMPING_S))
    return worth


@njit(cache=True)
def _follow_legs(motion: np.record, lon: float, lat: float, radius_m: float, time_ms: int) -> bool:
    """Take the ping into the path of knots; true if it goes on in the direction and about the speed of the leg before."""
    if motion.knot_ms == NEVER_MS:
        _begin_path(motion, lon, lat, radius_m, time_ms)
        return False
    leg_s = (time_ms - motion.knot_ms) / 1000.0
    east_m, north_m = offset_m(motion.knot_lon, motion.knot_lat, lon, lat)
    long_m = LEG_RADII * max(radius_m, motion.knot_accuracy_m)
    if east_m * east_m + north_m * north_m < long_m * long_m:
        if leg_s > KNOT_FORGOTTEN_S:
            _begin_path(motion, lon, lat, radius_m, time_ms)
        return False
    forward = motion.leg_s > 0.0 and _continues(
        motion.leg_east_m, motion.leg_north_m, motion.leg_s, east_m, north_m, leg_s
    )
    if leg_s >= KNOT_AFTER_S:
        _begin_path(motion, lon, lat, radius_m, time_ms)
        motion.leg_east_m = east_m
        motion.leg_north_m = north_m
        motion.leg_s = leg_s
    return forward


@njit(cache=True)
def _begin_path(motion: np.record, lon: float, lat: float, radius_m: float, time_ms: int) -> None:
    motion.knot_ms = time_ms
    motion.knot_lon = lon
    motion.knot_lat = lat
    motion.knot_accuracy_m = radius_m
    motion.leg_s = 0.0


@njit(cache=True)
def _continues(east1_m: float, north1_m: float, s1: float, east2_m: float, north2_m: float, s2: float) -> bool:
    """Whether the second leg turns less than 53° from the first, at a speed within a factor of 5."""
    square1 = east1_m * east1_m + north1_m * north1_m
    square2 = east2_m * east2_m + north2_m * north2_m
    dot = east1_m * east2_m + north1_m * north2_m
    if dot <= 0.0 or dot * dot < FORWARD_COSINE * FORWARD_COSINE * square1 * square2:
        return False
    ratio = (square1 * s2 * s2) / (square2 * s1 * s1)  # of the speeds, squared
    most = FORWARD_SPEEDS * FORWARD_SPEEDS
    return ratio <= most and ratio * most >= 1.0


@njit(cache=True)
def _is_suspect(motion: np.record, lon: float, lat: float, radius_m: float, time_ms: int, rule: np.record) -> bool:
    """Whether the ping needs an impossible speed, or keeps to a place that one such ping has named."""
    between_m = ground_m(motion.sane_lon, motion.sane_lat, lon, lat)
    pause_s = (time_ms - motion.sane_ms) / 1000.0
    gap_m = between_m - _generous(radius_m) - _generous(motion.sane_accuracy_m)
    if gap_m > rule.max_speed_mps * pause_s:
        motion.suspect_ms = time_ms
        motion.suspect_lon = lon
        motion.suspect_lat = lat
        return True
    if time_ms - motion.suspect_ms > int(SUSPECT_S * 1000.0):
        return False
    if between_m <= radius_m + motion.sane_accuracy_m:
        return False
    return ground_m(motion.suspect_lon, motion.suspect_lat, lon, lat) <= SUSPECT_WITHIN_M + 2.0 * radius_m


@njit(cache=True)
def _generous(radius_m: float) -> float:
    return radius_m if radius_m <= COARSE_M else 2.0 * radius_m


@njit(cache=True)
def _remember_sane(motion: np.record, lon: float, lat: float, radius_m: float, time_ms: int) -> None:
    motion.sane_ms = time_ms
    motion.sane_lon = lon
    motion.sane_lat = lat
    motion.sane_accuracy_m = radius_m
