"""All rings of a file in flat columns, so that half a million positions are judged in a few calls.

Between drawings or shapes and the checks. Invariants: rings stand one after another without gaps, none is empty; the
rings of a polygon follow one another, its outer ring first; so do the polygons of a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.drawing import Ring

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outlines:
    """Rings in columns: `lon_lat` by position, the others by ring."""

    lon_lat: NDArray[np.float64]
    start: Ints
    polygon: Ints  # counted over all features
    feature: Ints  # its place in the sequence that was given
    hole: Flags

    @property
    def size(self) -> Ints:
        """How many positions each ring has."""
        return np.diff(np.append(self.start, len(self.lon_lat)))

    @property
    def of_position(self) -> Ints:
        """The ring of each position."""
        return np.repeat(np.arange(len(self.start)), self.size)

    def ring(self, number: int) -> NDArray[np.float64]:
        """One ring's positions."""
        end = self.start[number + 1] if number + 1 < len(self.start) else len(self.lon_lat)
        return self.lon_lat[self.start[number] : end]

    def any_in_ring(self, positions: Flags) -> Flags:
        """Which rings have a position so flagged."""
        return np.logical_or.reduceat(positions, self.start) if len(self.start) else np.zeros(0, np.bool_)

    def features_with(self, rings: Flags) -> list[int]:
        """The features that have a ring so flagged, in order."""
        return [int(feature) for feature in np.unique(self.feature[rings])]


def outlines_of_rings(features: Sequence[Sequence[Sequence[Ring]]]) -> Outlines:
    """The columns of polygons as they are drawn: of each feature its polygons, of each its rings."""
    rows = [
        (feature, ring, place > 0)
        for feature, polygons in enumerate(features)
        for polygon in polygons
        for place, ring in enumerate(polygon)
    ]
    hole = np.array([row[2] for row in rows], np.bool_)
    return Outlines(
        lon_lat=np.concatenate([row[1] for row in rows]) if rows else np.empty((0, 2)),
        start=_starts(np.array([len(row[1]) for row in rows], np.int64)),
        polygon=np.cumsum(~hole) - 1,
        feature=np.array([row[0] for row in rows], np.int64),
        hole=hole,
    )


def outlines_of_shapes(shapes: Sequence[BaseGeometry | None]) -> Outlines:
    """The columns of polygons; what is None has no rings."""
    parts, of_shape = shapely.get_parts(np.array(shapes, dtype=object), return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    lon_lat, of_ring = shapely.get_coordinates(rings, return_index=True)
    return Outlines(
        lon_lat=lon_lat,
        start=_starts(np.bincount(of_ring, minlength=len(rings))),
        polygon=of_part,
        feature=of_shape[of_part],
        hole=np.diff(of_part, prepend=-1) == 0,
    )


def _starts(sizes: Ints) -> Ints:
    return (np.cumsum(sizes) - sizes).astype(np.int64)
