"""Outlines: the rings of all regions in the plane of web maps, in columns.

First step towards tiles. World units: x and y from 0 to 1 over the whole world, y growing southwards. Invariants: edges
that are straight in lon and lat are bent so that they lie right in this plane; a border that two regions share has the
same positions, bit for bit, in both; where a ring runs along the 180th meridian or beyond 85.05 degrees of latitude it
is carried out of the world, since that is no border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.region import Region

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
OVER_EDGE = 1 / 64  # how far rings are carried out of the world: the buffer of the tile that shows all of it
_BENT = 1e-8  # how far a drawn edge may lie from where it is: 0.4 m at the equator
_MOST_LAT = 89.9  # beyond it the plane has no place
_MOST_PIECES = 4096
_MOST_ADDED = 4_000_000  # positions, by bending: a few regions reach around the world, thousands do in no layer


@dataclass(frozen=True, slots=True)
class Outlines:
    """Rings in columns. A ring does not repeat its first position; seen on the map, outer rings run clockwise."""

    xy: Floats  # n x 2
    begin: Ints  # of each ring, and the end of the last
    region: Ints  # of each ring: its region's place
    polygon: Ints  # of each ring: rings of one polygon stand together, the outer one first
    hole: NDArray[np.bool_]

    @property
    def rings(self) -> int:
        """How many there are."""
        return len(self.region)

    def ring_of(self) -> Ints:
        """The ring of each position."""
        return np.repeat(np.arange(self.rings), np.diff(self.begin))

    def following(self) -> Ints:
        """The place of each position's successor on its ring."""
        after = np.arange(1, len(self.xy) + 1)
        after[self.begin[1:] - 1] = self.begin[:-1]
        return after

    def areas(self) -> Floats:
        """What each ring encloses, in square world units; negative for holes."""
        return shoelace(self.xy, self.following(), self.begin)


def outlines_of(regions: Sequence[Region]) -> Outlines:
    """The rings of these regions."""
    parts, owner = shapely.get_parts([one.geometry for one in regions], return_index=True)
    rings, polygon = shapely.get_rings(parts, return_index=True)
    position, ring = shapely.get_coordinates(rings, return_index=True)
    hole = np.zeros(len(rings), np.bool_)
    hole[1:] = polygon[1:] == polygon[:-1]
    kept = np.zeros(len(position), np.bool_)  # without the repeated last position, or any other
    kept[:-1] = (ring[1:] == ring[:-1]) & (position[1:] != position[:-1]).any(axis=1)
    begin = np.searchsorted(ring[kept], np.arange(len(rings) + 1))
    drawn = Outlines(position[kept], begin, owner[polygon].astype(np.int64), polygon.astype(np.int64), hole)
    return _turned(_projected(drawn))


def shoelace(xy: Floats, after: Ints, begin: Ints) -> Floats:
    """What each ring encloses: positive if it runs clockwise on the map."""
    if not len(xy):
        return np.zeros(len(begin) - 1)
    origin = xy[np.repeat(begin[:-1], np.diff(begin))]  # small numbers, so that little is lost
    x, y = (xy - origin).T
    far = xy[after] - origin
    return np.asarray(np.add.reduceat(x * far[:, 1] - far[:, 0] * y, begin[:-1]) / 2)


def _projected(drawn: Outlines) -> Outlines:
    """The rings in world units, bent edges in as many pieces as it takes."""
    lonlat = np.column_stack([drawn.xy[:, 0], np.clip(drawn.xy[:, 1], -_MOST_LAT, _MOST_LAT)])
    after = drawn.following()
    far = lonlat[after]
    cut = (np.abs(lonlat[:, 0]) == 180) & (lonlat[:, 0] == far[:, 0])
    pieces = np.where(cut, 3, _pieces(lonlat, far))
    edge = np.repeat(np.arange(len(lonlat)), pieces)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    xy = world_of(_along(lonlat, far, edge, step, pieces[edge]))
    away, end = cut[edge] & (step > 0), cut[edge] & (step == 2)
    xy[end, 1] = world_of(far)[edge[end], 1]
    xy[cut[edge] & (step == 1), 1] = world_of(lonlat)[edge[cut[edge] & (step == 1)], 1]
    xy[away, 0] = np.where(lonlat[edge[away], 0] < 0, -OVER_EDGE, 1 + OVER_EDGE)
    begin = np.concatenate([[0], np.cumsum(pieces)])[drawn.begin]
    return Outlines(xy, begin, drawn.region, drawn.polygon, drawn.hole)


def _pieces(near: Floats, far: Floats) -> Ints:
    """In how many pieces each edge is to be drawn: straight in lon and lat is bent in this plane."""
    middle = world_of((near + far) / 2)[:, 1]
    off = np.abs(middle - (world_of(near)[:, 1] + world_of(far)[:, 1]) / 2)
    off[near[:, 0] == far[:, 0]] = 0.0
    pieces = np.clip(np.ceil(np.sqrt(off / _BENT)), 1, _MOST_PIECES).astype(np.int64)
    while pieces.sum() > _MOST_ADDED + len(pieces):  # by one factor for all, so that neighbours still agree
        pieces = np.maximum(1, pieces // 2)
    return pieces


def _along(near: Floats, far: Floats, edge: Ints, step: Ints, pieces: Ints) -> Floats:
    """The positions on these edges, reckoned from the same end whichever way a ring runs."""
    turned = (far[:, 0] < near[:, 0]) | ((far[:, 0] == near[:, 0]) & (far[:, 1] < near[:, 1]))
    low, high = np.where(turned[:, None], far, near), np.where(turned[:, None], near, far)
    done = np.where(turned[edge], pieces - step, step)
    share = (done / pieces)[:, None]
    found = low[edge] + (high - low)[edge] * share
    found[step == 0] = near[edge[step == 0]]
    return np.asarray(found)


def world_of(lonlat: Floats) -> Floats:
    """Where lon and lat lie in the plane of web maps."""
    lat = np.radians(lonlat[:, 1])
    return np.column_stack([lonlat[:, 0] / 360 + 0.5, 0.5 - np.arcsinh(np.tan(lat)) / (2 * pi)])


def _turned(drawn: Outlines) -> Outlines:
    """Outer rings clockwise on the map, holes the other way."""
    wrong = (drawn.areas() < 0) != drawn.hole
    ring = drawn.ring_of()
    place = np.arange(len(drawn.xy))
    turned = drawn.begin[:-1][ring] + drawn.begin[1:][ring] - 1 - place
    xy = drawn.xy[np.where(wrong[ring], turned, place)]
    return Outlines(xy, drawn.begin, drawn.region, drawn.polygon, drawn.hole)
