"""How a quadtree grows: from all edges at the root down to leaves that keep a few.

Each node knows the edges that touch it, one point of it (the anchor), and which of the regions that these edges belong
to cover that point. A child's anchor is reached from its parent's by counting the edges crossed, so that nothing
outside this file is ever asked. Invariant: a region whose edges no longer touch a node covers all of it or none of it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

NEAR_DEG = 1e-11  # a hundred times what the arithmetic of `crossing` can be off
FEW, FEW_FENCES, MANY_FENCES = 6, 12, 31  # edges that a leaf may keep: in a partition; an overlay, by how many cover it
DEEPEST = 26  # 5e-6 degrees, half a metre
WIDEST_DEG = 0.09  # a leaf with edges is no wider, so that most of the land lies in leaves without
BROADEST_DEG = 2.9  # nor any leaf than this, so that what is known of its middle says something of all of it
KNOWN_M = 250.0  # a leaf also keeps the edges that lie this near to it, so that a ping far from them needs no search
KNOWN_TO_DEG = 85.0  # nearer to a pole nothing is claimed
LOCALS = 62  # regions with edges in one leaf; more than that is left to the reference
CROWDED = -2
_TRIES = 24  # places tried for an anchor

LEAF = np.dtype(
    [
        ("lon", "f8"),  # the anchor
        ("lat", "f8"),
        ("inside", "u8"),  # bit k: local region k covers the anchor
        ("first", "i4"),  # its entries
        ("many", "i4"),
        ("local", "i4"),  # its first local region
        ("cover", "i4"),  # the first region that covers all of it (partition), a link (overlay), -1 or CROWDED
        ("known_m", "f4"),  # no border but its entries is nearer to any of its points
        ("clear_m", "f4"),  # without entries: no border is nearer to the anchor; or -1
        ("wide", "f4"),  # the largest cos(lat) in it
        ("sure_m", "f4"),  # partition: all its points have the answer `cover`, with at least this margin; or -1
    ]
)
FRAME = np.dtype(  # a node still to be looked at: its parts of both stacks, what covers all of it, its box and anchor
    [(name, "i8") for name in ("node", "depth", "start", "end", "set_start", "set_end", "cover")]
    + [(name, "f8") for name in ("x", "y", "w", "h", "lon", "lat")]
)
LINK = np.dtype(  # overlay: a region that covers all of a leaf, the link to the next, and how many there are
    [("region", "i4"), ("next", "i4"), ("deep", "i4")]
)
ENTRY = np.dtype(  # an edge, and the locals it turns
    [("x1", "f8"), ("y1", "f8"), ("x2", "f8"), ("y2", "f8"), ("turns", "u8")]
)


@njit(cache=True)
def crossing(x1: float, y1: float, x2: float, y2: float, ax: float, ay: float, px: float, py: float) -> int:
    """Parity of an edge (x1 <= x2) with the way (ax, ay) - (px, ay) - (px, py); 2 where it can't be told."""
    parity = 0
    if (y1 > ay) != (y2 > ay):
        x = x1 + (ay - y1) * (x2 - x1) / (y2 - y1)
        if abs(x - ax) <= NEAR_DEG or abs(x - px) <= NEAR_DEG:
            return 2
        if (x > ax) != (x > px):
            parity = 1
    if x1 <= px <= x2:
        if x1 == x2:
            return 2 if min(y1, y2) <= py <= max(y1, y2) else parity
        y = y1 + (px - x1) * (y2 - y1) / (x2 - x1)
        if abs(y - py) <= NEAR_DEG:
            return 2
        if px < x2:
            if abs(y - ay) <= NEAR_DEG:
                return 2
            if (y > ay) != (y > py):
                parity ^= 1
    return parity


