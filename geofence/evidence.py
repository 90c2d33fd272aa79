"""What one ping says: from an accuracy to a sigma, from a distance to log-odds, from a pause to a worth.

The smallest part of deciding, without memory. `motion` says what a ping's place in the device's movement makes of it,
and `hysteresis` adds up what several pings say. Invariant: what one ping says is bounded, by the doubt about it.
"""

from math import erf, exp, log, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.kernel import kernel
from geofence.rule import RuleRow

CONFIDENCE = 0.68
USUAL_RADIUS_IN_SIGMAS = sqrt(-2.0 * log(1.0 - CONFIDENCE))
DISTANCE_CAP_M = 50_000.0
DISTANCE_CAP_SIGMAS = 4.0  # a fix this deep has said all that a fix may say
DEEP_SIGMAS = 2.0
LEAST_DOUBT, MOST_DOUBT = 0.004, 0.15
DOUBTFUL_M = 100.0
CALIBRATION, CALIBRATION_PER_EVIDENCE, CALIBRATED_TO = 2.5, 0.75, 5.0  # fitted; see docs/detection.md
SQRT_HALF = 0.7071067811865476


@kernel
def accuracy_or_default_m(accuracy_m: float, rule: RuleRow) -> float:
    """The stated radius, or the rule's stand-in where none was stated (NaN, zero or less)."""
    if accuracy_m > 0.0:
        return accuracy_m
    return rule.missing_accuracy_m


@kernel
def sigma_m(radius_m: float, confidence: float, rule: RuleRow) -> float:
    """The error to expect per axis of a radius that holds the truth with this confidence (NaN: not stated)."""
    radius_in_sigmas = USUAL_RADIUS_IN_SIGMAS
    if confidence > 0.0 and confidence != CONFIDENCE:
        radius_in_sigmas = sqrt(-2.0 * log(1.0 - min(max(confidence, 0.05), 0.999)))
    return rule.accuracy_trust * max(radius_m, rule.accuracy_floor_m) / radius_in_sigmas


@kernel
def cap_m(accuracy_m: float, confidence: float, rule: RuleRow) -> float:
    """The distance beyond which a border can no longer influence what a ping with this accuracy says, nor any gate."""
    sigma = sigma_m(accuracy_or_default_m(accuracy_m, rule), confidence, rule)
    return max(min(DISTANCE_CAP_SIGMAS * sigma, DISTANCE_CAP_M), rule.min_margin_m)


@kernel
def deep_m(accuracy_m: float, confidence: float, rule: RuleRow) -> float:
    """The depth at which a ping is deep in its region: all that is asked of it at home while nothing is pending."""
    sigma = sigma_m(accuracy_or_default_m(accuracy_m, rule), confidence, rule)
    return min(DEEP_SIGMAS * sigma, DISTANCE_CAP_M)


@njit(cache=True)
def caps_m(
    accuracy_m: NDArray[np.float64], confidence: NDArray[np.float64], rule: RuleRow
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`cap_m` and `deep_m` of columns."""
    caps, deep = np.empty(len(accuracy_m)), np.empty(len(accuracy_m))
    for i in range(len(accuracy_m)):
        caps[i] = cap_m(accuracy_m[i], confidence[i], rule)
        deep[i] = deep_m(accuracy_m[i], confidence[i], rule)
    return caps, deep


@kernel
def doubt(radius_m: float) -> float:
    """How often a fix with this radius is not where it says at all."""
    part = min(radius_m / DOUBTFUL_M, 1.0)
    return max(MOST_DOUBT * part * part, LEAST_DOUBT)


@kernel
def log_odds(distance_m: float, sigma: float, doubted: float) -> float:
    """Log-odds that the truth lies on the side of a border that the fix lies on by this (signed) distance."""
    z = min(max(distance_m / sigma, -DISTANCE_CAP_SIGMAS), DISTANCE_CAP_SIGMAS)
    p = 0.5 * doubted + (1.0 - doubted) * 0.5 * (1.0 + erf(z * SQRT_HALF))
    return log(p / (1.0 - p))


@kernel
def freshness(elapsed: float, scale: float) -> float:
    """How much of a new observation is new: nothing at once, nearly all after several scales."""
    return 1.0 - exp(-elapsed / scale)


@kernel
def confidence_of(own: float) -> float:
    """The share of crossings with this much evidence for their region that turn out right."""
    return 1.0 / (1.0 + exp(-CALIBRATION - CALIBRATION_PER_EVIDENCE * min(own, CALIBRATED_TO)))
