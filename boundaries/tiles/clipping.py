"""Clipping: what of a ring lies within a square, side by side (Sutherland and Hodgman's way).

Used by `drawing` for every ring that sticks out of its tile. Invariant: where an edge leaves the square is reckoned
from its inner end, so that two regions that share the edge get the same place.
"""

from __future__ import annotations

from boundaries.tiles.outlines import Floats
from geofence.kernel import kernel


@kernel
def clip(ring: Floats, size: int, spare: Floats, low: float, high: float) -> int:
    """Cut the ring to low..high in both directions, in place; how many positions are left."""
    for axis in range(2):
        size = _clip_side(ring, size, spare, axis, low, 1.0)
        size = _clip_side(spare, size, ring, axis, high, -1.0)
    return size


@kernel
def _clip_side(ring: Floats, size: int, out: Floats, axis: int, bound: float, sign: float) -> int:
    """What of the ring has at least `bound` on this axis (`sign` -1: at most); how many positions."""
    many = 0
    for k in range(size):
        at, to = k, k + 1 if k + 1 < size else 0
        begins, ends = sign * (ring[at, axis] - bound) >= 0, sign * (ring[to, axis] - bound) >= 0
        if begins:
            out[many, 0], out[many, 1] = ring[at, 0], ring[at, 1]
            many += 1
        if begins != ends:
            near, far = (at, to) if begins else (to, at)
            share = (bound - ring[near, axis]) / (ring[far, axis] - ring[near, axis])
            other = 1 - axis
            out[many, axis] = bound
            out[many, other] = ring[near, other] + share * (ring[far, other] - ring[near, other])
            many += 1
    return many
