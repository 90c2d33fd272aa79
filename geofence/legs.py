"""The path of a device in legs: does a ping go on as the device went before, and how fast has it gone?

A leg is a way clearly longer than the fixes are wrong; it ends at a knot, where the next begins. Small steps are noise
and make no legs, so that a phone lying still never moves. Works on the leg fields of a `Motion`; `motion` asks it once
a ping.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING

from geofence.ground import offset_m
from geofence.kernel import kernel

if TYPE_CHECKING:
    from geofence.motion import Fix, Motion

NO_LEG, FORWARD, TURNED = range(3)

LEG_RADII = 2.0
KNOT_AFTER_S = 20.0
KNOT_FORGOTTEN_S = 90.0
FORWARD_COSINE = 0.6
FORWARD_SPEEDS = 5.0
PACE_FADES_S = 300.0


@kernel
def start_leg(motion: Motion, fix: Fix) -> None:
    """Begin here, with no leg before."""
    motion.knot_ms = fix.time_ms
    motion.knot_lon = fix.lon
    motion.knot_lat = fix.lat
    motion.knot_radius_m = fix.radius_m
    motion.leg_east_m = 0.0
    motion.leg_north_m = 0.0
    motion.leg_s = 0.0


@kernel
def follow_legs(motion: Motion, fix: Fix) -> int:
    """Take the fix into the path: FORWARD if it goes on as the leg before, TURNED if not, NO_LEG if none can tell."""
    leg_s = (fix.time_ms - motion.knot_ms) / 1000.0
    east_m, north_m = offset_m(motion.knot_lon, motion.knot_lat, fix.lon, fix.lat)
    square = east_m * east_m + north_m * north_m
    long_m = LEG_RADII * max(fix.radius_m, motion.knot_radius_m)
    if square < long_m * long_m:
        if leg_s > KNOT_FORGOTTEN_S:
            start_leg(motion, fix)
        return NO_LEG
    turn = NO_LEG
    if motion.leg_s > 0.0:
        turn = FORWARD if _continues(motion, east_m, north_m, leg_s) else TURNED
    if turn == FORWARD:
        motion.pace_mps = max(pace_mps(motion, fix.time_ms), sqrt(square) / leg_s)
        motion.forward_ms = fix.time_ms
    if leg_s >= KNOT_AFTER_S:
        start_leg(motion, fix)
        motion.leg_east_m = east_m
        motion.leg_north_m = north_m
        motion.leg_s = leg_s
    return turn


@kernel
def pace_mps(motion: Motion, time_ms: int) -> float:
    """The greatest speed of its forward legs, fading since the newest."""
    return motion.pace_mps * exp(-(time_ms - motion.forward_ms) / (PACE_FADES_S * 1000.0))


@kernel
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
