"""The compiled engine's loops: columns of points in, columns of sightings out.

Between the quadtree (which region), the borders (how deep) and the atlas that owns both. Invariant: a row is either
answered exactly or marked UNSURE, and nothing else is ever skipped: a margin is left out only where the leaf's
clearance proves it to be the cap.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.border import Borders, plane_sq
from geofence.growth import CROWDED, DEEPEST
from geofence.kernel import kernel
from geofence.metric import MARGIN_END_M, PIECE_DEG, piece_m, span_m
from geofence.nearby import BLOCK_DEG
from geofence.quadtree import UNSURE, Quadtree, covering, find_leaves, lowest_bit
from geofence.sighting import settle_m

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_RAD = math.pi / 180.0
_LEAST_M, _MOST_M = 0.99 * 110_500.0, 1.01 * 112_000.0  # a degree of lat, with room for what the plane is off
_CLEAR_END_M = 1.002 * MARGIN_END_M  # and the way to the leaf's corner: no cap asks more of a leaf
_CHUNK = 1024  # points whose leaves are found before their edges are looked at: lets the loads overlap


@njit(cache=True, inline="always")
def _special(lon: float, lat: float) -> bool:
    """At the 180th meridian and the poles the world closes upon itself: left to the reference."""
    return abs(lon) >= 180.0 or abs(lat) >= 90.0


@njit(cache=True, inline="always")
def _far_from(entries: NDArray[np.void], first: int, many: int, lon: float, lat: float, far_m: float) -> bool:
    """Whether all of a leaf's edges are farther."""
    least, wide = (far_m / _LEAST_M) ** 2, math.cos(lat * _RAD)
    far = True
    for place in range(first, first + many):
        far = far and plane_sq(entries[place], lon, lat, wide) >= least
    return far


@kernel
def _nearest_edges(
    entries: NDArray[np.void], first: int, many: int, lon: float, lat: float, own: np.uint64
) -> tuple[float, float]:
    """Squared degrees to the nearest of a leaf's edges that turn a local in `own`, and of those that turn only one."""
    nearest_own, nearest_lone, wide = np.inf, np.inf, math.cos(lat * _RAD)
    for place in range(first, first + many):
        edge = entries[place]
        far = plane_sq(edge, lon, lat, wide)
        if edge.turns & own:
            nearest_own = min(nearest_own, far)
        if not edge.turns & (edge.turns - np.uint64(1)):
            nearest_lone = min(nearest_lone, far)
    return nearest_own, nearest_lone


@kernel
def _border_m(
    entries: NDArray[np.void], first: int, many: int, lon: float, lat: float, own: np.uint64, least: float, cap_m: float
) -> float:
    """Metres to the nearest edge of a leaf that turns a local in `own`, as borders measure; -1 if they cut it.

    `least` is what `_nearest_edges` found: only edges about as near are measured.
    """
    best, wide = cap_m, math.cos(lat * _RAD)
    for place in range(first, first + many):
        edge = entries[place]
        if not edge.turns & own or plane_sq(edge, lon, lat, wide) > 1.02 * least + 1e-14:
            continue
        if edge.x2 - edge.x1 > PIECE_DEG or abs(edge.y2 - edge.y1) > PIECE_DEG:
            return -1.0
        best = min(best, piece_m(lon, lat, edge.x1, edge.y1, edge.x2, edge.y2))
    return best


@njit(cache=True, inline="always")
def _margin_from_leaf(
    it: np.record,
    entries: NDArray[np.void],
    own: np.uint64,
    covered: bool,
    within_m: float,
    plain: bool,
    lon: float,
    lat: float,
    cap_m: float,
) -> tuple[float, float]:
    """The margin, if the leaf is enough to tell it, else -1 and how near the region's border is at most."""
    alone = within_m <= 0.0  # the answer is what covers the point, and nothing else
    known = (covered or alone) and cap_m <= it.known_m
    if not it.many:
        apart = span_m(it.lon, it.lat, lon, lat, it.wide)
        if cap_m <= it.clear_m - apart:
            return cap_m, np.inf
        known_m = 1.001 * (it.clear_m + apart) + 1.0
        if not (covered or alone):
            known_m += within_m  # the margin at the anchor ends before the border by this
        return -1.0, known_m if it.clear_m >= 0.0 else np.inf
    if known and _far_from(entries, it.first, it.many, lon, lat, cap_m):
        return cap_m, np.inf
    near_own, near_lone = _nearest_edges(entries, it.first, it.many, lon, lat, own)
    known_m = _MOST_M * math.sqrt(near_own) + 1.0 if it.known_m > 0.0 else np.inf  # cuts are no border
    ashore = alone or cap_m <= _LEAST_M * math.sqrt(near_lone)  # no coast within the cap, where it matters
    if known and plain and ashore:
        return _border_m(entries, it.first, it.many, lon, lat, own, near_own, cap_m), known_m
    return -1.0, known_m


