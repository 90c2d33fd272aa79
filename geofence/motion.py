"""What a ping's place in the device's movement says about it, before any region is looked at.

Per device and layer. `move` takes the ping into the motion and gives a `Verdict`: whether it counts at all, how much
of it is news, how far it is to be doubted. `hysteresis.weigh` uses the verdict for every region. Invariant: a ping that
is late, repeated or rejected changes nothing here.
"""

from math import exp, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

from geofence.evidence import accuracy_or_default_m, doubt, freshness, sigma_m
from geofence.ground import ground_m, offset_m
from geofence.rows import dtype_of
from geofence.rule import RuleRow

# A ping has exactly one outcome. `move` says SCORED where `weigh` has to tell which of the first three it is.
CONFIRMED, QUIET, PENDING, LATE, REPEATED, IMPLAUSIBLE, REJECTED, SCORED = range(8)
OUTCOMES = ("confirmed", "quiet", "pending", "late", "repeated", "implausible", "rejected")

NO_LEG, FORWARD, TURNED = range(3)

NEVER_MS = -(2**62)
SAME_PLACE_M = 0.5
STALE_S = 600.0  # a fix that repeats its coordinates is news this slowly
COARSE_M = 100.0  # beyond it a radius is a guess: it is taken generously, and small steps in it mean nothing
DAMPING_S = 6.0
SURE_DAMPING_S = 0.5

LEG_RADII = 2.0
KNOT_AFTER_S = 20.0
KNOT_FORGOTTEN_S = 90.0
FORWARD_COSINE = 0.6
FORWARD_SPEEDS = 5.0
MOVING_S = 300.0

SLOW_MPS = 15.0  # a speed that needs no explanation
PACE_MULTIPLE = 2.0
TURN_MPS = 5.0
DOUBT_OF_TURNS = 4.0
MOST_DOUBT_OF_JUMPS = 0.5
SUSPECT_MS = 900_000
SUSPECT_WITHIN_M = 200.0
FINER = 0.25
WORTH_OF_SUSPECTS = 0.1

SMOOTH_PAUSE_S = 10.0
SMOOTH_RADIUS_M = 30.0
SURE_AFTER_S = 12.0


class Motion:
    """What is remembered of a device's movement; NEVER_MS where there was none of a kind yet."""

    last_ms: int  # the newest ping that counted
    last_lon: float
    last_lat: float
    last_accuracy_m: float
    fresh_ms: int  # the newest ping that did not repeat the place before it
    sane_ms: int  # the newest ping that is no suspect
    sane_lon: float
    sane_lat: float
    sane_accuracy_m: float
    suspect_ms: int  # the newest ping that needed an impossible speed
    suspect_lon: float
    suspect_lat: float
    knot_ms: int  # where the current leg began
    knot_lon: float
    knot_lat: float
    knot_accuracy_m: float
    leg_east_m: float  # the leg that ended there; leg_s is 0 if there is none
    leg_north_m: float
    leg_s: float
    forward_ms: int  # the newest ping that went on as the leg before
    pace_mps: float  # the speed it has shown then, or before and faded since
    smooth_ms: int  # since when each ping has followed closely and credibly on the one before


MOTION = dtype_of(Motion)


class Verdict(NamedTuple):
    """What the movement says of one ping."""

    outcome: int  # SCORED, LATE, REPEATED or REJECTED
    radius_m: float
    sigma_m: float
    doubt: float
    worth: float
    moving: bool
    sure: bool  # moving, with good fixes in close and credible succession
    suspect: bool


@njit(cache=True)
def new_motion(motion: Motion) -> None:
    """Begin a device of which nothing is known."""
    motion.last_ms = NEVER_MS
    motion.last_lon = np.nan
    motion.last_lat = np.nan
    motion.last_accuracy_m = np.nan
    motion.fresh_ms = NEVER_MS
    motion.sane_ms = NEVER_MS
    motion.sane_lon = np.nan
    motion.sane_lat = np.nan
    motion.sane_accuracy_m = np.nan
    motion.suspect_ms = NEVER_MS
    motion.suspect_lon = np.nan
    motion.suspect_lat = np.nan
    motion.forward_ms = NEVER_MS
    motion.pace_mps = 0.0
    motion.smooth_ms = NEVER_MS
    _start_leg(motion, np.nan, np.nan, np.nan, NEVER_MS)


