"""What a ping's place in the device's movement says about it, before any region is looked at.

Per device and layer. `move` takes the ping into the motion and gives a `Verdict`: whether it counts at all, how much
of it is news, how far it is to be doubted. `hysteresis.weigh` uses the verdict for every region. Invariant: a ping that
is late, repeated or rejected changes nothing here.
"""

from typing import NamedTuple

import numpy as np

from geofence.evidence import accuracy_or_default_m, doubt, freshness, sigma_m
from geofence.ground import ground_m
from geofence.kernel import kernel
from geofence.legs import FORWARD, NO_LEG, TURNED, follow_legs, pace_mps, start_leg
from geofence.rows import dtype_of
from geofence.rule import RuleRow

# A ping has exactly one outcome. `move` says SCORED where `weigh` has to tell which of the first three it is.
CONFIRMED, QUIET, PENDING, LATE, REPEATED, IMPLAUSIBLE, REJECTED, SCORED = range(8)
OUTCOMES = ("confirmed", "quiet", "pending", "late", "repeated", "implausible", "rejected")

NEVER_MS = -(2**62)
SAME_PLACE_M = 0.5
STALE_S = 600.0  # a fix that repeats its coordinates is news this slowly
GOOD_M = 30.0
COARSE_M = 100.0  # beyond it a radius is a guess: it is taken generously, and a step within it means nothing
DAMPING_S = 10.0  # errors of GPS stay put about this long
SURE_DAMPING_S = 2.0

MOVING_S = 300.0
SMOOTH_PAUSE_S = 10.0
SMOOTH_PACES = 1.5
SURE_AFTER_S = 25.0

SLOW_MPS = 15.0  # a speed that needs no explanation
PACES = 2.0
TURN_MPS = 5.0
DOUBT_OF_TURNS = 2.0
DOUBT_OF_FORWARD = 0.2
FORWARD_WITHIN_M = 70.0  # of coarser fixes, wrong ones lie ahead often enough
MOST_DOUBT = 0.5
SUSPECT_MS = 900_000
SUSPECT_WITHIN_M = 200.0
WORTH_OF_SUSPECTS = 0.1


class Motion:
    """What is remembered of a device's movement; NEVER_MS where there was none of a kind yet."""

    last_ms: int  # the newest ping that counted
    last_lon: float
    last_lat: float
    last_radius_m: float
    fresh_ms: int  # the newest ping that did not repeat the place before it
    sane_ms: int  # the newest ping that is no suspect
    sane_lon: float
    sane_lat: float
    sane_radius_m: float
    suspect_ms: int  # the newest ping that needed an impossible speed
    suspect_lon: float
    suspect_lat: float
    knot_ms: int  # where the current leg began
    knot_lon: float
    knot_lat: float
    knot_radius_m: float
    leg_east_m: float  # the leg that ended there; leg_s is 0 if there is none
    leg_north_m: float
    leg_s: float
    forward_ms: int  # the newest ping that went on as the leg before
    pace_mps: float  # the speed it has shown then, or before and faded since
    smooth_ms: int  # since when each ping has followed closely and credibly on the one before


MOTION = dtype_of(Motion)


class Fix(NamedTuple):
    """Where a ping says the device is; the radius is the stated accuracy or what stands in for it."""

    lon: float
    lat: float
    radius_m: float
    time_ms: int


class Verdict(NamedTuple):
    """What the movement says of one ping."""

    outcome: int  # SCORED, LATE, REPEATED or REJECTED
    radius_m: float
    sigma_m: float
    doubt: float
    worth: float
    moving: bool
    suspect: bool


@kernel
def new_motion(motion: Motion) -> None:
    """Begin a device of which nothing is known."""
    nowhere = Fix(np.nan, np.nan, np.nan, NEVER_MS)
    _remember(motion, nowhere, False)
    start_leg(motion, nowhere)
    motion.fresh_ms = NEVER_MS
    motion.suspect_ms = NEVER_MS
    motion.suspect_lon = np.nan
    motion.suspect_lat = np.nan
    motion.forward_ms = NEVER_MS
    motion.pace_mps = 0.0
    motion.smooth_ms = NEVER_MS


@kernel
def move(
    motion: Motion,
    lon: float,
    lat: float,
    accuracy_m: float,
    confidence: float,
    source: int,  # noqa: ARG001  # says little that the accuracy does not; part of the contract all the same
    time_ms: int,
    rule: RuleRow,
) -> Verdict:
    """Take one ping into the motion and judge it."""
    fix = Fix(lon, lat, accuracy_or_default_m(accuracy_m, rule), time_ms)
    sigma = sigma_m(fix.radius_m, confidence, rule)
    outcome = _admit(motion, fix, rule)
    if outcome != SCORED:
        return Verdict(outcome, fix.radius_m, sigma, MOST_DOUBT, 0.0, False, False)
    if motion.last_ms == NEVER_MS:
        _remember(motion, fix, False)
        start_leg(motion, fix)
        motion.fresh_ms = time_ms
        motion.smooth_ms = time_ms
        return Verdict(SCORED, fix.radius_m, sigma, doubt(fix.radius_m), 1.0, False, False)
    moved_m = ground_m(motion.last_lon, motion.last_lat, lon, lat)
    between_m = ground_m(motion.sane_lon, motion.sane_lat, lon, lat)
    suspect = _is_suspect(motion, fix, between_m, rule)
    turn = NO_LEG if suspect else follow_legs(motion, fix)
    doubted = _doubt_of(motion, fix, between_m, turn)
    moving = time_ms - motion.forward_ms < MOVING_S * 1000.0
    sure = _is_smooth(motion, fix, moved_m, suspect) and moving
    worth = _worth(motion, fix, moved_m, turn, sure, rule) * (WORTH_OF_SUSPECTS if suspect else 1.0)
    _remember(motion, fix, suspect)
    return Verdict(SCORED, fix.radius_m, sigma, doubted, worth, moving, suspect)


