"""Overlaps: places that two regions of a partition claim.

Found by a tree of boxes, and only where interiors meet, so that neighbours that share a border exactly cost next to
nothing. Invariant: two regions give at most one finding; its figures are of all their overlaps together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import shapely

from boundaries.checking.finding import Finding, Mend
from boundaries.checking.measure import MOST, metres, polygons_of, shown, square_metres, widest
from boundaries.ground import Shapes, areas_m2

NOISE_M = 0.001  # narrower is what rounding leaves of a border that two regions share
_AT_ONCE = 256
_ALL_OF_IT = 0.999


def overlapping(shapes: Shapes, on_share: Callable[[float], None] | None = None) -> Iterator[tuple[int, int]]:
    """The places (i < j) of shapes whose interiors meet."""
    tree = shapely.STRtree(shapes)
    for start in range(0, len(shapes), _AT_ONCE):
        one, two = tree.query(shapes[start : start + _AT_ONCE])
        one = one + start
        one, two = one[one < two], two[one < two]
        meet = shapely.relate_pattern(shapes[one], shapes[two], "2********")
        yield from sorted(zip(one[meet].tolist(), two[meet].tolist(), strict=True))
        if on_share:
            on_share(min(1.0, (start + _AT_ONCE) / len(shapes)))


def find_overlaps(
    ids: list[str], shapes: Shapes, tolerance_m: float, on_share: Callable[[float], None] | None = None
) -> list[Finding]:
    """A finding for each two regions that overlap by more than rounding; `ids` in byte order."""
    found: list[Finding] = []
    for one, two in overlapping(shapes, on_share):
        finding = _finding(ids, shapes, one, two, tolerance_m)
        if finding is None:
            continue
        found.append(finding)
        if len(found) == MOST:
            break
    return found


def _finding(ids: list[str], shapes: Shapes, one: int, two: int, tolerance_m: float) -> Finding | None:
    parts = polygons_of(shapely.intersection(shapes[one], shapes[two]))
    if len(parts) == 0:
        return None
    common = shapely.MultiPolygon(list(parts)) if len(parts) > 1 else parts[0]
    width = widest(common)
    if width.width_m < NOISE_M:
        return None
    area, first, second = (float(area) for area in areas_m2(np.array([common, shapes[one], shapes[two]], object)))
    narrow = width.width_m <= tolerance_m
    inside = next((k for k, size in ((one, first), (two, second)) if area > _ALL_OF_IT * size), None)
    whole = "" if inside is None else f", which is all of {ids[inside]!r}"
    places = "" if len(parts) == 1 else f" in {len(parts):,} places"
    return Finding(
        code="overlap_narrow" if narrow else "overlap",
        what=f"{ids[one]!r} and {ids[two]!r} overlap{places} on {square_metres(area)}{whole}; the overlap is up to "
        f"{metres(width.width_m)} wide, and the layer tolerates {metres(tolerance_m)}.",
        region=ids[one],
        other=ids[two],
        lon=width.lon,
        lat=width.lat,
        shape=shown(common),
        mend=Mend.OFFERED if narrow else Mend.NO,
        figures={"area_m2": area, "width_m": width.width_m},
    )
