"""The coast: where a region ends and no other begins. What `nearest_within_m` and the distance to "outside" are
measured to.

Between `ring`, which gives the borders of a partition without overlaps, and `border`, which builds a tree of what is
found here. Neighbours need not have the same vertices, so edges are first cut at each other's. Invariant: of what is
told to be coast, one side is covered by no region, along all of it.
"""

from __future__ import annotations

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from geofence.growth import CROWDED
from geofence.quadtree import Quadtree, covering, find_leaves
from geofence.ring import Edges, Shapes, canonical, join, twins

NODE_DEG = 1e-11  # a micrometre: what lies so near to another's edge is on it but for rounding
_STEPS_DEG = (2e-11, 3.1e-11, 4.7e-11)  # to either side of an edge: enough for `crossing` to be sure
_UNSURE = 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def coast(own: Edges, shapes: Shapes, tree: Quadtree) -> Edges:
    """The borders, cut where another region begins, that have no region at one side."""
    lone = own.where(_alone(own))
    joints = _joints(lone, tree)
    if len(joints):
        lone = _cut(lone, joints)
        lone = lone.where(_alone(lone))
    return lone.where(_ends(lone, shapes, tree))


def _alone(own: Edges) -> NDArray[np.bool_]:
    """Which edges are not exactly another's too."""
    order, same = twins(canonical(own))
    alone = ~same
    alone[:-1] &= ~same[1:]
    answer = np.zeros(len(order), np.bool_)
    answer[order] = alone
    return answer


def _leaves(tree: Quadtree, x: Floats, y: Floats) -> Ints:
    leaves = np.empty(len(x), np.int64)
    find_leaves(tree, x, y, leaves)
    return leaves


def _joints(lone: Edges, tree: Quadtree) -> Floats:
    """The vertices, as rows of lon and lat, that lie on an edge whose end they are not."""
    ends = np.c_[np.r_[lone.x1, lone.x2], np.r_[lone.y1, lone.y2]]
    found = np.zeros(len(ends), np.bool_)
    for side in (1.0, -1.0):  # either sign counts at the 180th meridian
        x, y = np.where(np.abs(ends[:, 0]) == 180, side * np.abs(ends[:, 0]), ends[:, 0]), ends[:, 1].copy()
        found |= _lies_on_edge(tree, _leaves(tree, x, y), x, y)
    return np.unique(ends[found], axis=0)


def _cut(lone: Edges, joints: Floats) -> Edges:
    """The edges, cut at the joints that lie on them."""
    points = shapely.points(joints)
    lines = shapely.linestrings(np.stack([np.c_[lone.x1, lone.y1], np.c_[lone.x2, lone.y2]], axis=1))
    joint, edge = shapely.STRtree(lines).query(points, predicate="dwithin", distance=NODE_DEG)
    x, y = joints[joint].T
    inner = ((x != lone.x1[edge]) | (y != lone.y1[edge])) & ((x != lone.x2[edge]) | (y != lone.y2[edge]))
    if not inner.any():
        return lone
    x, y, edge = x[inner], y[inner], edge[inner]
    along = (x - lone.x1[edge]) * (lone.x2 - lone.x1)[edge] + (y - lone.y1[edge]) * (lone.y2 - lone.y1)[edge]
    order = np.lexsort((along, edge))
    x, y, edge = x[order], y[order], edge[order]
    first, last = np.r_[True, edge[1:] != edge[:-1]], np.r_[edge[1:] != edge[:-1], True]
    begin = Edges(
        np.where(first, lone.x1[edge], np.roll(x, 1)),
        np.where(first, lone.y1[edge], np.roll(y, 1)),
        x,
        y,
        lone.region[edge],
    )
    final = Edges(x[last], y[last], lone.x2[edge[last]], lone.y2[edge[last]], lone.region[edge[last]])
    whole = np.ones(len(lone.x1), np.bool_)
    whole[edge] = False
    return join([lone.where(whole), begin, final])


@njit(cache=True, inline="always")
def _is_on(lon, lat, x1, y1, x2, y2):  # type: ignore[no-untyped-def]
    """Whether a place lies on an edge, or so near that it is meant to."""
    dx, dy = x2 - x1, y2 - y1
    along = min(1.0, max(0.0, ((lon - x1) * dx + (lat - y1) * dy) / (dx * dx + dy * dy)))
    x, y = lon - x1 - along * dx, lat - y1 - along * dy
    return x * x + y * y <= NODE_DEG * NODE_DEG


@njit(cache=True)
def _lies_on_edge(tree, leaves, lon, lat):  # type: ignore[no-untyped-def]
    """Whether each place lies on an edge whose end it is not."""
    leaf_at, entries = tree.leaf, tree.entry
    answer = np.zeros(len(lon), np.bool_)
    for row in range(len(lon)):
        it, x, y = leaf_at[leaves[row]], lon[row], lat[row]
        answer[row] = it.cover == CROWDED
        for place in range(it.first, it.first + it.many):
            edge = entries[place]
            end = (edge.x1 == x and edge.y1 == y) or (edge.x2 == x and edge.y2 == y)
            if not end and _is_on(x, y, edge.x1, edge.y1, edge.x2, edge.y2):
                answer[row] = True
    return answer


def _ends(lone: Edges, shapes: Shapes, tree: Quadtree) -> NDArray[np.bool_]:
    """Which edges have a side, seen from their middle, that no region covers."""
    x, y = (lone.x1 + lone.x2) / 2, (lone.y1 + lone.y2) / 2
    dx, dy = lone.x2 - lone.x1, lone.y2 - lone.y1
    length = np.sqrt(dx * dx + dy * dy)
    ends = np.zeros(len(x), np.bool_)
    for side in (1.0, -1.0):
        state = np.full(len(x), _UNSURE, np.uint8)
        for step in _STEPS_DEG:
            asked = np.flatnonzero((state == _UNSURE) & ~ends)
            lon, lat = (x - side * step * dy / length)[asked], (y + side * step * dx / length)[asked]
            lon = np.where(lon > 180, lon - 360, np.where(lon < -180, lon + 360, lon))
            state[asked] = _covered(tree, _leaves(tree, lon, lat), lon, lat)
        for row, place in zip(asked.tolist(), shapely.points(lon, lat), strict=True):
            if state[row] == _UNSURE:
                state[row] = shapely.intersects(shapes, place).any()
        ends |= state == 0
    return ends


@njit(cache=True)
def _covered(tree: Quadtree, leaves: Ints, lon: Floats, lat: Floats) -> NDArray[np.uint8]:
    """Whether any region covers each place, or _UNSURE."""
    leaf_at, entries = tree.leaf, tree.entry
    answer = np.zeros(len(lon), np.uint8)
    for row in range(len(lon)):
        certain, bits = covering(leaf_at, entries, leaves[row], lon[row], lat[row])
        if not certain:
            answer[row] = _UNSURE
        elif bits or leaf_at[leaves[row]].cover >= 0:
            answer[row] = 1
    return answer