@kernel
def _admit(motion: Motion, fix: Fix, rule: RuleRow) -> int:
    """Whether the ping counts at all: SCORED, or why not."""
    if fix.time_ms < motion.last_ms:
        return LATE
    if fix.time_ms == motion.last_ms:
        same = ground_m(fix.lon, fix.lat, motion.last_lon, motion.last_lat) < SAME_PLACE_M
        return REPEATED if same else LATE
    return REJECTED if fix.radius_m > rule.ignore_worse_than_m else SCORED


@kernel
def _remember(motion: Motion, fix: Fix, suspect: bool) -> None:
    motion.last_ms = fix.time_ms
    motion.last_lon = fix.lon
    motion.last_lat = fix.lat
    motion.last_radius_m = fix.radius_m
    if not suspect:
        motion.sane_ms = fix.time_ms
        motion.sane_lon = fix.lon
        motion.sane_lat = fix.lat
        motion.sane_radius_m = fix.radius_m


@kernel
def _worth(motion: Motion, fix: Fix, moved_m: float, turn: int, sure: bool, rule: RuleRow) -> float:
    """How much of the ping is news: an error that stays put must not be counted again and again.

    Distance makes news only of what goes on as before: a jump to the side is far too, and stays wrong for a while.
    """
    pause_s = (fix.time_ms - motion.last_ms) / 1000.0
    if moved_m < SAME_PLACE_M:
        return 0.0 if fix.radius_m > motion.last_radius_m else freshness(pause_s, STALE_S)
    worth = freshness((fix.time_ms - motion.fresh_ms) / 1000.0, rule.stationary_s)
    motion.fresh_ms = fix.time_ms
    if turn == FORWARD or (turn == NO_LEG and fix.radius_m <= COARSE_M):
        damping_s = SURE_DAMPING_S if sure else DAMPING_S
        worth = max(worth, freshness(moved_m, 2.0 * fix.radius_m) * freshness(pause_s, damping_s))
    return worth


@kernel
def _doubt_of(motion: Motion, fix: Fix, between_m: float, turn: int) -> float:
    """The doubt about the ping: less if it goes on as before, more if that takes a speed or a turn not shown yet."""
    doubted = doubt(fix.radius_m)
    if turn == FORWARD:
        return doubted * (DOUBT_OF_FORWARD if fix.radius_m <= FORWARD_WITHIN_M else 1.0)
    speed_mps = _gap_m(motion, fix, between_m, 3.0) / ((fix.time_ms - motion.sane_ms) / 1000.0)
    if turn == TURNED and speed_mps > TURN_MPS:
        doubted *= DOUBT_OF_TURNS
    if speed_mps > SLOW_MPS:
        doubted *= max(1.0, speed_mps / max(SLOW_MPS, PACES * pace_mps(motion, fix.time_ms)))
    return min(doubted, MOST_DOUBT)


@kernel
def _is_suspect(motion: Motion, fix: Fix, between_m: float, rule: RuleRow) -> bool:
    """Whether the ping needs an impossible speed, or keeps to a place that such a ping has named before."""
    if fix.time_ms - motion.sane_ms > SUSPECT_MS:
        return False  # what has been odd for so long is the truth: a flight
    if fix.radius_m <= GOOD_M and fix.radius_m <= 0.25 * motion.sane_radius_m:
        return False  # of two that disagree, good GPS is to be believed
    if _gap_m(motion, fix, between_m, 2.0) > rule.max_speed_mps * ((fix.time_ms - motion.sane_ms) / 1000.0):
        motion.suspect_ms = fix.time_ms
        motion.suspect_lon = fix.lon
        motion.suspect_lat = fix.lat
        return True
    if fix.time_ms - motion.suspect_ms > SUSPECT_MS or _gap_m(motion, fix, between_m, 1.0) <= 0.0:
        return False
    beside_m = ground_m(motion.suspect_lon, motion.suspect_lat, fix.lon, fix.lat)
    return beside_m <= SUSPECT_WITHIN_M + 2.0 * fix.radius_m


@kernel
def _gap_m(motion: Motion, fix: Fix, between_m: float, times: float) -> float:
    """What is left of the distance to the last sane fix without both radii, coarse ones taken so many times."""
    before_m = motion.sane_radius_m
    gap_m = between_m - (before_m if before_m <= COARSE_M else times * before_m)
    return gap_m - (fix.radius_m if fix.radius_m <= COARSE_M else times * fix.radius_m)


@kernel
def _is_smooth(motion: Motion, fix: Fix, moved_m: float, suspect: bool) -> bool:
    """Whether good fixes have followed each other closely, at credible speeds, for long enough to be sure."""
    pause_s = (fix.time_ms - motion.last_ms) / 1000.0
    if suspect or pause_s > SMOOTH_PAUSE_S or fix.radius_m > GOOD_M:
        motion.smooth_ms = fix.time_ms
        return False
    if moved_m > SMOOTH_PACES * pace_mps(motion, fix.time_ms) * pause_s + fix.radius_m:
        motion.smooth_ms = fix.time_ms
    return fix.time_ms - motion.smooth_ms >= SURE_AFTER_S * 1000.0
