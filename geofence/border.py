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
from geofence.kernel import kernel
from geofence.metric import PIECE_DEG, gap, gap_of, piece_m
from geofence.quadtree import Quadtree, nearness
from geofence.ring import Edges, Shapes, borders, canonical, join, split

FAN = 8
DESK = np.dtype([("node", "i8"), ("gap", "f8")])
_STACK = 256
_HIGH = 9  # the level of what stands above the regions
_RAD = math.pi / 180.0
_PLANE_M, _PLANE_COS = 1_000.0, 0.087  # so near, and no nearer to a pole than 5 degrees, a plane is 0.2 % off at most
_PLANE_LEAST_M = 110_000.0  # a degree of lat is longer, with room for that
_PLANE_ROUNDING = 1e-14  # a centimetre, squared, in degrees
_PLANE_SLACK = 1.03  # and what is longer by this (squared) in the plane is longer on the ellipsoid

Nodes = NDArray[np.void]
Pieces = NDArray[np.void]

NODE = np.dtype(
    [
        ("west", "f4"),  # the box, rounded outwards
        ("south", "f4"),
        ("east", "f4"),
        ("north", "f4"),
        ("least_cos", "f4"),
        ("first", "i4"),  # its first child, or first piece
        ("many", "i2"),
        ("level", "i2"),  # 0: its children are pieces
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
    return Borders(node, piece, root, desk())


def desk() -> NDArray[np.void]:
    """An empty one."""
    return np.zeros(_STACK, DESK)


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
        level["region"], level["level"] = group[first], len(levels) if leaf else _HIGH
        levels.append(level)
        if len(first) == len(starts) and (leaf or len(first) <= 1):
            return np.concatenate(levels), (group[first], placed + np.arange(len(first)))
        below, placed = placed, placed + len(first)
        boxes = np.stack([level[name] for name in ("west", "south", "east", "north")])
        group = group[first]


def _outwards(values: NDArray[np.float64], towards: float) -> NDArray[np.float32]:
    return np.nextafter(values.astype(np.float32), np.float32(towards))


@kernel
def reach_m(borders: Borders, root: int, lon: float, lat: float, cap_m: float, but: int) -> tuple[float, int]:
    """Metres to the nearest piece of a tree, or cap_m if none is nearer, and its region; `but`: one to pass over."""
    best, whose, limit = cap_m, -1, gap_of(cap_m)
    if root < 0:
        return best, whose
    node, piece, desk = borders.node, borders.piece, borders.desk
    cos_lat = math.cos(lat * _RAD)
    desk[0].node, desk[0].gap, top = root, off_box(node, root, lon, lat, cos_lat), 1
    while top:
        top -= 1
        if desk[top].gap > limit:
            continue
        place = desk[top].node
        it = node[place]
        if it.level == 0:
            far = least_m(node, piece, place, lon, lat, cos_lat, best)
            if far < best or (far == best and whose > it.region):
                best, whose, limit = far, it.region, gap_of(far)
            continue
        base = top
        for below in range(it.first, it.first + it.many):
            if node[below].region == but and but >= 0:
                continue
            off = off_box(node, below, lon, lat, cos_lat)
            if off > limit:
                continue
            at = top
            while at > base and desk[at - 1].gap < off:
                desk[at].node, desk[at].gap = desk[at - 1].node, desk[at - 1].gap
                at -= 1
            desk[at].node, desk[at].gap = below, off
            top += 1
    return best, whose


@njit(cache=True, inline="always")
def off_box(node: Nodes, at: int, lon: float, lat: float, cos_lat: float) -> float:
    """How far a node's box is at least, as a haversine."""
    it = node[at]
    return gap(lon, lat, cos_lat, it.west, it.south, it.east, it.north, it.least_cos)


@njit(cache=True, inline="always")
def nearest_child(node: Nodes, at: int, lon: float, lat: float, cos_lat: float) -> int:
    """Of a node whose children have pieces the one with the nearest box; itself if it has pieces; else -1."""
    it = node[at]
    if it.level != 1:
        return at if it.level == 0 else -1
    nearest, least = -1, math.inf
    for child in range(it.first, it.first + it.many):
        off = off_box(node, child, lon, lat, cos_lat)
        if off < least:
            nearest, least = child, off
    return nearest


@kernel
def least_m(node: Nodes, piece: Pieces, at: int, lon: float, lat: float, cos_lat: float, best: float) -> float:
    """The least of a node's own pieces, infinite if none is as near as `best`.

    Nearby, a plane tells all but one or two of them apart from the nearest; farther off their boxes do.
    """
    it, least = node[at], math.inf
    first, end = it.first, it.first + it.many
    if best > _PLANE_M or cos_lat < _PLANE_COS:
        limit = gap_of(best)
        for place in range(first, end):
            p = piece[place]
            south, north = min(p.y1, p.y2), max(p.y1, p.y2)
            if gap(lon, lat, cos_lat, min(p.x1, p.x2), south, max(p.x1, p.x2), north, it.least_cos) <= limit:
                least = min(least, piece_m(lon, lat, p.x1, p.y1, p.x2, p.y2))
                limit = min(limit, gap_of(least))
        return least
    nearest, flat, second = first, math.inf, math.inf
    for place in range(first, end):
        off = plane_sq(piece[place], lon, lat, cos_lat)
        nearest = place if off < flat else nearest
        second = min(second, max(off, flat))
        flat = min(flat, off)
    if flat > (best / _PLANE_LEAST_M) ** 2 + _PLANE_ROUNDING:
        return least
    limit = flat * _PLANE_SLACK + _PLANE_ROUNDING
    if second > limit:
        first, end = nearest, nearest + 1
    for place in range(first, end):
        p = piece[place]
        if plane_sq(p, lon, lat, cos_lat) <= limit:
            least = min(least, piece_m(lon, lat, p.x1, p.y1, p.x2, p.y2))
    return least


@njit(cache=True, inline="always")
def plane_sq(p: np.record, lon: float, lat: float, cos_lat: float) -> float:
    """The square of the distance to a piece in degrees of lat, in the plane around the point."""
    px, py = lon - p.x1, lat - p.y1
    if p.x2 - p.x1 <= PIECE_DEG:  # a longer edge of a file may well be more than half the world away at one end
        if px > 180.0:
            px -= 360.0
        elif px < -180.0:
            px += 360.0
    px *= cos_lat
    dx, dy = (p.x2 - p.x1) * cos_lat, p.y2 - p.y1
    along = min(1.0, max(0.0, (px * dx + py * dy) / max(1e-300, dx * dx + dy * dy)))
    px -= along * dx
    py -= along * dy
    off: float = px * px + py * py
    return off