@njit(cache=True)
def locate_partition(
    tree: Quadtree,
    borders: Borders,
    within_m: float,
    plain: bool,
    lon: Floats,
    lat: Floats,
    cap_m: Floats,
    region: Ints,
    margin_m: Floats,
    covered: NDArray[np.bool_],
) -> None:
    """Fill region, margin and covered; region is UNSURE where the reference must be asked (the rest is then unset).

    `plain`: the borders are the tree's own edges, since no regions overlap.
    """
    leaf, hard = np.empty(_CHUNK, np.int64), np.empty(_CHUNK, np.int64)
    own, known_m = np.empty(_CHUNK, np.uint64), np.empty(_CHUNK)
    for start in range(0, len(lon), _CHUNK):
        end = min(len(lon), start + _CHUNK)
        x, y, cap = lon[start:end], lat[start:end], cap_m[start:end]
        answer, margin, within = region[start:end], margin_m[start:end], covered[start:end]
        find_leaves(tree, x, y, leaf)
        many = _take_sure(tree.leaf, leaf, x, y, cap, answer, margin, within, hard)
        rows = hard[:many]
        _answer(tree.leaf, tree.entry, tree.local, rows, leaf, x, y, answer, own, within)
        _lean(tree.leaf, tree.entry, rows, leaf, own, within_m, plain, x, y, cap, answer, margin, known_m)
        for row in rows:
            if margin[row] < 0.0:
                answer[row], margin[row] = settle_m(
                    borders, answer[row], within_m, x[row], y[row], cap[row], known_m[row]
                )


@kernel
def _take_sure(
    leaves: NDArray[np.void],
    leaf: Ints,
    lon: Floats,
    lat: Floats,
    cap_m: Floats,
    answer: Ints,
    margin_m: Floats,
    covered: NDArray[np.bool_],
    hard: Ints,
) -> int:
    """Answer the points whose leaf alone knows all; the rows of the others into `hard`, and how many. No branches."""
    many = 0
    for row in range(len(lon)):
        it = leaves[leaf[row]]
        answer[row], margin_m[row], covered[row] = it.cover, cap_m[row], it.cover >= 0
        hard[many] = row
        many += (cap_m[row] > it.sure_m) | _special(lon[row], lat[row])
    return many


@kernel
def _answer(
    leaves: NDArray[np.void],
    entries: NDArray[np.void],
    local: NDArray[np.int32],
    rows: Ints,
    leaf: Ints,
    lon: Floats,
    lat: Floats,
    answer: Ints,
    own: NDArray[np.uint64],
    covered: NDArray[np.bool_],
) -> None:
    """The region that covers each point, -1 or UNSURE, and which of the leaf's locals it is (all, if none)."""
    for row in rows:
        certain, bits = covering(leaves, entries, leaf[row], lon[row], lat[row])
        first = leaves[leaf[row]].cover
        if bits:
            nearest = local[leaves[leaf[row]].local + lowest_bit(bits)]
            if first < 0 or nearest < first:
                first = nearest
        answer[row] = first if certain and not _special(lon[row], lat[row]) else UNSURE
        covered[row] = first >= 0
        own[row] = bits & (~bits + np.uint64(1)) if first >= 0 else ~np.uint64(0)


@kernel
def _lean(
    leaves: NDArray[np.void],
    entries: NDArray[np.void],
    rows: Ints,
    leaf: Ints,
    own: NDArray[np.uint64],
    within_m: float,
    plain: bool,
    lon: Floats,
    lat: Floats,
    cap_m: Floats,
    answer: Ints,
    margin_m: Floats,
    known_m: Floats,
) -> None:
    """The margins that the leaves alone can tell, else -1 and how near the region's border is at most."""
    for row in rows:
        margin_m[row] = 0.0
        if answer[row] != UNSURE:
            margin_m[row], known_m[row] = _margin_from_leaf(
                leaves[leaf[row]], entries, own[row], answer[row] >= 0, within_m, plain, lon[row], lat[row], cap_m[row]
            )


@kernel
def margins_partition(
    borders: Borders,
    within_m: float,
    lon: Floats,
    lat: Floats,
    cap_m: Floats,
    rows: Ints,
    region: Ints,
    margin_m: Floats,
    covered: NDArray[np.bool_],
) -> None:
    """Margins of some rows, whose regions are already known."""
    for row in rows:
        covered[row] = region[row] >= 0
        region[row], margin_m[row] = settle_m(borders, region[row], within_m, lon[row], lat[row], cap_m[row], np.inf)


@njit(cache=True)
def clearances(tree: Quadtree, borders: Borders, within_m: float, overlay: bool, leaves: NDArray[np.void]) -> None:
    """Put the anchor of each leaf without edges in its middle, with the margin there, for all its points to lean on.

    In an overlay that is the way to any border, and leaves so small that they have a list are passed over.
    """
    node, box, top = np.empty(4 * DEEPEST + 8, np.int64), np.empty((4 * DEEPEST + 8, 4), np.float64), 1
    node[0] = 0
    box[0] = (-180.0, -90.0, 360.0, 180.0)
    while top:
        top -= 1
        below = tree.child[node[top]]
        west, south, width, height = box[top]
        if below >= 0:
            for which in range(4):
                w, h = width * 0.5, height * 0.5
                node[top] = below + which
                box[top] = (west + w * (which & 1), south + h * (which >> 1), w, h)
                top += 1
            continue
        it = leaves[-1 - below]
        it.sure_m = -1.0
        if it.many or it.cover == CROWDED or (overlay and width <= BLOCK_DEG):
            continue
        lon, lat = west + width / 2, south + height / 2
        flattest = 0.0 if south <= 0.0 <= south + height else min(abs(south), abs(south + height))
        wide = math.cos(math.radians(flattest)) + 1e-6
        end_m = _CLEAR_END_M + 1.01 * span_m(lon, lat, west, south, wide)
        cover = -1 if overlay else it.cover
        answer, margin = settle_m(borders, cover, within_m, lon, lat, end_m, np.inf)
        if answer == cover:
            it.lon, it.lat, it.wide = lon, lat, wide
            it.clear_m = margin * (1.0 - 1e-6) - 1e-2
            corner_m = span_m(lon, lat, west, south, wide)
            it.sure_m = max(it.clear_m - corner_m, it.known_m if cover >= 0 or within_m <= 0.0 else -1.0) * (1.0 - 1e-6)
