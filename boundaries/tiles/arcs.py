"""Arcs: how much each position of a border matters, so that one pass serves every zoom.

Second step towards tiles. A border is cut into arcs where it meets another one; an arc is thinned by Douglas and
Peucker's way, once, noting for each position up to which tolerance it stays. Invariant: an arc that two regions share
is gone through from the same end for both, so that both keep the same positions at any tolerance: no gap opens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundaries.tiles.outlines import Floats, Ints, Outlines
from geofence.kernel import kernel

_DEPTH = 128  # of the stack: the smaller half comes first, so that it never holds more than the places have bits


@dataclass(frozen=True, slots=True)
class Arcs:
    """Of each position up to which tolerance it stays (world units); of each ring whether others share any of it."""

    stays: Floats
    shared: NDArray[np.bool_]


def arcs_of(outlines: Outlines) -> Arcs:
    """Go through all rings."""
    xy, after, begin = outlines.xy, outlines.following(), outlines.begin
    if not len(xy):
        return Arcs(np.zeros(0), np.zeros(0, np.bool_))
    _, first, name, many = np.unique(
        xy[:, 0] + 1j * xy[:, 1], return_index=True, return_inverse=True, return_counts=True
    )
    name = name.astype(np.int64)
    before = np.empty_like(after)
    before[after] = np.arange(len(after))
    low, high = np.minimum(name[before], name[after]), np.maximum(name[before], name[after])
    fork = (low != low[first][name]) | (high != high[first][name])
    forks = np.bincount(name, weights=fork) > 0
    stays = np.empty(len(xy))
    stack = np.empty((_DEPTH, 2), np.int64), np.empty(_DEPTH)
    _weigh_rings(xy, begin, name, forks[name], stays, *stack)
    return Arcs(stays, np.logical_or.reduceat(many[name] > 1, begin[:-1]))


@kernel
def _weigh_rings(
    xy: Floats, begin: Ints, name: Ints, fork: NDArray[np.bool_], stays: Floats, spans: Ints, bounds: Floats
) -> None:
    for ring in range(len(begin) - 1):
        base, size = begin[ring], begin[ring + 1] - begin[ring]
        start, forks = 0, 0
        for k in range(size):
            if fork[base + k]:
                stays[base + k] = np.inf
                start = k if forks == 0 else start
                forks += 1
            elif forks == 0 and name[base + k] < name[base + start]:
                start = k
        if forks == 0:
            stays[base + start] = np.inf
        at = start
        while at < start + size:
            end = at + 1
            while end < start + size and not fork[base + end % size]:
                end += 1
            _weigh_arc(xy, name, base, size, at, end, stays, spans, bounds)
            at = end


@kernel
def _weigh_arc(
    xy: Floats, name: Ints, base: int, size: int, begin: int, end: int, stays: Floats, spans: Ints, bounds: Floats
) -> None:
    """Weigh what lies between two places of a ring, counted on beyond its size."""
    one, other = name[base + begin % size], name[base + end % size]
    if one == other:  # a ring, or a loop: the way round is what its second positions say
        one, other = name[base + (begin + 1) % size], name[base + (end - 1) % size]
    turned = one > other
    depth = 1
    spans[0, 0], spans[0, 1], bounds[0] = 0, end - begin, np.inf
    while depth > 0:
        depth -= 1
        low, high, bound = spans[depth, 0], spans[depth, 1], bounds[depth]
        if high - low < 2:
            continue
        farthest, most = low + 1, -1.0
        a = base + _place(begin, end, low, turned) % size
        b = base + _place(begin, end, high, turned) % size
        for k in range(low + 1, high):
            p = base + _place(begin, end, k, turned) % size
            away = _away2(xy[p, 0], xy[p, 1], xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1])
            if away > most:
                farthest, most = k, away
        bound = min(bound, np.sqrt(most))
        stays[base + _place(begin, end, farthest, turned) % size] = bound
        large_first = farthest - low > high - farthest
        for half in range(2):
            if (half == 0) == large_first:
                spans[depth, 0], spans[depth, 1] = low, farthest
            else:
                spans[depth, 0], spans[depth, 1] = farthest, high
            bounds[depth] = bound
            depth += 1


@kernel
def _place(begin: int, end: int, k: int, turned: bool) -> int:
    """The k-th place of an arc, from its first end or its last."""
    return end - k if turned else begin + k


@kernel
def _away2(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """The squared distance of a position from a line between two others."""
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    share = 0.0
    if length2 > 0.0:
        share = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length2))
    east, south = x - (ax + share * dx), y - (ay + share * dy)
    return east * east + south * south
