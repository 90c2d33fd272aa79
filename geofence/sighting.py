"""Sightings: what locate says of pings, and the two questions that both engines answer alike.

`margin_m` and `home_m` say how sure an answer is. Within `nearest_within_m` of the coast an answer also holds in no
region's own polygon, and the nearest place of another answer is then bounded from below, never overstated: a ping is
never called deeper than it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.border import Borders, reach_m
from geofence.kernel import kernel

OUTSIDE = -1
_SAME_M = 0.01  # borders nearer to each other than this are one


class Sightings(NamedTuple):
    """Columns: the input row, the index of a region that the point is in (-1: in none), the margin, and whether the
    region's own polygon covers the point (else it is only near: `nearest_within_m`).

    In a partition there is one sighting per row, in order; in an overlay one per covering region, or one with -1.
    """

    row: NDArray[np.int64]
    region: NDArray[np.int64]
    margin_m: NDArray[np.float64]
    covered: NDArray[np.bool_]


@kernel
def settle_m(
    borders: Borders, covered: int, within_m: float, lon: float, lat: float, cap_m: float, known_m: float
) -> tuple[int, float]:
    """The answer of a partition and its margin, from the region that covers the point (-1: none).

    `known_m`: the border of that region (-1: of any) is known to be nearer than this; shortens the search.
    """
    everything = len(borders.root) - 1
    coast = everything - 1
    if within_m <= 0.0 or covered >= 0:
        root = borders.root[covered if covered >= 0 else everything]
        own, _ = reach_m(borders, root, lon, lat, min(cap_m, known_m), -1)
        if within_m <= 0.0 or own >= cap_m:
            return covered, own
        _, rival = reach_m(borders, borders.root[everything], lon, lat, own * (1.0 + 1e-6) + _SAME_M, covered)
        if rival >= 0:  # no coast: what lies behind the border is another region
            return covered, own
        shore, _ = reach_m(borders, borders.root[coast], lon, lat, cap_m, -1)
        other, _ = reach_m(borders, borders.root[everything], lon, lat, 2.0 * cap_m, covered)
        by_sea = min(max((own + other) / 2.0, shore), shore + within_m)
        return covered, min(cap_m, min(other, by_sea))
    near, region = reach_m(borders, borders.root[everything], lon, lat, min(within_m + cap_m, known_m), -1)
    if region < 0:
        return OUTSIDE, cap_m
    if near > within_m:
        return OUTSIDE, min(cap_m, near - within_m)
    other, rival = reach_m(borders, borders.root[everything], lon, lat, near + 2.0 * cap_m, region)
    between = cap_m if rival < 0 else (other - near) / 2.0
    return region, min(cap_m, min(within_m - near, between))


@kernel
def home_m(
    borders: Borders,
    home: int,
    answer: int,
    covered: bool,
    within_m: float,
    lon: float,
    lat: float,
    cap_m: float,
) -> float:
    """Metres from a point with another answer to the nearest place whose answer is `home` (-1: outside), or the cap."""
    coast, wide_m = len(borders.root) - 2, 2.0 * cap_m + within_m
    if home == OUTSIDE:
        shore, _ = reach_m(borders, borders.root[coast], lon, lat, wide_m, -1)
        return min(cap_m, shore + within_m if covered else max(0.0, within_m - shore))
    far, _ = reach_m(borders, borders.root[home], lon, lat, wide_m, -1)
    if within_m <= 0.0:
        return min(cap_m, far)
    if answer == OUTSIDE:
        return min(cap_m, max(0.0, far - within_m))
    own, _ = reach_m(borders, borders.root[answer], lon, lat, wide_m, -1)
    if not covered:
        return min(cap_m, (far - own) / 2.0)
    shore, _ = reach_m(borders, borders.root[coast], lon, lat, cap_m, -1)
    return min(cap_m, min(far, max((far + own) / 2.0, shore)))
