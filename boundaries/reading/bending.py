"""Long edges keep their course: a straight line on a projected map is not straight in lon and lat.

Positions are added where an edge would otherwise run more than `TOLERANCE_M` off. Invariants: an edge gets the same
positions in either direction, so two neighbours that share it stay neighbours; no position of the file moves; where
an edge leaves what the projection can do, it stays as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boundaries.reading.projecting import Column, Operation

TOLERANCE_M = 0.1  # far less than a layer tolerates: a neighbour may have one position more along the edge
HALVINGS = 14
_METRES_A_DEGREE = 111_320.0

Edges = tuple[Column, Column, Column, Column]  # begin and end on the map, begin and end in degrees


def bent(rings: list[Column], operation: Operation) -> list[Column]:
    """The rings in degrees, positions added."""
    if not rings:
        return []
    sizes = np.array([len(ring) for ring in rings])
    xy = np.concatenate(rings)
    lonlat = operation.to_lon_lat(xy)
    inner = np.ones(len(xy), bool)  # whether the edge from a position to the next is one of a ring
    inner[np.cumsum(sizes)[sizes > 0] - 1] = False
    places, positions = _added(xy, lonlat, inner, operation)
    ends = np.cumsum(sizes)
    if len(places):
        order = np.argsort(places, kind="stable")
        sorted_places = places[order]
        lonlat = np.insert(lonlat, np.floor(sorted_places).astype(np.int64) + 1, positions[order], axis=0)
        ends = ends + np.searchsorted(np.floor(sorted_places), ends - 1, side="left")
    return [np.ascontiguousarray(one) for one in np.split(lonlat, ends[:-1])]


def _added(
    xy: Column, lonlat: Column, inner: NDArray[np.bool_], operation: Operation
) -> tuple[NDArray[np.float64], Column]:
    """What to add: how far along the column (2.25: a quarter from position 2 to the next), and what."""
    at = np.flatnonzero(inner[:-1]) if len(xy) > 1 else np.empty(0, np.int64)
    turned = _greater(xy[at], xy[at + 1])  # always from the lesser end, so that both neighbours count alike
    here, there = np.where(turned, at + 1, at), np.where(turned, at, at + 1)
    begin, end = here.astype(np.float64), there.astype(np.float64)
    edges: Edges = xy[here], xy[there], lonlat[here], lonlat[there]
    places, positions = [np.empty(0)], [np.empty((0, 2))]
    for _ in range(HALVINGS):
        off, middle, seen = _bends(edges, operation)
        if not off.any():
            break
        begin, end, middle, seen = begin[off], end[off], middle[off], seen[off]
        first, last, first_seen, last_seen = (column[off] for column in edges)
        half = (begin + end) / 2
        places.append(half)
        positions.append(seen)
        begin, end = np.concatenate((begin, half)), np.concatenate((half, end))
        edges = (
            np.concatenate((first, middle)),
            np.concatenate((middle, last)),
            np.concatenate((first_seen, seen)),
            np.concatenate((seen, last_seen)),
        )
    return np.concatenate(places), np.concatenate(positions)


def _bends(edges: Edges, operation: Operation) -> tuple[NDArray[np.bool_], Column, Column]:
    """Which edges run off, and their middles on the map and in degrees; quarters count too, as a line may be an S."""
    first, last, first_seen, last_seen = edges
    middle = (first + last) / 2
    seen = operation.to_lon_lat(middle)
    off = _across_m(first_seen, last_seen, seen) > TOLERANCE_M
    for near in (first, last):
        off |= _across_m(first_seen, last_seen, operation.to_lon_lat((near + middle) / 2)) > TOLERANCE_M
    usable = np.isfinite(first_seen).all(1) & np.isfinite(last_seen).all(1) & np.isfinite(seen).all(1)
    return off & usable, middle, seen


def _across_m(first: Column, last: Column, seen: Column) -> NDArray[np.float64]:
    """How far off the straight line in degrees a place on the map's line comes to lie, roughly, in metres.

    Along the line it may be anywhere: what counts is the distance across.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        narrow = np.cos(np.radians(seen[:, 1]))
        run = np.column_stack((_turned(last[:, 0] - first[:, 0]) * narrow, last[:, 1] - first[:, 1]))
        way = np.column_stack((_turned(seen[:, 0] - first[:, 0]) * narrow, seen[:, 1] - first[:, 1]))
        length = np.hypot(run[:, 0], run[:, 1])
        across = np.abs(run[:, 0] * way[:, 1] - run[:, 1] * way[:, 0]) / np.where(length > 0, length, 1)
        return across * _METRES_A_DEGREE


def _greater(one: Column, two: Column) -> NDArray[np.bool_]:
    """By the first coordinate, then by the second."""
    greater: NDArray[np.bool_] = (one[:, 0] > two[:, 0]) | ((one[:, 0] == two[:, 0]) & (one[:, 1] > two[:, 1]))
    return greater


def _turned(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences in longitude the short way round."""
    return (lon + 180.0) % 360.0 - 180.0
