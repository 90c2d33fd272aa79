"""The regions a device has shown itself in since the one it is confirmed in: at most five, in the order they were entered.

A trail exists only while something is pending. Each entry keeps what its own pings said for it, and its deepest ping, so that
a region passed between two confirmations can still be told, and told with the time it was entered.
"""

import numpy as np
from numba import njit

TRAIL_LENGTH = 5

TRAIL = np.dtype(
    [
        ("region", "i4"),
        ("pings", "i4"),
        ("own", "f8"),  # evidence of its own pings
        ("solid", "f8"),  # of which not from suspects
        ("first_ms", "i8"),
        ("depth", "f8"),  # log-odds of its deepest ping
        ("margin_m", "f8"),
        ("lon", "f8"),
        ("lat", "f8"),
        ("accuracy_m", "f8"),
    ]
)


@njit(cache=True)
def entry_of(evidence: np.record, trail: np.recarray, region: int, time_ms: int) -> int:
    """The index of the region's entry; a new one at the end if it has none, for which the weakest may have to go."""
    for i in range(evidence.entries):
        if trail[i].region == region:
            return i
    if evidence.entries == TRAIL_LENGTH:
        weakest = 0
        for i in range(1, TRAIL_LENGTH):
            if trail[i].own < trail[weakest].own:
                weakest = i
        drop(evidence, trail, weakest, weakest + 1)
    last = int(evidence.entries)
    entry = trail[last]
    entry.region = region
    entry.pings = 0
    entry.own = 0.0
    entry.solid = 0.0
    entry.first_ms = time_ms
    entry.depth = -1.0
    entry.margin_m = 0.0
    entry.lon = np.nan
    entry.lat = np.nan
    entry.accuracy_m = np.nan
    evidence.entries = last + 1
    return last


@njit(cache=True)
def drop(evidence: np.record, trail: np.recarray, start: int, stop: int) -> None:
    """Take the entries from start to before stop off the trail."""
    for i in range(stop, evidence.entries):
        trail[start + i - stop] = trail[i]
    evidence.entries -= stop - start


@njit(cache=True)
def own_from(evidence: np.record, trail: np.recarray, start: int) -> float:
    """What has been said for the entries from start on."""
    total = 0.0
    for i in range(start, evidence.entries):
        total += trail[i].own
    return total
