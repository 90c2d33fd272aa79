"""The compiled engine's loops for overlays: which fences a ping is in, and how deep in each.

Between the quadtree and its lists (which fences), the borders (how deep) and the atlas that owns them. Large atlases
wait for memory more than they compute, so work goes in rounds over many points. Invariant: a row is answered exactly
or left to the reference; a margin is left out only where it is proved to be the cap.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.border import Borders, least_m, nearest_child, off_box, reach_m
from geofence.metric import gap_of, span_m
from geofence.nearby import MOST, NEAR_M, Nearby
from geofence.quadtree import Quadtree, covering, find_leaves, lowest_bit, nearness
from geofence.sighting import Sightings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_RAD = math.pi / 180.0
_CHUNK = 512  # points whose leaves are fetched before any is read: lets the loads overlap
SORTED_FROM = 1 << 16  # fewer points have few neighbours
_MANY = _CHUNK + MOST


@njit(cache=True)
def locate_overlay(tree: Quadtree, lon: Floats, lat: Floats, leaf: Ints) -> tuple[Ints, Ints, Ints]:
    """The row and region of each sighting, in order, and the rows to ask the reference about; fills in the leaves."""
    rows, regions, many = np.empty(len(lon) + 64, np.int64), np.empty(len(lon) + 64, np.int64), 0
    inside, certain = np.empty(_CHUNK, np.uint64), np.ones(len(lon), np.bool_)
    for start in range(0, len(lon), _CHUNK):
        end = min(len(lon), start + _CHUNK)
        x, y, leaves, sure = lon[start:end], lat[start:end], leaf[start:end], certain[start:end]
        find_leaves(tree, x, y, leaves)
        _fetch_edges(tree.leaf, tree.entry, leaves)
        _cover(tree.leaf, tree.entry, leaves, x, y, inside, sure)
        needed = many + _count(tree.leaf, tree.local, tree.link_next, leaves, inside)
        if needed > len(rows):
            more = np.empty(needed + len(rows) // 2, np.int64)
            rows, regions = np.concatenate((rows, more)), np.concatenate((regions, more))
        many = _tell(tree, start, leaves, inside, sure, rows, regions, many)
    return rows[:many], regions[:many], np.flatnonzero(~certain)


@njit(cache=True)
def _fetch_edges(leaves, entries, leaf):  # type: ignore[no-untyped-def]
    """Touch what will be read next: loads in a loop that does nothing else overlap."""
    touched = 0.0
    for row in range(len(leaf)):
        it = leaves[leaf[row]]
        if it.many:
            touched += entries[it.first].x1 + entries[it.first + (it.many >> 1)].x1
    return touched


@njit(cache=True)
def _cover(leaves, entries, leaf, lon, lat, inside, certain):  # type: ignore[no-untyped-def]
    for row in range(len(leaf)):
        sure, bits = covering(leaves, entries, leaf[row], lon[row], lat[row])
        certain[row] = sure and abs(lon[row]) < 180.0 and abs(lat[row]) < 90.0
        inside[row] = bits


@njit(cache=True)
def _count(leaves, local, link_next, leaf, inside):  # type: ignore[no-untyped-def]
    """No fewer than the sightings to come; touches the names of their regions."""
    needed = len(leaf)
    for row in range(len(leaf)):
        it, bits = leaves[leaf[row]], inside[row]
        if bits:
            needed += local[it.local] * 0
        while bits:
            bits &= bits - np.uint64(1)
            needed += 1
        link = it.cover
        while link >= 0:
            link = link_next[link]
            needed += 1
    return needed


@njit(cache=True)
def _tell(tree, start, leaf, inside, certain, rows, regions, many):  # type: ignore[no-untyped-def]
    leaves, local, link_region, link_next = tree.leaf, tree.local, tree.link_region, tree.link_next
    for row in range(len(leaf)):
        if not certain[row]:
            continue
        it, bits, begin = leaves[leaf[row]], inside[row], many
        link = it.cover
        if not bits and link < 0:
            rows[many], regions[many] = start + row, -1
            many += 1
            continue
        while bits:
            rows[many], regions[many] = start + row, local[it.local + lowest_bit(bits)]
            bits &= bits - np.uint64(1)
            many += 1
        while link >= 0:
            rows[many], regions[many] = start + row, link_region[link]
            link = link_next[link]
            many += 1
        if many > begin + 1:
            _sort(regions, begin, many)
    return many


@njit(cache=True, inline="always")
def _sort(regions: Ints, begin: int, end: int) -> None:
    """Put a few numbers in order; a call of the library's sort costs more than finding them."""
    if end - begin > 24:
        regions[begin:end].sort()
        return
    for at in range(begin + 1, end):
        region, place = regions[at], at
        while place > begin and regions[place - 1] > region:
            regions[place] = regions[place - 1]
            place -= 1
        regions[place] = region


