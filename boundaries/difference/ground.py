"""Ground gained and lost between two shapes, without the crumbs that rounding leaves.

Under `compare` and `lineage`. Invariants: what is gained from one to the other is what is lost from the other to the
one; nothing kept is narrower than CRUMB_M in the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.ground import Shapes, areas_m2, perimeters_m

CRUMB_M = 0.001
_POLYGON = 3
_NEAR_DEG = 1e-7  # shapes whose boxes differ by more are not the same


@dataclass(frozen=True, slots=True)
class Apart:
    """What of two shapes is not shared; None: nothing."""

    gained: BaseGeometry | None
    lost: BaseGeometry | None

    @property
    def same(self) -> bool:
        """Whether they are the same shape."""
        return self.gained is None and self.lost is None


def apart(before: Shapes, after: Shapes) -> list[Apart]:
    """What was gained and lost in each pair."""
    gained = _whole(shapely.difference(after, before))
    lost = _whole(shapely.difference(before, after))
    return [Apart(*pair) for pair in zip(gained, lost, strict=True)]


def alike(before: Shapes, after: Shapes) -> list[bool]:
    """Whether each pair has the same shape, crumbs aside."""
    near = (np.abs(shapely.bounds(before) - shapely.bounds(after)) < _NEAR_DEG).all(axis=1)
    same = shapely.equals_identical(before, after)
    for row in np.flatnonzero(near & ~same):
        same[row] = apart(before[row : row + 1], after[row : row + 1])[0].same
    return [bool(one) for one in same]


def _whole(shapes: Shapes) -> list[BaseGeometry | None]:
    """Each shape without its crumbs, lines and points."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    polygons = shapely.get_type_id(parts) == _POLYGON
    parts, owner = parts[polygons], owner[polygons]
    border_m = perimeters_m(parts)
    wide_m = np.divide(2 * areas_m2(parts), border_m, out=np.zeros(len(parts)), where=border_m > 0)
    parts, owner = parts[wide_m >= CRUMB_M], owner[wide_m >= CRUMB_M]
    kept: list[list[BaseGeometry]] = [[] for _ in shapes]
    for part, row in zip(parts, owner.tolist(), strict=True):
        kept[row].append(part)
    return [None if not some else some[0] if len(some) == 1 else shapely.multipolygons(some) for some in kept]
