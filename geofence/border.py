"""How far it is to a border: trees of boxes over the pieces of every region's border.

Each region has a tree of its own, since a margin is the way out of *one* region; above them stands one tree of all.
Beside the regions' stands the coast's: where a region ends and no other begins. Built by `survey`, asked by `reach_m`.
Invariant: an answer is the least `piece_m` of all the pieces asked for, or the cap: the same bits as trying them all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.coast import coast
from geofence.metric import gap, gap_of, piece_m
from geofence.quadtree import Quadtree, nearness
from geofence.ring import Edges, Shapes, borders, canonical, join, split

FAN = 8
DESK = np.dtype([("node", "i8"), ("gap", "f8")])
_STACK = 256
_RAD = math.pi / 180.0

NODE = np.dtype(
    [
        ("west", "f4"),  # the box, rounded outwards
        ("south", "f4"),
        ("east", "f4"),
        ("north", "f4"),
        ("least_cos", "f4"),
        ("first", "i4"),  # its first child, or first piece
        ("many", "i2"),
        ("leaf", "i2"),
        ("region", "i4"),  # -1 above the regions
    ]
)
PIECE = np.dtype([("x1", "f8"), ("y1", "f8"), ("x2", "f8"), ("y2", "f8")])


class Borders(NamedTuple):
    """The trees in columns. `root[i]` is region i's; `root[n]`: the coast's; `root[n + 1]`: all regions'; -1: none."""

    node: NDArray[np.void]
    piece: NDArray[np.void]
    root: NDArray[np.int32]
    desk: NDArray[np.void]  # where `reach_m` works: a search is not for two threads at once, and numba holds the lock


def survey(shapes: Shapes, tree: Quadtree | None) -> Borders:
    """The borders of an overlay's shapes, or of a partition's without overlaps, whose quadtree gives the coast."""
    own = borders(shapes)
    if tree is None:
        return _plant(split(canonical(own)), len(shapes))
    shore = coast(own, shapes, tree)
    shore = shore._replace(region=np.full(len(shore.x1), len(shapes)))
    return _plant(split(canonical(join([own, shore]))), len(shapes))


def _plant(own: Edges, regions: int) -> Borders:
    """Sort the pieces by region and place, and pile boxes of FAN on them: a tree for each, and one over all."""
    order = np.lexsort((nearness(own.x1 + own.x2, own.y1 + own.y2), own.region))
    own = own.where(order)
    piece = np.zeros(len(order), PIECE)
    for name, column in zip(("x1", "y1", "x2", "y2"), own[:4], strict=True):
        piece[name] = column
    boxes = np.stack(
        [
            np.minimum(own.x1, own.x2),
            np.minimum(own.y1, own.y2),
            np.maximum(own.x1, own.x2),
            np.maximum(own.y1, own.y2),
        ]
    )
    node, top_of = _pile(boxes, own.region, leaf=True, offset=0)
    root = np.full(regions + 2, -1, np.int32)
    root[top_of[0]] = top_of[1]
    tops = root[:regions][root[:regions] >= 0]
    if len(tops):
        near = np.argsort(nearness(node["west"][tops] + node["east"][tops], node["south"][tops] + node["north"][tops]))
        copies = node[tops[near]]  # children must be neighbours
        boxes = np.stack([copies[name] for name in ("west", "south", "east", "north")])
        above, top = _pile(boxes, np.full(len(copies), -1), leaf=False, offset=len(node))
        node = np.concatenate([node, copies, above])
        root[regions + 1] = top[1][0]
    return Borders(node, piece, root, np.zeros(_STACK, DESK))


def _pile(
    boxes: NDArray[np.float64], group: NDArray[np.int64], *, leaf: bool, offset: int
) -> tuple[NDArray[np.void], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Boxes of up to FAN neighbours of the same group, again and again until each group has one: the nodes, and those.

    `offset` is the place that the lowest boxes have among the nodes (or pieces, below a leaf).
    """
    levels: list[NDArray[np.void]] = []
    below, placed = offset, offset + (0 if leaf else len(group))
    while True:
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.zeros(0, np.int64)
        rank = np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
        first = np.flatnonzero(rank % FAN == 0)
        level = np.zeros(len(first), NODE)
        if len(first):
            for name, side in (("west", 0), ("south", 1)):
                level[name] = _outwards(np.minimum.reduceat(boxes[side], first), -np.inf)
            for name, side in (("east", 2), ("north", 3)):
                level[name] = _outwards(np.maximum.reduceat(boxes[side], first), np.inf)
        flattest = np.minimum(90.0, np.maximum(np.abs(level["south"]), np.abs(level["north"])).astype(np.float64))
        level["least_cos"] = np.maximum(0.0, _outwards(np.cos(np.radians(flattest)), -np.inf))
        level["first"], level["many"] = below + first, np.diff(np.r_[first, len(group)])
        level["region"], level["leaf"] = group[first], leaf and not levels
        levels.append(level)
        if len(first) == len(starts) and (leaf or len(first) <= 1):
            return np.concatenate(levels), (group[first], placed + np.arange(len(first)))
        below, placed = placed, placed + len(first)
        boxes = np.stack([level[name] for name in ("west", "south", "east", "north")])
        group = group[first]


def _outwards(values: NDArray[np.float64], towards: float) -> NDArray[np.float32]:
    return np.nextafter(values.astype(np.float32), np.float32(towards))


@njit(cache=True)
def reach_m(borders: Borders, root: int, lon: float, lat: float, cap_m: float, but: int) -> tuple[float, int]:
    """Metres to the nearest piece of a tree, or cap_m if none is nearer, and its region; `but`: one to pass over."""
    best, whose, limit = cap_m, -1, gap_of(cap_m)
    if root < 0:
        return best, whose
    node, piece = borders.node, borders.piece
    cos_lat = math.cos(lat * _RAD)
    desk = borders.desk
    desk[0].node, desk[0].gap, top = root, 0.0, 1
    while top:
        top -= 1
        if desk[top].gap > limit:
            continue
        it = node[desk[top].node]
        if it.leaf:
            for place in range(it.first, it.first + it.many):
                p = piece[place]
                south, north = min(p.y1, p.y2), max(p.y1, p.y2)
                if gap(lon, lat, cos_lat, min(p.x1, p.x2), south, max(p.x1, p.x2), north, it.least_cos) > limit:
                    continue
                far = piece_m(lon, lat, p.x1, p.y1, p.x2, p.y2)
                if far < best or (far == best and whose > it.region):
                    best, whose, limit = far, it.region, gap_of(far)
            continue
        base = top
        for place in range(it.first, it.first + it.many):
            below = node[place]
            if below.region == but and but >= 0:
                continue
            off = gap(lon, lat, cos_lat, below.west, below.south, below.east, below.north, below.least_cos)
            if off > limit:
                continue
            at = top
            while at > base and desk[at - 1].gap < off:
                desk[at].node, desk[at].gap = desk[at - 1].node, desk[at - 1].gap
                at -= 1
            desk[at].node, desk[at].gap = place, off
            top += 1
    return best, whose
