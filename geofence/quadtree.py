"""Which regions cover a point, by parity: the index behind the `compiled` engine.

A quadtree over the world whose leaves know the few edges that touch them, and which regions cover one point of theirs,
the anchor. On the way from the anchor to a ping, along one parallel and one meridian, each edge that is crossed turns
its regions on or off. Built once per version by `grow`, read by `covering`. Invariant: an answer is either exact or
UNSURE; a ping so near an edge that float arithmetic can't be certain is left to the reference.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.growth import CROWDED, DEEPEST, crossing, grow
from geofence.kernel import kernel
from geofence.ring import Edges, Shapes, canonical, edges, twins

UNSURE = -9
GRID_DEPTH = 10  # 4 MB: halves the time of a descent (9: 15 % slower; 11: no faster)
GRID = 1 << GRID_DEPTH
_FINEST = 1 << DEEPEST  # the world in steps of the deepest leaf

Leaves = NDArray[np.void]
Entries = NDArray[np.void]


class Quadtree(NamedTuple):
    """The tree in columns. Leaf k: its anchor, edges, the regions whose edges they are, and what covers all of it."""

    grid: NDArray[np.int32]  # the node of each cell of a GRID x GRID raster of the world: where the descent begins
    child: NDArray[np.int32]  # of a node: its first child, or -1 - leaf
    leaf: NDArray[np.void]  # LEAF
    entry: NDArray[np.void]  # ENTRY
    local: NDArray[np.int32]  # region
    link_region: NDArray[np.int32]  # overlay: a region that covers all of a leaf, and the link to the next
    link_next: NDArray[np.int32]


class _Soil(NamedTuple):
    """What a tree grows from: edges, each with the one or two regions whose border it is."""

    x1: NDArray[np.float64]
    y1: NDArray[np.float64]
    x2: NDArray[np.float64]
    y2: NDArray[np.float64]
    one: NDArray[np.int32]
    two: NDArray[np.int32]


def plant(shapes: Shapes, *, overlay: bool) -> Quadtree:
    """Build the tree of these shapes, which stand in the order of their ids."""
    soil = _soil(edges(shapes))
    child, leaf, entry, local, links = grow(*soil, len(shapes), overlay)
    link_region, link_next = (np.ascontiguousarray(links[name]) for name in ("region", "next"))
    return Quadtree(_raster(child), child, leaf, entry, local, link_region, link_next)


def _soil(these: Edges) -> _Soil:
    """Unite edges that two regions share, in an order that keeps neighbours together."""
    these = canonical(these)
    order, same = twins(these)
    run = np.arange(len(order)) - np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    firsts = np.flatnonzero(run % 2 == 0)  # of equal edges every two make one
    paired = np.zeros(len(order) + 1, np.bool_)
    paired[:-1] = run % 2 == 1
    one = these.region[order[firsts]]
    two = np.where(paired[firsts + 1], these.region[order[np.minimum(firsts + 1, len(order) - 1)]], -1)
    own = these.where(order[firsts])
    place = np.argsort(nearness(own.x1 + own.x2, own.y1 + own.y2), kind="stable")
    x1, y1, x2, y2 = (np.ascontiguousarray(column[place]) for column in (own.x1, own.y1, own.x2, own.y2))
    return _Soil(x1, y1, x2, y2, one[place].astype(np.int32), two[place].astype(np.int32))


def nearness(x2: NDArray[np.float64], y2: NDArray[np.float64]) -> NDArray[np.uint64]:
    """A sorting key, near for what lies near; from twice the lon and twice the lat."""
    return _spread((x2 + 360) / 720) | (_spread((y2 + 180) / 360) << np.uint64(1))


def _spread(share: NDArray[np.float64]) -> NDArray[np.uint64]:
    bits = (np.clip(share, 0, 1) * 0x3FFFFFFF).astype(np.uint64)
    for shift, mask in (
        (32, 0x00000000FFFFFFFF),
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


@njit(cache=True)
def _raster(child: NDArray[np.int32]) -> NDArray[np.int32]:
    """For each cell of the grid the node that is the cell, or the leaf that holds it."""
    grid = np.empty(GRID * GRID, np.int32)
    for row in range(GRID):
        for column in range(GRID):
            node, size = 0, GRID
            x, y = column, row
            while size > 1 and child[node] >= 0:
                size //= 2
                node = child[node] + (1 if x >= size else 0) + (2 if y >= size else 0)
                x, y = x % size, y % size
            grid[row * GRID + column] = node
    return grid


@kernel
def find_leaves(tree: Quadtree, lon: NDArray[np.float64], lat: NDArray[np.float64], out: NDArray[np.int64]) -> None:
    """The leaf that each point lies in, or within rounding of."""
    child, grid = tree.child, tree.grid
    for row in range(len(lon)):
        x = min(_FINEST - 1, int((lon[row] + 180.0) * (_FINEST / 360.0)))
        y = min(_FINEST - 1, int((lat[row] + 90.0) * (_FINEST / 180.0)))
        shift = DEEPEST - GRID_DEPTH
        place = child[grid[((y >> shift) << GRID_DEPTH) + (x >> shift)]]
        while place >= 0:
            shift -= 1
            place = child[place + ((x >> shift) & 1) + ((y >> shift) & 1) * 2]
        out[row] = -1 - place


@njit(cache=True, inline="always")
def covering(leaves: Leaves, entries: Entries, leaf: int, lon: float, lat: float) -> tuple[bool, np.uint64]:
    """Whether it is certain, and the local regions of the leaf that cover the point, as bits.

    Inlined, and given arrays and not the tree: counting references costs five times the work itself.
    """
    it = leaves[leaf]
    bits = it.inside
    certain = it.cover != CROWDED
    for place in range(it.first, it.first + it.many):
        edge = entries[place]
        parity = crossing(edge.x1, edge.y1, edge.x2, edge.y2, it.lon, it.lat, lon, lat)
        if parity == 2:
            certain = False
            break
        if parity == 1:
            bits ^= edge.turns
    return certain, bits


@kernel
def lowest_bit(bits: np.uint64) -> int:
    """The place of the lowest bit that is set; bits must not be 0."""
    place = 0
    while not bits & np.uint64(1):
        bits >>= np.uint64(1)
        place += 1
    return place
