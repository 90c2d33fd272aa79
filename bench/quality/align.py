"""Matches emitted events to true visits, in order: the best matching there is.

An event may stand for a visit to the region that it names if it came between `EARLY_MS` before the visit
began (the truth itself lags) and `LATE_MS` after its end. Each stands for one visit, each visit has one
event, and no two cross over. Among all such matchings the one is taken that leaves the fewest events over,
then the fewest long visits, then has the least sum of |delay|; dynamic programming over both rows finds it.
"""

import numpy as np
from numba import njit

from bench.quality.columns import Bools, Ints
from bench.quality.visits import Visits

EARLY_MS = 90_000
LATE_MS = 900_000
LONG_MS = 120_000


def align(*, region: Ints, confirmed_ms: Ints, visits: Visits) -> Ints:
    """For each event, in order of confirmation, the visit it stands for, or -1: a flap."""
    asked = visits.seen & (visits.end_ms - visits.begin_ms >= LONG_MS)
    return _align(region, confirmed_ms, visits.region, visits.begin_ms, visits.end_ms, asked)


@njit(cache=True)
def _align(region: Ints, confirmed_ms: Ints, visited: Ints, begin_ms: Ints, end_ms: Ints, asked: Bools) -> Ints:
    events, places = region.size, visited.size
    above = np.zeros(places + 1, np.int64)
    row = np.zeros(places + 1, np.int64)
    took = np.zeros((events + 1, places + 1), np.int8)  # 0 skip the event, 1 skip the visit, 2 match
    for e in range(1, events + 1):
        when = confirmed_ms[e - 1]
        for v in range(1, places + 1):
            best, choice = above[v], 0
            if row[v - 1] > best:
                best, choice = row[v - 1], 1
            begin = begin_ms[v - 1]
            if visited[v - 1] == region[e - 1] and begin - EARLY_MS <= when <= end_ms[v - 1] + LATE_MS:
                # One number for three wishes: events matched, long visits found, milliseconds off.
                worth = above[v - 1] + (1 << 46) - abs(when - begin)
                if asked[v - 1]:
                    worth += 1 << 34
                if worth > best:
                    best, choice = worth, 2
            row[v], took[e, v] = best, choice
        above[:] = row
    stands_for = np.full(events, -1, np.int64)
    e, v = events, places
    while e > 0 and v > 0:
        choice = took[e, v]
        if choice == 2:
            stands_for[e - 1] = v - 1
            e, v = e - 1, v - 1
        elif choice == 1:
            v -= 1
        else:
            e -= 1
    return stands_for
