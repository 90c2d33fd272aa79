"""A level: the rings as one zoom shows them, thinned, without islands too small to see.

Third step towards tiles. Invariants: a border between neighbours loses the same positions on both sides; only rings
that nobody shares are dropped; a region never vanishes: where nothing of it can be seen it is a square of one pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundaries.tiles.arcs import Arcs
from boundaries.tiles.outlines import Floats, Ints, Outlines, shoelace

EXTENT = 4096  # units across a tile
PIXEL = 16  # units across a pixel of a tile that is drawn 256 pixels wide
FULL_ZOOM = 15  # from here on nothing is thinned
_SLACK = PIXEL / 2  # units that a border may be off
_LEAST = 2 * PIXEL * PIXEL  # square units of an island or a lake that is worth drawing


@dataclass(frozen=True, slots=True)
class Level:
    """What the tiles of one zoom are cut from."""

    rings: Outlines
    box: Floats  # of each ring: west, north, east, south in world units

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        every = (self.rings.xy, self.rings.begin, self.rings.region, self.rings.polygon, self.rings.hole, self.box)
        return sum(column.nbytes for column in every)


def level_of(outlines: Outlines, arcs: Arcs, zoom: int) -> Level:
    """The rings as this zoom shows them."""
    if zoom >= FULL_ZOOM or not outlines.rings:
        return Level(outlines, _boxes(outlines))
    scale = float(EXTENT << zoom)
    small = ~arcs.shared & (np.abs(outlines.areas()) * scale**2 < _LEAST)
    rings = _kept(outlines, arcs.stays >= _SLACK / scale, small)
    seen = np.zeros(int(outlines.region.max()) + 1, np.bool_)
    if rings.rings:
        snapped = shoelace(np.rint(rings.xy * scale), rings.following(), rings.begin)
        seen[rings.region[(snapped != 0) & ~rings.hole]] = True
    lost = np.setdiff1d(outlines.region, np.flatnonzero(seen))
    drawn = _with_squares(rings, outlines, lost, PIXEL / 2 / scale)
    return Level(drawn, _boxes(drawn))


def _kept(outlines: Outlines, stays: NDArray[np.bool_], small: NDArray[np.bool_]) -> Outlines:
    """Without the positions that do not stay, and the rings that are small or have too few left."""
    ring = outlines.ring_of()
    size = np.bincount(ring[stays], minlength=outlines.rings)
    gone = small | (size < 3)
    outer = np.flatnonzero(~outlines.hole)
    gone |= gone[outer[np.cumsum(~outlines.hole) - 1]]  # a hole goes with its polygon
    left = np.flatnonzero(~gone)
    begin = np.concatenate([[0], np.cumsum(size[left])])
    xy = outlines.xy[stays & ~gone[ring]]
    return Outlines(xy, begin, outlines.region[left], outlines.polygon[left], outlines.hole[left])


def _with_squares(rings: Outlines, outlines: Outlines, lost: Ints, half: float) -> Outlines:
    """And for each region that is lost a square about the middle of its largest part."""
    if not len(lost):
        return rings
    area, boxes = outlines.areas(), _boxes(outlines)
    order = np.lexsort([area, outlines.region])
    largest = order[np.searchsorted(outlines.region[order], lost, side="right") - 1]
    middle = (boxes[largest, :2] + boxes[largest, 2:]) / 2
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    xy = np.concatenate([rings.xy, (middle[:, None, :] + corners).reshape(-1, 2)])
    begin = np.concatenate([rings.begin, rings.begin[-1] + 4 * np.arange(1, len(lost) + 1)])
    region = np.concatenate([rings.region, lost])
    polygon = np.concatenate([rings.polygon, outlines.polygon[largest]])
    hole = np.concatenate([rings.hole, np.zeros(len(lost), np.bool_)])
    return _sorted(Outlines(xy, begin, region, polygon, hole))


def _sorted(rings: Outlines) -> Outlines:
    """In the order of regions."""
    order = np.argsort(rings.region, kind="stable")
    size = np.diff(rings.begin)[order]
    begin = np.concatenate([[0], np.cumsum(size)])
    place = np.repeat(rings.begin[order] - begin[:-1], size) + np.arange(begin[-1])
    return Outlines(rings.xy[place], begin, rings.region[order], rings.polygon[order], rings.hole[order])


def _boxes(rings: Outlines) -> Floats:
    if not rings.rings:
        return np.zeros((0, 4))
    start = rings.begin[:-1]
    return np.hstack([np.minimum.reduceat(rings.xy, start), np.maximum.reduceat(rings.xy, start)])
