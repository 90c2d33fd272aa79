"""Regions beside those of the version before: which are gone, which are somewhere else now.

Invariant: a region that did not change costs one comparison; where a shape is now is said with the region that was
there, since mostly two ids were exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.checking.finding import Finding
from boundaries.checking.measure import MOST, shown, square_metres, widest
from boundaries.ground import Shapes, area_m2
from geofence.region import Region

SHARED = 0.05  # of the smaller of the two shapes: below, it is another place
THERE = 0.5  # of a region: so much of what was another one makes it that one


def compare_with(previous: Sequence[Region], regions: Sequence[Region]) -> list[Finding]:
    """What vanished and what jumped."""
    now = {region.id: region.geometry for region in regions}
    shapes = np.array([region.geometry for region in previous], object)
    tree = shapely.STRtree(shapes)
    found: list[Finding] = []
    for region in previous:
        if len(found) == MOST:
            break
        if region.id not in now:
            found.append(_vanished(region))
            continue
        shape = now[region.id]
        if shapely.equals_exact(shape, region.geometry, 0.0):
            continue
        common = area_of_both(region.geometry, shape)
        if common < SHARED * min(region.geometry.area, shape.area):
            found.append(_jumped(region, shape, common, _who_was_there(shape, previous, shapes, tree)))
    return found


def area_of_both(one: BaseGeometry, two: BaseGeometry) -> float:
    """Square degrees that two shapes share."""
    if not one.intersects(two):
        return 0.0
    return float(shapely.intersection(one, two).area)


def _vanished(region: Region) -> Finding:
    place, area = widest(region.geometry), area_m2(region.geometry)
    return Finding(
        code="region_vanished",
        what=f"{_named(region)} was in the version before, on {square_metres(area)}, and is not in this file.",
        region=region.id,
        lon=place.lon,
        lat=place.lat,
        shape=shown(region.geometry),
        figures={"area_m2": area},
    )


def _jumped(region: Region, shape: BaseGeometry, common: float, other: str | None) -> Finding:
    place, before, now = widest(shape), area_m2(region.geometry), area_m2(shape)
    share = 100.0 * common / min(region.geometry.area, shape.area)
    there = "" if other is None else f" It is where {other!r} was."
    return Finding(
        code="region_jumped",
        what=f"{_named(region)} shares {share:.2g} % with what it was in the version before "
        f"({square_metres(before)} then, {square_metres(now)} now).{there}",
        region=region.id,
        other=other,
        lon=place.lon,
        lat=place.lat,
        shape=shown(shape),
        figures={"area_before_m2": before, "area_m2": now, "shared_percent": share},
    )


def _who_was_there(
    shape: BaseGeometry, previous: Sequence[Region], shapes: Shapes, tree: shapely.STRtree
) -> str | None:
    """The region that had most of this place before, if it was about this one."""
    near = tree.query(shape)
    shared = [(area_of_both(shape, shapes[k]) / max(shape.area, shapes[k].area), previous[k].id) for k in near]
    most, ident = max(shared, default=(0.0, ""))
    return ident if most > THERE else None


def _named(region: Region) -> str:
    return f"{region.id!r} ({region.name})" if region.name and region.name != region.id else repr(region.id)
