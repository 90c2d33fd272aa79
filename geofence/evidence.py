"""What one ping says: from an accuracy to a sigma, from a distance to log-odds, from a pause to a worth.

The smallest part of deciding, without memory. `motion` says what a ping's place in the device's movement makes of it, and
`hysteresis` adds up what several pings say. Whatever one ping says is bounded: no single fix, however sure of itself,
may say more than `loudest` allows it.
"""

from math import erf, exp, log, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

DISTANCE_CAP_M = 50_000.0
DISTANCE_CAP_SIGMAS = 4.0  # a fix this deep has said all that any fix may say
LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.05, 0.999
SQRT_HALF = 0.7071067811865476


@njit(cache=True)
def accuracy_or_default_m(accuracy_m: float, rule: np.record) -> float:
    """The stated radius, or the rule's stand-in where none was stated (NaN, zero or less)."""
    if accuracy_m > 0.0:
        return accuracy_m
    return rule.missing_accuracy_m


@njit(cache=True)
def sigma_m(accuracy_m: float, confidence: float, rule: np.record) -> float:
    """The error to expect per axis, of a radius that is said to hold the truth with this confidence."""
    radius_in_sigmas = sqrt(-2.0 * log(1.0 - min(max(confidence, LEAST_CONFIDENCE), MOST_CONFIDENCE)))
    return rule.accuracy_trust * max(accuracy_m, rule.accuracy_floor_m) / radius_in_sigmas


@njit(cache=True)
def cap_m(accuracy_m: float, confidence: float, rule: np.record) -> float:
    """The distance beyond which a border can no longer influence what a ping with this accuracy says."""
    sigma = sigma_m(accuracy_or_default_m(accuracy_m, rule), confidence, rule)
    return min(DISTANCE_CAP_SIGMAS * sigma, DISTANCE_CAP_M)


@njit(cache=True)
def caps_m(
    accuracy_m: NDArray[np.float64], confidence: NDArray[np.float64], rule: np.record
) -> NDArray[np.float64]:
    """`cap_m` of a column."""
    caps = np.empty(len(accuracy_m))
    for i in range(len(accuracy_m)):
        caps[i] = cap_m(accuracy_m[i], confidence[i], rule)
    return caps


@njit(cache=True)
def doubt(accuracy_m: float) -> float:
    """How often a fix with this accuracy is not where it says at all."""
    if accuracy_m <= 100.0:
        return 0.01
    if accuracy_m <= 500.0:
        return 0.05
    return 0.15


@njit(cache=True)
def settling_s(accuracy_m: float) -> float:
    """The time after which the next fix of a resting phone errs anew (measured: the error's correlation time)."""
    if accuracy_m <= 100.0:
        return 45.0
    if accuracy_m <= 500.0:
        return 60.0
    return 150.0


@njit(cache=True)
def log_odds(distance_m: float, sigma: float, doubt_share: float) -> float:
    """Log-odds that the truth lies on the side of a border that the fix lies on by this (signed) distance."""
    z = min(max(distance_m / sigma, -DISTANCE_CAP_SIGMAS), DISTANCE_CAP_SIGMAS)
    p = 0.5 * doubt_share + (1.0 - doubt_share) * 0.5 * (1.0 + erf(z * SQRT_HALF))
    return log(p / (1.0 - p))


@njit(cache=True)
def freshness(elapsed: float, scale: float) -> float:
    """How much of a new observation is new: 0 at once, near 1 after several scales."""
    return 1.0 - exp(-elapsed / scale)
