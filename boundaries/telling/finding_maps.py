"""The maps of a report's page: the whole layer with its places, the surroundings of a finding, a mend before and after.

Between `boundaries.maps` and `page`.
"""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.checking.codes import severity_of
from boundaries.checking.finding import Finding, Mended, Report
from boundaries.maps import closeup
from boundaries.maps.backdrop import Backdrop
from boundaries.maps.pins import Spot, pinned
from boundaries.maps.sheet import Sheet
from boundaries.maps.window import Box, box_of
from boundaries.shapes_as_json import drawable
from boundaries.telling.places import shape_of

MOST_PINS = 150


def whole(report: Report, backdrop: Backdrop) -> Sheet | None:
    """All of the layer with every place numbered; None: there is nothing to draw."""
    shapes = [shape for finding in report.findings if (shape := shape_of(finding)) is not None]
    box = backdrop.box() or box_of(shapes)
    if box is None:
        return None
    sheet = closeup.whole(box, backdrop, title=f"Map of the layer {report.layer} with the places of the findings")
    places = [(number, finding, place_of(finding)) for number, finding in enumerate(report.findings, 1)]
    spots = [Spot(number, *place, severity_of(finding)) for number, finding, place in places if place is not None]
    sheet.pins(pinned(spots, sheet.window)[:MOST_PINS], to="f")
    sheet.scale_bar()
    return sheet


def place_of(finding: Finding) -> tuple[float, float] | None:
    """Lon and lat of a finding, if it has a place."""
    if finding.lon is not None and finding.lat is not None and np.isfinite((finding.lon, finding.lat)).all():
        return finding.lon, finding.lat
    shape = drawable(finding.shape)
    if shape is None:
        return None
    west, south, east, north = shape.bounds
    return (west + east) / 2, (south + north) / 2


def surroundings(number: int, finding: Finding, backdrop: Backdrop) -> list[Sheet]:
    """The place of a finding from near, and, where the region is much larger, all of the region."""
    shape = shape_of(finding)
    box = box_of([shape]) if shape is not None else None
    if shape is None or box is None or max(abs(box[1]), abs(box[3])) > 90:
        return []
    style, window = f"mark {severity_of(finding)}", closeup.near(box)
    close = Sheet(window, title=f"Map of the surroundings of finding {number}: {finding.what}")
    close.neighbours(backdrop)
    region = backdrop.region(finding.region)
    if region is not None:
        close.shapes([region.geometry], "own")
    close.shapes([shape], style, found_anywhere=True)
    close.scale_bar()
    around = closeup.around(region.geometry, window, style, backdrop) if region is not None else None
    return [close] if around is None else [close, around]


def before_and_after(mended: Mended, backdrop: Backdrop) -> list[Sheet]:
    """A mended region as it was and as it is, both where it changed; empty: there is nothing to draw."""
    before, after = drawable(mended.before), drawable(mended.after)
    shapes = [shape for shape in (before, after) if shape is not None]
    box = _changed(before, after) or box_of(shapes)
    if box is None or max(abs(box[1]), abs(box[3])) > 90:
        return []
    window = closeup.near(box, spare=0.25)
    sheets = []
    for shape, when in ((before, "before"), (after, "after")):
        sheet = Sheet(window, title=f"Map of region {mended.region} {when} it was mended")
        sheet.neighbours(backdrop, named=False)
        if shape is not None:
            sheet.shapes([shape], "drawn")
        sheet.scale_bar()
        sheets.append(sheet)
    return sheets


def _changed(before: BaseGeometry | None, after: BaseGeometry | None) -> Box | None:
    """Where two shapes differ."""
    if before is None or after is None:
        return None
    valid = [shapely.make_valid(shape) for shape in (before, after)]
    apart = shapely.symmetric_difference(*valid)
    lines = [shapely.boundary(shape) if shape.geom_type.endswith("Polygon") else shape for shape in valid]
    if apart.is_empty:
        apart = shapely.symmetric_difference(*lines)
    return None if apart.is_empty else box_of([apart])