@njit(cache=True)
def move(
    motion: Motion,
    lon: float,
    lat: float,
    accuracy_m: float,
    confidence: float,
    source: int,  # noqa: ARG001  # not used yet; sources say little that the accuracy does not
    time_ms: int,
    rule: RuleRow,
) -> Verdict:
    """Take one ping into the motion and judge it."""
    radius_m = accuracy_or_default_m(accuracy_m, rule)
    sigma = sigma_m(radius_m, confidence, rule)
    outcome = _admit(motion, lon, lat, radius_m, time_ms, rule)
    if outcome != SCORED:
        return Verdict(outcome, radius_m, sigma, 1.0, 0.0, False, False, False)
    if motion.last_ms == NEVER_MS:
        motion.fresh_ms = time_ms
        motion.smooth_ms = time_ms
        _start_leg(motion, lon, lat, radius_m, time_ms)
        _remember(motion, lon, lat, radius_m, time_ms, False)
        return Verdict(SCORED, radius_m, sigma, doubt(radius_m), 1.0, False, False, False)
    suspect = _is_suspect(motion, lon, lat, radius_m, time_ms, rule)
    turn = NO_LEG if suspect else _follow_legs(motion, lon, lat, radius_m, time_ms)
    doubted = _doubt_of(motion, lon, lat, radius_m, time_ms, turn)
    moving = time_ms - motion.forward_ms < MOVING_S * 1000.0
    sure = _is_smooth(motion, lon, lat, radius_m, time_ms, suspect) and moving
    worth = _worth(motion, lon, lat, radius_m, time_ms, turn == FORWARD, sure, rule)
    if suspect:
        worth *= WORTH_OF_SUSPECTS
    _remember(motion, lon, lat, radius_m, time_ms, suspect)
    return Verdict(SCORED, radius_m, sigma, doubted, worth, moving, sure, suspect)


@njit(cache=True)
def _admit(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int, rule: RuleRow) -> int:
    """Whether the ping counts at all: SCORED, or why not."""
    if time_ms < motion.last_ms:
        return LATE
    if time_ms == motion.last_ms:
        same = ground_m(lon, lat, motion.last_lon, motion.last_lat) < SAME_PLACE_M
        return REPEATED if same else LATE
    return REJECTED if radius_m > rule.ignore_worse_than_m else SCORED


@njit(cache=True)
def _remember(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int, suspect: bool) -> None:
    motion.last_ms = time_ms
    motion.last_lon = lon
    motion.last_lat = lat
    motion.last_accuracy_m = radius_m
    if not suspect:
        motion.sane_ms = time_ms
        motion.sane_lon = lon
        motion.sane_lat = lat
        motion.sane_accuracy_m = radius_m


@njit(cache=True)
def _worth(
    motion: Motion,
    lon: float,
    lat: float,
    radius_m: float,
    time_ms: int,
    forward: bool,
    sure: bool,
    rule: RuleRow,
) -> float:
    """How much of the ping is news: an error that stays put must not be counted again and again."""
    moved_m = ground_m(motion.last_lon, motion.last_lat, lon, lat)
    pause_s = (time_ms - motion.last_ms) / 1000.0
    if moved_m < SAME_PLACE_M:
        return 0.0 if radius_m > motion.last_accuracy_m else freshness(pause_s, STALE_S)
    worth = freshness((time_ms - motion.fresh_ms) / 1000.0, rule.stationary_s)
    motion.fresh_ms = time_ms
    if radius_m <= COARSE_M or forward:
        by_step = freshness(moved_m, 2.0 * radius_m) * freshness(pause_s, SURE_DAMPING_S if sure else DAMPING_S)
        worth = max(worth, by_step)
    return worth


@njit(cache=True)
def _doubt_of(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int, turn: int) -> float:
    """The doubt about the ping: more if it needs a speed or a turn that the device has not shown."""
    doubted = doubt(radius_m)
    if turn == FORWARD:
        return doubted
    between_m = ground_m(motion.sane_lon, motion.sane_lat, lon, lat)
    gap_m = between_m - _generous(radius_m, 3.0) - _generous(motion.sane_accuracy_m, 3.0)
    speed_mps = gap_m / ((time_ms - motion.sane_ms) / 1000.0)
    if speed_mps > TURN_MPS and turn == TURNED:
        doubted *= DOUBT_OF_TURNS
    doubted *= max(1.0, speed_mps / max(SLOW_MPS, PACE_MULTIPLE * _pace_mps(motion, time_ms)))
    return min(doubted, MOST_DOUBT_OF_JUMPS)


