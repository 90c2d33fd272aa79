"""Areas on the ground, in square metres on the WGS 84 ellipsoid, of many shapes at once.

A shape's edges are straight in lon and lat, as a region's are. Each ring is integrated along its edges: the ground
between an edge and the equator is known in closed form for a latitude, and Simpson's rule takes it along the edge.
Invariant: within a millionth of the true area; nothing is lost to cancellation for shapes of a square metre.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
EDGE_DEG = 1.0  # longer edges are divided
_A = 6_378_137.0
_E2 = 0.0066943799901413165
_E = np.sqrt(_E2)
_HALF_B2 = _A * _A * (1 - _E2) / 2


def areas_m2(shapes: Shapes) -> Floats:
    """The area of each shape; what is no polygon has none."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, of = shapely.get_rings(shapely.segmentize(parts, EDGE_DEG), return_index=True)
    if not len(rings):
        return np.zeros(len(shapes))
    size = np.abs(_signed(rings))
    outer = np.append(True, of[1:] != of[:-1])  # a polygon's first ring is its outer one
    return _sums(owner[of], np.where(outer, size, -size), len(shapes))


def perimeters_m(shapes: Shapes) -> Floats:
    """How long the border of each shape is, to a part in a hundred."""
    places, owner = shapely.get_coordinates(shapely.boundary(shapes), return_index=True)
    step = np.diff(places, axis=0)
    step[:, 0] *= np.cos(np.radians((places[1:, 1] + places[:-1, 1]) / 2))
    far = np.hypot(step[:, 0], step[:, 1]) * np.radians(_A)
    same = owner[1:] == owner[:-1]
    return _sums(owner[1:][same], far[same], len(shapes))


def _signed(rings: Shapes) -> Floats:
    places, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.searchsorted(ring, np.arange(len(rings)))
    lon, lat = np.radians(places).T
    below = _to_equator(lat[first])[ring]  # taken off everywhere, which changes no closed integral
    start, end = slice(None, -1), slice(1, None)
    middle = _to_equator((lat[start] + lat[end]) / 2) - below[start]
    height = _to_equator(lat) - below
    strips = (lon[end] - lon[start]) * (height[start] + 4 * middle + height[end]) / 6
    same = ring[start] == ring[end]
    return _sums(ring[start][same], strips[same], len(rings))


def _sums(owner: NDArray[np.int64], values: Floats, many: int) -> Floats:
    return np.bincount(owner, values, minlength=many).astype(np.float64)


def _to_equator(lat: Floats) -> Floats:
    """Square metres from the equator to a latitude, for each radian of longitude."""
    sine = np.sin(lat)
    height: Floats = _HALF_B2 * (sine / (1 - _E2 * sine * sine) + np.arctanh(_E * sine) / _E)
    return height
