"""Which fences lie near a place: short lists, one for each small block of land, beside the quadtree of an overlay.

A ping in no fence needs the nearest of all, and most have none within what a decision can use. Built by `gather` once
the tree and the borders stand, read by `overlay`. Invariant: a list names every region with a border within NEAR_M of
any point of its leaf.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.border import Borders
from geofence.growth import DEEPEST
from geofence.quadtree import Quadtree

NEAR_M = 250.0
BLOCK_DEG = 0.006  # one list for land of some 500 m: smaller leaves share it
MOST = 32  # a longer list would take longer than a search


class Nearby(NamedTuple):
    """In columns: for each leaf the place of its list, or -1 (search instead); a list is its length, then regions."""

    list_of: NDArray[np.int32]
    listed: NDArray[np.int32]


def gather(tree: Quadtree, borders: Borders) -> Nearby:
    """The lists of all leaves."""
    return Nearby(*_gather(tree.child, len(tree.leaf), borders.node, borders.root[-1]))


@njit(cache=True)
def _gather(child, leaves, node, root):  # type: ignore[no-untyped-def]
    list_of, listed, many = np.full(leaves, -1, np.int32), np.empty(1024, np.int32), 1
    listed[0] = 0  # the empty list, which most share
    # a frame: node of the quadtree, and the list that it already has or -1; and its box
    todo, box, top = np.empty((4 * DEEPEST + 8, 2), np.int64), np.empty((4 * DEEPEST + 8, 4), np.float64), 1
    todo[0] = (0, -1)
    box[0] = (-180.0, -90.0, 360.0, 180.0)
    found, stack = np.empty(MOST + 1, np.int32), np.empty(512, np.int32)
    while top:
        top -= 1
        place, has = todo[top]
        west, south, width, height = box[top]
        below = child[place]
        if has < 0 and (below < 0 or width <= BLOCK_DEG):
            count = _near(node, root, west, south, west + width, south + height, found, stack)
            if count == 0:
                has = 0
            elif count <= MOST:
                if many + count >= len(listed):
                    listed = np.concatenate((listed, np.empty_like(listed)))
                has = many
                listed[many] = count
                listed[many + 1 : many + 1 + count] = found[:count]
                many += count + 1
        if below < 0:
            list_of[-1 - below] = has
            continue
        for which in range(4):
            w, h = width * 0.5, height * 0.5
            todo[top] = (below + which, has)
            box[top] = (west + w * (which & 1), south + h * (which >> 1), w, h)
            top += 1
    return list_of, listed[:many].copy()


@njit(cache=True)
def _near(node, root, west, south, east, north, found, stack):  # type: ignore[no-untyped-def]
    """Put the regions whose borders' box is within NEAR_M of a box into `found`; their number, or MOST + 1."""
    flattest = max(abs(south), abs(north))
    high = NEAR_M / 110_500.0
    if flattest > 85.0:
        return MOST + 1
    wide = high / math.cos(math.radians(flattest + 0.01))
    if west - wide < -180.0 or east + wide > 180.0:
        return MOST + 1
    if root < 0:
        return 0
    stack[0], top, count = root, 1, 0
    while top:
        top -= 1
        it = node[stack[top]]
        apart = it.west > east + wide or it.east < west - wide
        if apart or it.south > north + high or it.north < south - high:
            continue
        if it.region >= 0:
            if count == MOST:
                return MOST + 1
            found[count] = it.region
            count += 1
            continue
        for place in range(it.first, it.first + it.many):
            stack[top] = place
            top += 1
    return count