@njit(cache=True)
def _is_suspect(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int, rule: RuleRow) -> bool:
    """Whether the ping needs an impossible speed, or keeps to a place that such a ping has named before."""
    if radius_m <= FINER * motion.sane_accuracy_m:
        return False  # of two that disagree the much finer one is to be believed
    between_m = ground_m(motion.sane_lon, motion.sane_lat, lon, lat)
    gap_m = between_m - _generous(radius_m, 2.0) - _generous(motion.sane_accuracy_m, 2.0)
    if gap_m > rule.max_speed_mps * ((time_ms - motion.sane_ms) / 1000.0):
        motion.suspect_ms = time_ms
        motion.suspect_lon = lon
        motion.suspect_lat = lat
        return True
    if time_ms - motion.suspect_ms > SUSPECT_MS or between_m <= radius_m + motion.sane_accuracy_m:
        return False
    return ground_m(motion.suspect_lon, motion.suspect_lat, lon, lat) <= SUSPECT_WITHIN_M + 2.0 * radius_m


@njit(cache=True)
def _generous(radius_m: float, times: float) -> float:
    return radius_m if radius_m <= COARSE_M else times * radius_m


@njit(cache=True)
def _follow_legs(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int) -> int:
    """Take the ping into the path of legs: does it go on as the leg before, or turn, or is it no leg yet?"""
    leg_s = (time_ms - motion.knot_ms) / 1000.0
    east_m, north_m = offset_m(motion.knot_lon, motion.knot_lat, lon, lat)
    square = east_m * east_m + north_m * north_m
    long_m = LEG_RADII * max(radius_m, motion.knot_accuracy_m)
    if square < long_m * long_m:
        if leg_s > KNOT_FORGOTTEN_S:
            _start_leg(motion, lon, lat, radius_m, time_ms)
        return NO_LEG
    turn = NO_LEG
    if motion.leg_s > 0.0:
        turn = FORWARD if _continues(motion, east_m, north_m, leg_s) else TURNED
    if turn == FORWARD:
        motion.pace_mps = max(_pace_mps(motion, time_ms), sqrt(square) / leg_s)
        motion.forward_ms = time_ms
    if leg_s >= KNOT_AFTER_S:
        _start_leg(motion, lon, lat, radius_m, time_ms)
        motion.leg_east_m = east_m
        motion.leg_north_m = north_m
        motion.leg_s = leg_s
    return turn


@njit(cache=True)
def _pace_mps(motion: Motion, time_ms: int) -> float:
    """The greatest speed of its forward legs, fading since the newest."""
    return motion.pace_mps * exp(-(time_ms - motion.forward_ms) / (MOVING_S * 1000.0))


@njit(cache=True)
def _start_leg(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int) -> None:
    motion.knot_ms = time_ms
    motion.knot_lon = lon
    motion.knot_lat = lat
    motion.knot_accuracy_m = radius_m
    motion.leg_east_m = 0.0
    motion.leg_north_m = 0.0
    motion.leg_s = 0.0


@njit(cache=True)
def _continues(motion: Motion, east_m: float, north_m: float, leg_s: float) -> bool:
    """Whether the leg turns less than 53° from the one before, at a speed within a factor of 5."""
    square = east_m * east_m + north_m * north_m
    before = motion.leg_east_m * motion.leg_east_m + motion.leg_north_m * motion.leg_north_m
    dot = motion.leg_east_m * east_m + motion.leg_north_m * north_m
    if dot <= 0.0 or dot * dot < FORWARD_COSINE * FORWARD_COSINE * square * before:
        return False
    ratio = (square * motion.leg_s * motion.leg_s) / (before * leg_s * leg_s)  # of the speeds, squared
    most = FORWARD_SPEEDS * FORWARD_SPEEDS
    return ratio <= most and ratio * most >= 1.0


@njit(cache=True)
def _is_smooth(motion: Motion, lon: float, lat: float, radius_m: float, time_ms: int, suspect: bool) -> bool:
    """Whether good fixes have followed each other closely, at credible speeds, for long enough to be sure."""
    pause_s = (time_ms - motion.last_ms) / 1000.0
    moved_m = ground_m(motion.last_lon, motion.last_lat, lon, lat)
    credible_m = 1.5 * _pace_mps(motion, time_ms) * pause_s + radius_m
    if suspect or pause_s > SMOOTH_PAUSE_S or radius_m > SMOOTH_RADIUS_M or moved_m > credible_m:
        motion.smooth_ms = time_ms
    return time_ms - motion.smooth_ms >= SURE_AFTER_S * 1000.0
