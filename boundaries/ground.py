"""Areas and short lengths on the ground, for half a million vertices at once.

What pyproj's Geod answers one polygon at a time, and for edges that are geodesics; ours are straight in lon and lat.
Used by checks, mends and comparisons. Invariant: the area is exact for such edges, to a part in 100,000,000, on the
WGS 84 ellipsoid, whatever the winding; a place beyond a pole or a longitude of any turn is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

_EQUATOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_E2 = _FLATTENING * (2 - _FLATTENING)
_E = float(np.sqrt(_E2))
_POLAR_M2 = (_EQUATOR_M * (1 - _FLATTENING)) ** 2
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


def areas_m2(shapes: Iterable[BaseGeometry] | Shapes) -> Floats:
    """The area of each geometry; holes are taken off, points and lines have none."""
    column = np.asarray(shapes if isinstance(shapes, np.ndarray) else list(shapes), dtype=object)
    parts, of_shape = shapely.get_parts(column, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    lon_lat, of_ring = shapely.get_coordinates(rings, return_index=True)
    if not len(lon_lat):
        return np.zeros(len(column))
    enclosed = np.abs(ring_areas_m2(lon_lat, np.flatnonzero(np.diff(of_ring, prepend=-1))))
    hole = np.diff(of_part, prepend=-1) == 0
    signed = np.where(hole, -enclosed, enclosed)
    areas: Floats = np.bincount(of_shape[of_part], weights=signed, minlength=len(column)).astype(np.float64)
    return areas


def area_m2(shape: BaseGeometry) -> float:
    """The area of one geometry."""
    return float(areas_m2([shape])[0])


def ring_areas_m2(lon_lat: Floats, starts: NDArray[np.int64]) -> Floats:
    """What each ring encloses, counterclockwise positive; the rings stand one after another, closed or not."""
    if not len(starts):
        return np.zeros(0)
    lon, lat = np.radians(lon_lat[:, 0]), np.radians(lon_lat[:, 1])
    follower = np.arange(1, len(lon) + 1)
    follower[np.append(starts[1:], len(lon)) - 1] = starts
    along, rise = lon[follower] - lon, lat[follower] - lat
    mean = np.zeros(len(lon))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        mean += weight / 2 * _south_m2(lat + rise * (node + 1) / 2)
    swept: Floats = np.add.reduceat(-mean * along, starts)
    return swept


def perimeters_m(shapes: Shapes) -> Floats:
    """How long the border of each shape is, to a part in a hundred."""
    places, owner = shapely.get_coordinates(shapely.boundary(shapes), return_index=True)
    step = np.diff(places, axis=0)
    step[:, 0] *= np.cos(np.radians((places[1:, 1] + places[:-1, 1]) / 2))
    far = np.hypot(step[:, 0], step[:, 1]) * np.radians(_EQUATOR_M)
    same = owner[1:] == owner[:-1]
    return np.bincount(owner[1:][same], far[same], minlength=len(shapes)).astype(np.float64)


def lengths_m(lon_lat: Floats, others: Floats) -> Floats:
    """From each place to its other one; within 0.1 % for as long as they are some kilometres apart."""
    east, north = metres_per_degree((lon_lat[..., 1] + others[..., 1]) / 2)
    return np.hypot((others[..., 0] - lon_lat[..., 0]) * east, (others[..., 1] - lon_lat[..., 1]) * north)


def metres_per_degree(lat: Floats) -> tuple[Floats, Floats]:
    """How long a degree is there, eastward and northward."""
    phi = np.radians(lat)
    squeezed = 1 - _E2 * np.sin(phi) ** 2
    east = _EQUATOR_M / np.sqrt(squeezed) * np.cos(phi)
    north = _EQUATOR_M * (1 - _E2) / squeezed**1.5
    return np.radians(1) * east, np.radians(1) * north


def _south_m2(lat: Floats) -> Floats:
    """The area between the equator and this latitude, per radian of longitude; negative in the south."""
    sine = np.sin(lat)
    area: Floats = _POLAR_M2 / 2 * (sine / (1 - _E2 * sine * sine) + np.arctanh(_E * sine) / _E)
    return area