@njit(cache=True)
def _touches(x1: float, y1: float, x2: float, y2: float, west: float, south: float, east: float, north: float) -> bool:
    """Whether an edge (x1 <= x2) meets a box; never says no wrongly."""
    if x2 < west - NEAR_DEG or x1 > east + NEAR_DEG or max(y1, y2) < south - NEAR_DEG or min(y1, y2) > north + NEAR_DEG:
        return False
    dx, dy = x2 - x1, y2 - y1
    a, b = dx * (south - y1) - dy * (west - x1), dx * (south - y1) - dy * (east - x1)
    c, d = dx * (north - y1) - dy * (west - x1), dx * (north - y1) - dy * (east - x1)
    slack = 1e-11 * (dx + abs(dy))  # a hundred times what the products above can be off
    return bool(min(min(a, b), min(c, d)) <= slack and max(max(a, b), max(c, d)) >= -slack)


@njit(cache=True)
def _known_deg(south: float, height: float) -> tuple[float, float]:
    """How far around a box edges are kept, in degrees of lon and lat: KNOWN_M, less for small ones.

    Beyond KNOWN_TO_DEG it is less than that in metres. A box keeps at least what any part of it keeps.
    """
    flattest = min(KNOWN_TO_DEG, max(abs(south), abs(south + height)))
    high = min(KNOWN_M / 110_500.0, height / 12.0)
    return high / math.cos(math.radians(flattest + 0.01)), high


@njit(cache=True)
def _room(array, needed):  # type: ignore[no-untyped-def]
    """The array, twice as long if it has to be."""
    if needed <= len(array):
        return array
    longer = np.empty(max(needed, 2 * len(array)), array.dtype)
    longer[: len(array)] = array
    return longer


@njit(cache=True)
def _walk(x1, y1, x2, y2, one, two, these, ax, ay, px, py, flip, seen):  # type: ignore[no-untyped-def]
    """Turn `flip` for each region whose edges the way crosses, listing them in `seen`; -1 where it can't be told."""
    count = 0
    for k in these:
        parity = crossing(x1[k], y1[k], x2[k], y2[k], ax, ay, px, py)
        if parity == 2:
            for place in range(count):
                flip[seen[place]] = 0
            return -1
        if parity == 1:
            for region in (one[k], two[k]):
                if region >= 0:
                    if flip[region] & 2 == 0:
                        flip[region] |= 2
                        seen[count] = region
                        count += 1
                    flip[region] ^= 1
    return count


@njit(cache=True)
def _share_a_vertex(x1, y1, x2, y2, these, west, south, east, north):  # type: ignore[no-untyped-def]
    """Whether all edges meet in one vertex within the box: splitting could not part them."""
    first = these[0]
    for x, y in ((x1[first], y1[first]), (x2[first], y2[first])):
        together = west <= x <= east and south <= y <= north
        for k in these:
            together = together and ((x1[k] == x and y1[k] == y) or (x2[k] == x and y2[k] == y))
        if together:
            return True
    return False


@njit(cache=True)
def _locals_of(one, two, these, cover, found):  # type: ignore[no-untyped-def]
    """The regions, in order, whose edges these are and that `cover` does not hide; their number, or LOCALS + 1."""
    count = 0
    for k in these:
        for region in (one[k], two[k]):
            if region < 0 or (cover >= 0 and region > cover):
                continue
            place = 0
            while place < count and found[place] < region:
                place += 1
            if place < count and found[place] == region:
                continue
            if count == LOCALS:
                return LOCALS + 1
            for other in range(count, place, -1):
                found[other] = found[other - 1]
            found[place] = region
            count += 1
    return count


@njit(cache=True)
def _bit_of(found, count, region):  # type: ignore[no-untyped-def]
    for place in range(count):
        if found[place] == region:
            return np.uint64(1) << np.uint64(place)
    return np.uint64(0)


@njit(cache=True)
def _touching(x1, y1, x2, y2, one, two, these, hides, box, stamp, number, arena, top):  # type: ignore[no-untyped-def]
    """Put the edges that touch a box, or lie within what is known around it, behind `top`; stamp their regions.

    In a partition edges of regions that `hides` covers are left out.
    """
    x, y, w, h = box
    wide, high = _known_deg(y, h)
    arena = _room(arena, top + len(these))
    for k in these:
        if hides >= 0 and one[k] > hides and (two[k] < 0 or two[k] > hides):
            continue
        if _touches(x1[k], y1[k], x2[k], y2[k], x - wide, y - high, x + w + wide, y + h + high):
            arena[top] = k
            top += 1
            stamp[one[k]] = number
            if two[k] >= 0:
                stamp[two[k]] = number
    return arena, top


