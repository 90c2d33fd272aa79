"""Drawing: the rings that reach into a tile become the features of a Mapbox Vector Tile (version 2.1), in bytes.

Last step towards a tile, compiled. Invariants: positions are rounded to the tile's units before anything is cut, so
that neighbours stay flush; outer rings have a positive area, holes a negative one; what has no area is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from boundaries.tiles.clipping import clip
from boundaries.tiles.outlines import Floats, Ints
from geofence.kernel import kernel

Bytes = NDArray[np.uint8]
BUFFER = 64  # units around a tile that it shows too
_MOVE_TO, _LINE_TO, _CLOSE = 9, 2, 15  # one MoveTo, LineTo without its count, ClosePath


class Desk(NamedTuple):
    """Room to work in."""

    ring: Floats
    spare: Floats
    geometry: Bytes
    out: Bytes
    drawn: Ints  # the regions that came to be features, in order
    cursor: Ints  # where the last ring ended


def desk_for(positions: int, largest: int, features: int) -> Desk:
    """Room for rings with so many positions in all; each side that is cut makes at most half as many more."""
    ring, every = 6 * largest + 64, 6 * positions + 64
    room = (np.empty(6 * every, np.uint8), np.empty(6 * every + 64 * (features + 1), np.uint8))
    return Desk(np.empty((ring, 2)), np.empty((ring, 2)), *room, np.empty(features, np.int64), np.zeros(2, np.int64))


@kernel
def draw(
    xy: Floats, begin: Ints, region: Ints, polygon: Ints, hole: NDArray[np.bool_], chosen: Ints,
    scale: float, left: int, top: int, high: int, buffer: int, colour: Bytes, colours: int, desk: Desk,
) -> tuple[int, int]:  # fmt: skip
    """The features of the chosen rings, one for each region: how many bytes of `desk.out`, and how many features."""
    size, features, geometry, outer = 0, 0, 0, -1
    for k in range(len(chosen)):
        ring = chosen[k]
        if hole[ring] and polygon[ring] != outer:
            continue  # its polygon came to nothing here
        if geometry == 0:
            desk.cursor[0] = desk.cursor[1] = 0
        many = _snap(xy, begin[ring], begin[ring + 1], scale, left, top, desk.ring)
        many = _tidy(desk.ring, _within(desk, many, -buffer, high + buffer))
        grown = _put_ring(desk, many, hole[ring], geometry)
        if not hole[ring]:
            outer = polygon[ring] if grown > geometry else -1
        geometry = grown
        if geometry and (k + 1 == len(chosen) or region[chosen[k + 1]] != region[ring]):
            size = _put_feature(desk, size, region[ring], features, colour[region[ring]], colours, geometry)
            desk.drawn[features] = region[ring]
            features, geometry = features + 1, 0
    return size, features


@kernel
def _snap(xy: Floats, begin: int, end: int, scale: float, left: int, top: int, out: Floats) -> int:
    """A ring in whole units of the tile."""
    for k in range(begin, end):
        out[k - begin, 0] = np.rint(xy[k, 0] * scale) - left
        out[k - begin, 1] = np.rint(xy[k, 1] * scale) - top
    return end - begin


@kernel
def _within(desk: Desk, size: int, low: float, high: float) -> int:
    """Cut the ring on the desk to a square, if it reaches beyond."""
    for k in range(size):
        if min(desk.ring[k, 0], desk.ring[k, 1]) < low or max(desk.ring[k, 0], desk.ring[k, 1]) > high:
            return clip(desk.ring, size, desk.spare, low, high)
    return size


@kernel
def _tidy(ring: Floats, size: int) -> int:
    """Round, and leave out positions that are as the one before; how many are left."""
    many = 0
    for k in range(size):
        x, y = np.rint(ring[k, 0]), np.rint(ring[k, 1])
        if many == 0 or x != ring[many - 1, 0] or y != ring[many - 1, 1]:
            ring[many, 0], ring[many, 1] = x, y
            many += 1
    while many > 1 and ring[0, 0] == ring[many - 1, 0] and ring[0, 1] == ring[many - 1, 1]:
        many -= 1
    return many


@kernel
def _put_ring(desk: Desk, size: int, hole: bool, at: int) -> int:
    """Write a ring as commands, from `at` on; where it ends, which is `at` if the ring has no area."""
    ring, twice = desk.ring, 0.0
    for k in range(size):
        after = k + 1 if k + 1 < size else 0
        twice += ring[k, 0] * ring[after, 1] - ring[after, 0] * ring[k, 1]
    if size < 3 or twice == 0:
        return at
    turned = (twice < 0) != hole
    for k in range(size):
        if k < 2:
            at = _put_number(desk.geometry, at, _MOVE_TO if k == 0 else _LINE_TO | (size - 1) << 3)
        place = size - 1 - k if turned else k
        for axis in range(2):
            moved = int(ring[place, axis]) - desk.cursor[axis]
            at = _put_number(desk.geometry, at, (moved << 1) ^ (moved >> 63))
            desk.cursor[axis] += moved
    return _put_number(desk.geometry, at, _CLOSE)


@kernel
def _put_feature(desk: Desk, at: int, region: int, rank: int, colour: int, colours: int, geometry: int) -> int:
    """Write a feature: its id, what its keys 0 (id), 1 (name) and 2 (colour) stand for, that it is a polygon."""
    its_id, its_name = colours + 2 * rank, colours + 2 * rank + 1
    tags = 3 + _width(its_id) + _width(its_name) + _width(colour)
    size = 1 + _width(region) + 1 + _width(tags) + tags + 2 + 1 + _width(geometry) + geometry
    out = desk.out
    at = _put_number(out, _put_number(out, at, 2 << 3 | 2), size)
    at = _put_number(out, _put_number(out, at, 1 << 3), region)
    at = _put_number(out, _put_number(out, at, 2 << 3 | 2), tags)
    at = _put_number(out, _put_number(out, at, 0), its_id)
    at = _put_number(out, _put_number(out, at, 1), its_name)
    at = _put_number(out, _put_number(out, at, 2), colour)
    at = _put_number(out, _put_number(out, at, 3 << 3), 3)
    at = _put_number(out, _put_number(out, at, 4 << 3 | 2), geometry)
    for k in range(geometry):
        out[at + k] = desk.geometry[k]
    return at + geometry


@kernel
def _put_number(out: Bytes, at: int, number: int) -> int:
    """Write a number, seven bits in a byte; where it ends."""
    while number > 127:
        out[at] = number & 127 | 128
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


@kernel
def _width(number: int) -> int:
    """How many bytes a number takes."""
    width = 1
    while number > 127:
        number >>= 7
        width += 1
    return width