@njit(cache=True)
def margins_overlay(
    tree: Quadtree,
    borders: Borders,
    nearby: Nearby,
    lon: Floats,
    lat: Floats,
    cap_m: Floats,
    leaf: Ints,
    rows: Ints,
    regions: Ints,
    margin_m: Floats,
) -> None:
    """The margin of each sighting: to the border of its own region; outside all, to the nearest region."""
    list_of, listed, root, leaves = nearby.list_of, nearby.listed, borders.root, tree.leaf
    whose, which, near = np.empty(_MANY, np.int32), np.empty(_MANY, np.int32), np.empty(_MANY, np.int32)
    count = 0
    for place in range(len(rows)):
        row, region = rows[place], regions[place]
        margin_m[place] = cap_m[row]
        if region >= 0:
            whose[count], which[count] = place, root[region]
            count += 1
        elif cap_m[row] <= NEAR_M and list_of[leaf[row]] >= 0:
            first = list_of[leaf[row]] + 1
            for at in range(first, first + listed[first - 1]):
                whose[count], which[count] = place, root[listed[at]]
                count += 1
        else:
            it = leaves[leaf[row]]
            if it.many or cap_m[row] > it.clear_m - span_m(it.lon, it.lat, lon[row], lat[row], it.wide):
                whose[count], which[count] = place, root[len(root) - 1]
                count += 1
        if count >= _CHUNK:
            _measure(borders, lon, lat, rows, whose[:count], which, near, margin_m)
            count = 0
    _measure(borders, lon, lat, rows, whose[:count], which, near, margin_m)


@njit(cache=True)
def _measure(borders, lon, lat, rows, whose, which, near, margin_m):  # type: ignore[no-untyped-def]
    """Lower the margin of each of `whose` by the tree of `which`; in rounds over all, so that loads overlap."""
    node, piece, kept = borders.node, borders.piece, 0
    for k in range(len(whose)):
        x, y = lon[rows[whose[k]]], lat[rows[whose[k]]]
        if off_box(node, which[k], x, y, math.cos(y * _RAD)) <= gap_of(margin_m[whose[k]]):
            whose[kept], which[kept] = whose[k], which[k]
            kept += 1
    _fetch_boxes(node, which[:kept])
    for k in range(kept):
        x, y = lon[rows[whose[k]]], lat[rows[whose[k]]]
        near[k] = nearest_child(node, which[k], x, y, math.cos(y * _RAD))
    _fetch_pieces(node, piece, near[:kept])
    for k in range(kept):
        x, y, best = lon[rows[whose[k]]], lat[rows[whose[k]]], margin_m[whose[k]]
        it, cos_y = node[which[k]], math.cos(y * _RAD)
        if near[k] < 0:
            best, _ = reach_m(borders, which[k], x, y, best, -1)
        else:
            best = min(best, least_m(node, piece, near[k], x, y, cos_y, best))
        if it.level == 1:
            for child in range(it.first, it.first + it.many):
                if child != near[k] and off_box(node, child, x, y, cos_y) <= gap_of(best):
                    best = min(best, least_m(node, piece, child, x, y, cos_y, best))
        margin_m[whose[k]] = best


@njit(cache=True)
def _fetch_boxes(node, which):  # type: ignore[no-untyped-def]
    touched = 0.0
    for place in which:
        it = node[place]
        if it.level == 1:
            touched += node[it.first].south + node[it.first + (it.many >> 1)].south + node[it.first + it.many - 1].south
    return touched


@njit(cache=True)
def _fetch_pieces(node, piece, near):  # type: ignore[no-untyped-def]
    touched = 0.0
    for place in near:
        if place >= 0:
            it = node[place]
            for at in range(it.first, it.first + it.many, 2):
                touched += piece[at].y1
    return touched


@njit(cache=True)
def search_overlay(
    borders: Borders, lon: Floats, lat: Floats, cap_m: Floats, rows: Ints, regions: Ints, margin_m: Floats
) -> None:
    """The same margins by search alone."""
    everything = len(borders.root) - 1
    for place in range(len(rows)):
        row, root = rows[place], borders.root[regions[place] if regions[place] >= 0 else everything]
        margin_m[place], _ = reach_m(borders, root, lon[row], lat[row], cap_m[row], -1)


def by_place(lon: Floats, lat: Floats) -> Ints:
    """An order of points in which neighbours are near."""
    order: Ints = np.argsort(nearness(2.0 * lon, 2.0 * lat))
    return order


def in_order(seen: Sightings, order: Ints) -> Sightings:
    """Sightings of points that were taken in another order, as if they had not been."""
    row = order[seen.row]
    back = np.empty(len(row), np.int64)
    _rank(row, len(order), back)
    region, margin_m = np.empty_like(seen.region), np.empty_like(seen.margin_m)
    region[back], margin_m[back] = seen.region, seen.margin_m
    rows = np.empty_like(row)
    rows[back] = row
    return Sightings(rows, region, margin_m, region >= 0)


@njit(cache=True)
def _rank(row: Ints, many: int, place: Ints) -> None:
    """The place of each entry when they are put in the order of `row`, equal ones as they stand."""
    start = np.zeros(many + 1, np.int64)
    for value in row:
        start[value + 1] += 1
    for value in range(many):
        start[value + 1] += start[value]
    for k in range(len(row)):
        place[k] = start[row[k]]
        start[row[k]] += 1