@njit(cache=True)
def _anchor_in(x1, y1, x2, y2, one, two, these, ax, ay, box, flip, seen):  # type: ignore[no-untyped-def]
    """A point of a box that can be reached from the parent's anchor, and what `_walk` found there; -1: none can."""
    x, y, w, h = box
    for attempt in range(_TRIES):
        px = x + w * ((0.5527864 + 0.6180339887 * attempt) % 1.0)
        py = y + h * ((0.4370160 + 0.7548776662 * attempt) % 1.0)
        count = _walk(x1, y1, x2, y2, one, two, these, ax, ay, px, py, flip, seen)
        if count >= 0:
            return px, py, count
    return x, y, -1


@njit(cache=True)
def _divide(own, flip, seen, count, stamp, number, overlay, cover, sets, top, links, many):  # type: ignore[no-untyped-def]
    """Of the regions that cover the new anchor, keep those with edges in the box (behind `top`); others cover all.

    `own` covered the anchor before; `flip` and `seen` say what the way from there turned, and are cleared.
    """
    for region in own:
        if flip[region] & 2 == 0:
            flip[region] |= 2
            seen[count] = region
            count += 1
        flip[region] ^= 1
    sets = _room(sets, top + count)
    for region in seen[:count]:
        covers = flip[region] & 1
        flip[region] = 0
        if covers and stamp[region] == number:
            sets[top] = region
            top += 1
        elif covers and overlay:
            links = _room(links, many + 1)
            links[many].region, links[many].next = region, cover
            links[many].deep = links[cover].deep + 1 if cover >= 0 else 1
            cover = many
            many += 1
        elif covers and (cover < 0 or region < cover):
            cover = region
    return sets, top, links, many, cover


@njit(cache=True)
def _finish(x1, y1, x2, y2, one, two, these, it, entry, entries, found, count):  # type: ignore[no-untyped-def]
    """Write a leaf's entries: the edges that turn one of its locals, equal ones as one."""
    entry = _room(entry, entries + len(these))
    it.first, turns = entries, np.uint64(0)
    for place in range(len(these)):
        k = these[place]
        turns ^= _bit_of(found, count, one[k]) ^ _bit_of(found, count, two[k])
        if place + 1 < len(these) and _equal(x1, y1, x2, y2, k, these[place + 1]):
            continue
        if turns:  # else hidden, or where two parts of one region meet
            line = entry[entries]
            line.x1, line.y1, line.x2, line.y2, line.turns = x1[k], y1[k], x2[k], y2[k], turns
            entries += 1
        turns = np.uint64(0)
    it.many = entries - it.first
    return entry, entries


@njit(cache=True)
def _equal(x1, y1, x2, y2, k, other):  # type: ignore[no-untyped-def]
    return x1[k] == x1[other] and y1[k] == y1[other] and x2[k] == x2[other] and y2[k] == y2[other]


@njit(cache=True)
def _is_leaf(x1, y1, x2, y2, these, few, depth, box):  # type: ignore[no-untyped-def]
    """Whether a node need not or can't be divided further. Equal edges, which stand together, count as one."""
    x, y, w, h = box
    many = len(these)
    if (many == 0 and w <= BROADEST_DEG) or (many <= few and w <= WIDEST_DEG) or depth >= DEEPEST:
        return True
    if many > LOCALS or w > WIDEST_DEG:
        return False
    for place in range(1, len(these)):
        many -= _equal(x1, y1, x2, y2, these[place - 1], these[place])
    return many <= few or _share_a_vertex(x1, y1, x2, y2, these, x, y, x + w, y + h)


