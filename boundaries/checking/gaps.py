"""Gaps: places between the regions of a partition that belong to none.

What is left of the world when all regions are joined, without what is open to the outside: the sea around a layer is no
finding, nor is one so wide that nobody draws it by mistake. Invariant: no finding where `nearest_within_m` bridges the
place, since a device anywhere in it has a region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.checking.finding import Finding, Mend
from boundaries.checking.measure import MOST, Width, metres, polygons_of, shown, square_metres, widest
from boundaries.checking.overlaps import NOISE_M
from boundaries.ground import Floats, Shapes, area_m2

SEA_M = 300_000.0  # so wide a place is left out on purpose: the Caspian Sea
_PAD_DEG = 1.0
_SIDES_DEG = 90.0  # what is wider is no gap that the 180th meridian cuts
_NEXT_TO_DEG = 1e-9
_SAMPLES = 400


def find_gaps(
    ids: list[str],
    shapes: Shapes,
    tolerance_m: float,
    within_m: float = 0.0,
    on_share: Callable[[float], None] | None = None,
) -> list[Finding]:
    """A finding for each gap, sliver and unfilled hole."""
    pieces = enclosed(shapes)
    tree = shapely.STRtree(shapes)
    found: list[Finding] = []
    for done, piece in enumerate(pieces):
        width = widest(piece)
        if max(NOISE_M, 2.0 * within_m) <= width.width_m <= SEA_M:
            finding = _finding(piece, width, [ids[k] for k in neighbours(piece, shapes, tree)], tolerance_m)
            found += [] if finding is None else [finding]
        if len(found) == MOST:
            break
        if on_share:
            on_share((done + 1) / len(pieces))
    return found


def enclosed(shapes: Shapes) -> list[BaseGeometry]:
    """The places that regions surround: Polygons, one that lies on the 180th meridian reaching beyond it."""
    if len(shapes) == 0:
        return []
    west, south, east, north = shapely.total_bounds(shapes)
    world = shapely.box(
        max(-180.0, west - _PAD_DEG),
        max(-90.0, south - _PAD_DEG),
        min(180.0, east + _PAD_DEG),
        min(90.0, north + _PAD_DEG),
    )
    pieces = polygons_of(shapely.difference(world, shapely.union_all(shapes)))
    open_to = _touching(pieces, world)
    return [*pieces[~open_to], *_across_180(pieces[open_to])]


def _touching(pieces: Shapes, box: BaseGeometry) -> NDArray[np.bool_]:
    """Which of them reach the sides of a box."""
    inside, outside = shapely.bounds(pieces), shapely.bounds(box)
    touching: NDArray[np.bool_] = (inside[:, :2] <= outside[:2]).any(axis=1) | (inside[:, 2:] >= outside[2:]).any(
        axis=1
    )
    return touching


def _across_180(pieces: Shapes) -> Iterator[BaseGeometry]:
    """Halves of gaps on both sides of the meridian, joined beyond it."""
    box = shapely.bounds(pieces)
    narrow = box[:, 2] - box[:, 0] < _SIDES_DEG
    western = narrow & (box[:, 0] == -180.0)
    eastern = narrow & (box[:, 2] == 180.0)
    if not (western.any() and eastern.any()):
        return
    moved = shapely.transform(pieces[western], lambda coords: coords + np.array([360.0, 0.0]))
    joined = polygons_of(shapely.union_all(np.concatenate((pieces[eastern], moved))))
    for piece in joined:
        west, south, east, north = piece.bounds
        if west < 180.0 < east and south > -90.0 and north < 90.0:
            yield piece


def neighbours(piece: BaseGeometry, shapes: Shapes, tree: shapely.STRtree) -> list[int]:
    """The regions around a place, the one with the longest border to it first (the first of those with equal ones)."""
    edges = [_edges(ring) for ring in shapely.get_rings(piece)]
    ends = np.concatenate(edges)
    ends = ends[:: max(1, len(ends) // _SAMPLES)]
    middles = (ends[:, :2] + ends[:, 2:]) * 0.5
    cosine = np.cos(np.radians(middles[:, 1]))
    long = np.hypot((ends[:, 2] - ends[:, 0]) * cosine, ends[:, 3] - ends[:, 1])
    points = shapely.points(np.where(middles[:, 0] > 180.0, middles[:, 0] - 360.0, middles[:, 0]), middles[:, 1])
    edge, region = tree.query_nearest(points, max_distance=_NEXT_TO_DEG, all_matches=True)
    shared = np.bincount(region, weights=long[edge], minlength=len(shapes))
    near = np.unique(region)
    return [int(k) for k in near[np.argsort(-np.round(shared[near], 12), kind="stable")]]


def _edges(ring: BaseGeometry) -> Floats:
    coords = shapely.get_coordinates(ring)
    return np.hstack((coords[:-1], coords[1:]))


def _finding(piece: BaseGeometry, width: Width, around: list[str], tolerance_m: float) -> Finding | None:
    narrow = width.width_m <= tolerance_m
    if not around or (narrow and len(around) == 1):
        return None  # a tiny hole in one region is that region's own matter
    area = area_m2(piece)
    size = f"{square_metres(area)}, up to {metres(width.width_m)} wide"
    if len(around) == 1:
        code, what = "hole_unfilled", f"{around[0]!r} has a hole of {size}, and no other region is in it."
    elif narrow:
        code, what = "sliver", f"Between {_listed(around)} is a strip of {size}, that belongs to neither."
    else:
        code, what = "gap", f"Between {_listed(around)} is a place of {size}, that belongs to none of them."
    return Finding(
        code=code,
        what=what,
        region=around[0],
        other=around[1] if len(around) > 1 else None,
        lon=width.lon if width.lon <= 180.0 else width.lon - 360.0,
        lat=width.lat,
        shape=shown(piece),
        mend=Mend.OFFERED if code == "sliver" else Mend.NO,
        figures={"area_m2": area, "width_m": width.width_m},
    )


def _listed(ids: list[str]) -> str:
    if len(ids) > 4:
        return f"{', '.join(map(repr, ids[:3]))} and {len(ids) - 3} others"
    return f"{', '.join(map(repr, ids[:-1]))} and {ids[-1]!r}"
