"""Where a ring crosses itself, as long as a person could still redraw it.

Asked by `crossing` and `seam`. Invariant: time and memory are bounded whatever the ring: a few hundred positions can
cross each other a million times, and to clear such a scribble would take minutes.
"""

from __future__ import annotations

import re

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.drawing import Ring

MOST_CROSSINGS = 10_000
_AT_ONCE = 200  # edges
_REASON = re.compile(r"\[(\S+) (\S+)\]")


def crossings(ring: Ring) -> BaseGeometry | None:
    """The places where a closed ring crosses or touches itself; None if there are too many."""
    edges = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1)[(ring[:-1] != ring[1:]).any(axis=1)])
    tree, places, many = shapely.STRtree(edges), [], 0
    for begin in range(0, len(edges), _AT_ONCE):
        one, two = tree.query(edges[begin : begin + _AT_ONCE], predicate="intersects")
        one += begin
        one, two = one[one < two], two[one < two]
        follow = (two - one == 1) | (two - one == len(edges) - 1)
        many += int((~follow).sum())
        if many > MOST_CROSSINGS:
            return None
        met = shapely.intersection(edges[one], edges[two])
        places.append(met[~follow | (shapely.get_dimensions(met) == 1)])
    met = np.concatenate(places)
    return shapely.union_all(met) if len(met) else shapely.Point(place_of_flaw(shapely.Polygon(ring)))


def place_of_flaw(shape: BaseGeometry) -> tuple[float, float]:
    """The place that GEOS gives for what is invalid."""
    match = _REASON.search(shapely.is_valid_reason(shape))
    if match is None:
        return float(shape.bounds[0]), float(shape.bounds[1])
    return float(match.group(1)), float(match.group(2))
