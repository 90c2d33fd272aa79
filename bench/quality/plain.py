"""P1, the plain rule: a capped, decorrelated CUSUM on the log-odds of having left the region.

The yardstick that a better rule has to beat. State of one device: the region, the sum S, a few candidates.
"""

from math import erfc, exp, log, sqrt

import numpy as np
from numba import njit

from bench.quality.cells import Cells, Sightings, border_m
from bench.quality.columns import Floats, Ints

CANDIDATES = 8
DEAD_ZONE, NEEDED, NEEDED_FIRST = 0.8, 5.0, 2.5
TOP_SPEED_MPS = 100.0


@njit(cache=True)
def _phi(z: float) -> float:
    return 0.5 * erfc(-z / sqrt(2.0))


@njit(cache=True)
def _odds(d_m: float, sigma_m: float, accuracy_m: float) -> float:
    """Log-odds of lying on the positive side; no ping may say more than its grade allows."""
    epsilon = 0.02 if accuracy_m <= 100.0 else (0.05 if accuracy_m <= 500.0 else 0.30)
    p = epsilon / 2 + (1 - epsilon) * _phi(d_m / sigma_m)
    return log(p / (1 - p))


@njit(cache=True)
def _add(candidates: Ints, votes: Floats, region: int, vote: float) -> float:
    """Adds a vote; where all places are taken the weakest gives way. Returns the region's sum."""
    at = -1
    for i in range(CANDIDATES):
        if candidates[i] == region:
            at = i
    if at < 0:
        at = int(np.argmin(votes))
        candidates[at], votes[at] = region, 0.0
    votes[at] += vote
    return float(votes[at])


@njit(cache=True)
def plain_rows(device: Ints, time_ms: Ints, accuracy_m: Floats, sightings: Sightings, cells: Cells) -> Ints:
    """Rows of (device, from, to, occurred_ms, confirmed_ms)."""
    rows = np.empty((device.size, 5), np.int64)
    candidates, votes = np.full(CANDIDATES, -2), np.zeros(CANDIDATES)
    x, y = sightings.x, sightings.y
    emitted, owner, known, score, since_ms, last, fit = 0, -1, -2, 0.0, 0, 0, 0
    for i in range(device.size):
        worth = 1.0
        if device[i] != owner:
            owner, known, score, fit = device[i], -2, 0.0, i
            candidates[:], votes[:], since_ms = -2, 0.0, time_ms[i]
        else:
            if time_ms[i] <= time_ms[last]:
                continue
            worth, plausible = _worth(x, y, time_ms, accuracy_m, last, fit, i)
            fit = i if plausible else fit
        last = i
        region, inside_m = sightings.region[i], sightings.margin_m[i]
        sigma_m = 1.4 * max(accuracy_m[i], 8.0) / 1.51
        vote = worth * _phi(inside_m / sigma_m)
        if known == -2:
            said = _odds(inside_m, sigma_m, accuracy_m[i]) - DEAD_ZONE
            if said > 0.0 and _add(candidates, votes, region, vote * said) >= NEEDED_FIRST:
                score = NEEDED
        else:
            outside_m = -inside_m if region == known else border_m(cells, x[i], y[i], known)
            odds = _odds(outside_m, sigma_m, accuracy_m[i])
            if odds > DEAD_ZONE:
                since_ms = time_ms[i] if score == 0.0 else since_ms
                score += worth * (odds - DEAD_ZONE)
                _add(candidates, votes, region, vote * (odds - DEAD_ZONE))
            elif odds < 0.0:
                score = max(0.0, score + worth * odds)
                if score == 0.0:
                    candidates[:], votes[:] = -2, 0.0
        if score >= NEEDED:
            best = candidates[int(np.argmax(votes))]
            rows[emitted] = np.array([owner, max(known, -1), best, since_ms, time_ms[i]])
            emitted, known, score = emitted + 1, best, 0.0
            candidates[:], votes[:] = -2, 0.0
    return rows[:emitted].copy()


@njit(cache=True)
def _worth(x: Floats, y: Floats, time_ms: Ints, accuracy_m: Floats, last: int, fit: int, i: int) -> tuple[float, bool]:
    """How much news a ping is after the last one, and whether the device can have got there."""
    gap_s = (time_ms[i] - time_ms[last]) / 1000.0
    dx, dy = x[i] - x[last], y[i] - y[last]
    moved_m = sqrt(dx * dx + dy * dy)
    tau_s = 45.0 if accuracy_m[i] <= 100.0 else (60.0 if accuracy_m[i] <= 500.0 else 150.0)
    worth = max(1.0 - exp(-gap_s / tau_s), 1.0 - exp(-moved_m / (2.0 * accuracy_m[i])))
    if moved_m < 0.5:
        worth = 1.0 - exp(-gap_s / 300.0)
    dx, dy = x[i] - x[fit], y[i] - y[fit]
    free_m = sqrt(dx * dx + dy * dy) - accuracy_m[i] - accuracy_m[fit]
    plausible = free_m <= TOP_SPEED_MPS * (time_ms[i] - time_ms[fit]) / 1000.0
    return (worth if plausible else 0.2 * worth), plausible
