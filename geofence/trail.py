"""The regions a device has shown itself in since the one it is confirmed in: at most five, in the order entered.

A trail exists only while something is pending. Each entry keeps what its own pings said for it, and its deepest ping,
so that a region passed between two sightings can still be told, and told with the time it was entered. Invariant: no
region stands on it twice, nor the confirmed one.
"""

from collections.abc import MutableSequence
from math import sqrt

import numpy as np

from geofence.evidence import sigma_m
from geofence.ground import offset_m
from geofence.kernel import kernel
from geofence.motion import COARSE_M, Fix
from geofence.rows import dtype_of
from geofence.rule import RuleRow

TRAIL_LENGTH = 5
PATH_SPREAD = 0.07  # how far a way strays from the straight line, of its length
COARSE_DISTRUST = 1.43  # coarse radii are often understated, and here one fix may have to do
FAR_RADII = 3.0
LEAST_OWN = 0.5


class Entry:
    """One region of a trail."""

    region: int
    pings: int
    own: float  # evidence of its own pings
    first_ms: int
    depth: float  # log-odds of lying inside, of its deepest ping
    margin_m: float
    lon: float
    lat: float
    radius_m: float


TRAIL = dtype_of(Entry)
Trail = MutableSequence[Entry]


@kernel
def entry_of(trail: Trail, entries: int, region: int) -> int:
    """The index of the region's entry, or how many entries there are if it has none."""
    for i in range(entries):
        if trail[i].region == region:
            return i
    return entries


@kernel
def open_entry(trail: Trail, entries: int, region: int, time_ms: int) -> int:
    """Add an entry at the end, for which the weakest may have to go; gives how many there are now."""
    if entries == TRAIL_LENGTH:
        weakest = 0
        for i in range(1, TRAIL_LENGTH):
            if trail[i].own < trail[weakest].own:
                weakest = i
        entries = drop(trail, entries, weakest, weakest + 1)
    entry = trail[entries]
    entry.region = region
    entry.pings = 0
    entry.own = 0.0
    entry.first_ms = time_ms
    entry.depth = -1.0
    entry.margin_m = 0.0
    entry.lon = np.nan
    entry.lat = np.nan
    entry.radius_m = np.nan
    return entries + 1


@kernel
def add_ping(entry: Entry, fix: Fix, own: float, depth: float, margin_m: float) -> None:
    """Take a ping into the entry of its region."""
    entry.pings += 1
    entry.own += own
    if fix.lon == entry.lon and fix.lat == entry.lat:
        entry.radius_m = max(entry.radius_m, fix.radius_m)  # a stale fix that ages was no better when it was young
    if depth > entry.depth or (depth == entry.depth and margin_m > entry.margin_m):
        entry.depth = depth
        entry.margin_m = margin_m
        entry.lon = fix.lon
        entry.lat = fix.lat
        entry.radius_m = fix.radius_m


@kernel
def drop(trail: Trail, entries: int, start: int, stop: int) -> int:
    """Take the entries from start to before stop off the trail; gives how many there are now."""
    for i in range(stop, entries):
        trail[start + i - stop] = trail[i]
    return entries - (stop - start)


@kernel
def own_total(trail: Trail, entries: int) -> float:
    """What the pings of all entries have said for them."""
    total = 0.0
    for i in range(entries):
        total += trail[i].own
    return total


@kernel
def on_the_way(entry: Entry, from_lon: float, from_lat: float, fix: Fix, rule: RuleRow) -> bool:
    """Whether the way from there to the fix must have led through the entry's region.

    The way is taken to stray from the straight line by a share of its length. That and the entry's deepest ping say
    how far off the line it passed there; the region has to reach far enough around the ping.
    """
    way_east_m, way_north_m = offset_m(from_lon, from_lat, fix.lon, fix.lat)
    east_m, north_m = offset_m(from_lon, from_lat, entry.lon, entry.lat)
    way_m = sqrt(way_east_m * way_east_m + way_north_m * way_north_m)
    along = east_m * way_east_m + north_m * way_north_m
    far = way_m >= FAR_RADII * max(fix.radius_m, entry.radius_m)
    if entry.own < LEAST_OWN or not far or along < 0.0 or along > way_m * way_m:
        return False
    aside_m = abs(east_m * way_north_m - north_m * way_east_m) / way_m
    sigma = sigma_m(entry.radius_m, np.nan, rule) * (COARSE_DISTRUST if entry.radius_m > COARSE_M else 1.0)
    spread_m = PATH_SPREAD * way_m
    variance = sigma * sigma + spread_m * spread_m
    passed_m = aside_m * sigma * sigma / variance  # from the ping to where the way most likely passed
    return entry.margin_m - passed_m >= rule.sigmas_on_the_way * sigma * spread_m / sqrt(variance)