@njit(cache=True)
def grow(x1, y1, x2, y2, one, two, regions, overlay):  # type: ignore[no-untyped-def]
    """The tree of these edges, in the columns of Quadtree. In a partition, what a smaller region covers is dropped."""
    child, leaf, entry = np.empty(1024, np.int32), np.zeros(512, LEAF), np.zeros(4096, ENTRY)
    local, links = np.empty(1024, np.int32), np.zeros(64, LINK)
    nodes, leaves, entries, locals_, linked, number = 1, 0, 0, 0, 0, 0
    arena, sets = np.arange(len(x1)).astype(np.int32), np.empty(64, np.int32)  # two stacks, of edges and covering sets
    flip, stamp = np.zeros(regions, np.uint8), np.zeros(regions, np.int64)
    seen, found = np.empty(2 * regions + 2, np.int32), np.empty(LOCALS + 1, np.int32)
    frame = np.zeros(4 * DEEPEST + 8, FRAME)
    frame[0].end, frame[0].cover = len(x1), -1
    frame[0].x, frame[0].y, frame[0].w, frame[0].h = -180.0, -90.0, 360.0, 180.0
    frame[0].lon, frame[0].lat = -200.0, -100.0  # nothing covers a point outside the world
    frames = 1
    while frames:
        frames -= 1
        at = frame[frames]
        node, depth, cover, top, set_top = at.node, at.depth, at.cover, at.start, at.set_start
        these, own, ax, ay = arena[top : at.end].copy(), sets[set_top : at.set_end].copy(), at.lon, at.lat
        x, y, w, h = at.x, at.y, at.w, at.h
        hides = np.int64(-1) if overlay else cover
        few = FEW
        if overlay:  # where many fences cover a ping, telling them takes longer than finding them
            few = min(MANY_FENCES, FEW_FENCES + (links[cover].deep if cover >= 0 else 0))
        if _is_leaf(x1, y1, x2, y2, these, few, depth, (x, y, w, h)):
            count = 0 if cover == CROWDED else _locals_of(one, two, these, hides, found)
            if count > LOCALS:
                cover, count = CROWDED, 0
            leaf, local = _room(leaf, leaves + 1), _room(local, locals_ + LOCALS)
            it = leaf[leaves]
            leaves += 1
            it.lon, it.lat, it.cover, it.local, it.inside = ax, ay, cover, locals_, 0
            it.clear_m, it.wide, it.known_m = -1.0, 1.0, -1.0
            if cover != CROWDED and abs(x + w / 2) + w < 180.0 and max(abs(y), abs(y + h)) <= KNOWN_TO_DEG:
                it.known_m = _known_deg(y, h)[1] * 110_500.0
            for region in own:
                it.inside |= _bit_of(found, count, region)
            local[locals_ : locals_ + count] = found[:count]
            locals_ += count
            entry, entries = _finish(
                x1, y1, x2, y2, one, two, these[: len(these) if count else 0], it, entry, entries, found, count
            )
            child[node] = -leaves
            continue
        child = _room(child, nodes + 4)
        child[node] = nodes
        for which in range(4):
            number += 1
            box = (x + w * 0.5 * (which & 1), y + h * 0.5 * (which >> 1), w * 0.5, h * 0.5)
            to = frame[frames]
            to.node, to.depth, to.start, to.set_start, to.cover = nodes + which, depth + 1, top, set_top, CROWDED
            to.x, to.y, to.w, to.h = box
            to.lon, to.lat, count = _anchor_in(x1, y1, x2, y2, one, two, these, ax, ay, box, flip, seen)
            if count >= 0:
                arena, top = _touching(x1, y1, x2, y2, one, two, these, hides, box, stamp, number, arena, top)
                sets, set_top, links, linked, to.cover = _divide(
                    own, flip, seen, count, stamp, number, overlay, cover, sets, set_top, links, linked
                )
            to.end, to.set_end = top, set_top
            frames += 1
        nodes += 4
    return (
        child[:nodes].copy(),
        leaf[:leaves].copy(),
        entry[:entries].copy(),
        local[:locals_].copy(),
        links[:linked].copy(),
    )
