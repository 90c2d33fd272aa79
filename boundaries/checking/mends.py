"""What mending has done to single shapes, told with the area and a picture before and after.

Between the checks on single shapes and the report. Invariant: "before" is what the rings enclose as drawn, places that
a border goes round twice counted as it draws them: every second time outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Mended
from boundaries.drawing import Drawing, Feature, Ring
from boundaries.ground import areas_m2
from geofence.region import Region

MENDED_POSITIONS = 2_000  # of each picture


def mended_shapes(drafts: Iterable[Draft]) -> list[Mended]:
    """One for each region that was mended."""
    changed = [draft for draft in drafts if draft.mended and draft.shape is not None and draft.id is not None]
    before = [_built(draft.feature.drawing) for draft in changed]
    after_m2 = areas_m2([shape for draft in changed if (shape := draft.shape) is not None])
    return [
        Mended(
            region=str(draft.id),
            codes=tuple(sorted(draft.mended)),
            before_m2=_enclosed_m2(drawn),
            after_m2=float(area),
            before=_pictured(shapely.MultiPolygon(drawn)),
            after=_pictured(draft.shape),
        )
        for draft, drawn, area in zip(changed, before, after_m2, strict=True)
    ]


def joined(mended: Sequence[Mended]) -> tuple[Mended, ...]:
    """One for each region: from before the first mend to after the last."""
    by_region: dict[str, Mended] = {}
    for one in mended:
        first = by_region.get(one.region)
        if first is None:
            by_region[one.region] = one
        else:
            codes = tuple(sorted({*first.codes, *one.codes}))
            by_region[one.region] = replace(first, codes=codes, after_m2=one.after_m2, after=one.after)
    return tuple(by_region[region] for region in sorted(by_region))


def feature_of(region: Region, row: int) -> Feature:
    """A region as a feature of a file, to be checked again."""
    polygons = tuple(
        tuple(shapely.get_coordinates(ring) for ring in shapely.get_rings(part))
        for part in shapely.get_parts(region.geometry)
    )
    return Feature(row, region.id, region.name, Drawing(region.geometry.geom_type, polygons), region.properties)


def _built(drawing: Drawing) -> list[shapely.Polygon]:
    rings = [[_unrolled(ring) for ring in polygon if len(ring) > 2] for polygon in drawing.polygons]
    return [shapely.Polygon(polygon[0], polygon[1:]) for polygon in rings if polygon]


def _unrolled(ring: Ring) -> Ring:
    """The ring with longitudes that run on past 180, or else it would go round the whole world."""
    return np.column_stack([np.unwrap(ring[:, 0], period=360), ring[:, 1]]) if np.ptp(ring[:, 0]) > 180 else ring


def _enclosed_m2(polygons: Sequence[shapely.Polygon]) -> float:
    clear = [shape if shape.is_valid else shapely.make_valid(shape) for shape in polygons]
    return float(areas_m2([part for shape in clear for part in shapely.get_parts(shape)]).sum())


def _pictured(shape: BaseGeometry | None) -> BaseGeometry:
    step_deg = 1e-6
    while shapely.get_num_coordinates(shape) > MENDED_POSITIONS and step_deg < 1:
        shape, step_deg = shapely.simplify(shape, step_deg, preserve_topology=False), 4 * step_deg
    return shape
