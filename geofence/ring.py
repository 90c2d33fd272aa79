"""Rings as columns of edges: what both engines and the margins are built from.

Turns polygons into edges, and takes out the edges that are no border: cuts along the 180th meridian where the region
goes on at the other side, and edges along a pole. Invariant: `edges` are exactly the file's coordinates; only
`borders`, which serve distances, are split or clipped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.metric import PIECE_DEG

Shapes = NDArray[np.object_]


class Edges(NamedTuple):
    """Straight edges and the region that each belongs to."""

    x1: NDArray[np.float64]
    y1: NDArray[np.float64]
    x2: NDArray[np.float64]
    y2: NDArray[np.float64]
    region: NDArray[np.int64]

    def where(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Edges:
        """Some of them."""
        return Edges(self.x1[keep], self.y1[keep], self.x2[keep], self.y2[keep], self.region[keep])


def edges(shapes: Shapes) -> Edges:
    """All edges of all rings, in ring order; edges of no length left out."""
    parts, region = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    follows = np.flatnonzero(ring[1:] == ring[:-1])
    x, y = points[:, 0] + 0.0, points[:, 1] + 0.0  # + 0.0 makes -0.0 and 0.0 the same bits
    found = Edges(x[follows], y[follows], x[follows + 1], y[follows + 1], region[part[ring[follows]]])
    return found.where((found.x1 != found.x2) | (found.y1 != found.y2))


def canonical(these: Edges) -> Edges:
    """The same edges, each from its western (else southern) end, so that two neighbours' are alike."""
    turn = (these.x1 > these.x2) | ((these.x1 == these.x2) & (these.y1 > these.y2))
    return Edges(
        np.where(turn, these.x2, these.x1),
        np.where(turn, these.y2, these.y1),
        np.where(turn, these.x1, these.x2),
        np.where(turn, these.y1, these.y2),
        these.region,
    )


def twins(these: Edges) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """An order of canonical edges in which equal ones are neighbours, and whether each equals the one before it."""
    key = np.zeros(len(these.x1), np.uint64)
    for factor, column in zip(
        (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5),
        these[:4],
        strict=True,
    ):
        key = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) + column.view(np.uint64) * np.uint64(
            factor
        )
    order = np.argsort(key, kind="stable")
    same = np.zeros(len(key), np.bool_)
    same[1:] = key[order[1:]] == key[order[:-1]]
    for column in these[:4]:
        same[1:] &= column[order[1:]] == column[order[:-1]]
    return order, same


def borders(shapes: Shapes) -> Edges:
    """The edges that are borders: without poles, and cuts at the 180th meridian behind which the region goes on."""
    every = edges(shapes)
    cut = (np.abs(every.x1) == 180) & (every.x1 == every.x2)
    pole = (np.abs(every.y1) == 90) & (every.y1 == every.y2)
    return join([every.where(~cut & ~pole), _open_cuts(every.where(cut))])


def disjoint(shapes: Shapes) -> Shapes:
    """What is left of each shape of a partition where earlier ones go first; the same objects where none overlap."""
    shapely.prepare(shapes)
    one, two = shapely.STRtree(shapes).query(shapes)
    one, two = one[one < two], two[one < two]
    meet = shapely.intersects(shapes[one], shapes[two])
    one, two = one[meet], two[meet]
    overlap = ~shapely.touches(shapes[one], shapes[two])
    left = shapes.copy()
    for later in np.unique(two[overlap]).tolist():
        earlier = shapely.union_all(shapes[one[overlap & (two == later)]])
        left[later] = shapely.difference(shapes[later], earlier)
    return left


def split(these: Edges) -> Edges:
    """Straight pieces of at most PIECE_DEG in lon and lat."""
    span = np.maximum(np.abs(these.x2 - these.x1), np.abs(these.y2 - these.y1))
    count = np.maximum(1, np.ceil(span / PIECE_DEG)).astype(np.int64)
    owner = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    start, end = place / count[owner], (place + 1) / count[owner]
    x1, y1, x2, y2 = (column[owner] for column in these[:4])
    last = place + 1 == count[owner]
    return Edges(
        x1 + start * (x2 - x1),
        y1 + start * (y2 - y1),
        np.where(last, x2, x1 + end * (x2 - x1)),
        np.where(last, y2, y1 + end * (y2 - y1)),
        these.region[owner],
    )


def _open_cuts(cuts: Edges) -> Edges:
    """The parts of edges along the 180th meridian across which their region does not go on."""
    rows: list[tuple[float, float, float, float, int]] = []
    for region in np.unique(cuts.region).tolist():
        own = cuts.where(cuts.region == region)
        low, high = np.minimum(own.y1, own.y2), np.maximum(own.y1, own.y2)
        ends = np.unique(np.concatenate([low, high]))
        for south, north in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            covers = (low <= south) & (high >= north)
            east, west = int(np.sum(covers & (own.x1 > 0))) % 2, int(np.sum(covers & (own.x1 < 0))) % 2
            if east != west:
                rows.append(
                    (180.0, south, 180.0, north, region)
                )  # either sign counts: one for both, so that twins meet
    table = np.array(rows, np.float64).reshape(-1, 5)
    return Edges(table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4].astype(np.int64))


def join(several: list[Edges]) -> Edges:
    """One after the other."""
    return Edges(*(np.concatenate(columns) for columns in zip(*several, strict=True)))
