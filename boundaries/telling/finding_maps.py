"""The maps of a report's page: the whole layer with its places, the surroundings of a finding, a mend before and after.

Between `boundaries.maps` and `page`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.checking.codes import severity_of
from boundaries.checking.finding import Finding, Mended, Report, Severity
from boundaries.maps.backdrop import Backdrop
from boundaries.maps.sheet import Sheet
from boundaries.maps.window import Box, Window, box_of
from boundaries.shapes_as_json import drawable
from boundaries.telling.places import shape_of

WHOLE_PX, WIDE_PX, HIGH_PX = 960, 460, 320
LEAST_M = 120.0  # no map shows less of the ground, so that there is something to know it by
AROUND = 4.0  # where a region is so many times larger than the close view, a second map shows all of it
PIN_PX = 26.0  # pins nearer to each other are one
MOST_PINS = 150
FEW = 60  # regions that can be told apart on a map of all


@dataclass(slots=True)
class _Pin:
    x: float
    y: float
    numbers: list[int]
    finding: Finding


def whole(report: Report, backdrop: Backdrop) -> Sheet | None:
    """All of the layer with every place numbered; None: there is nothing to draw."""
    spots = [shape for finding in report.findings if (shape := shape_of(finding)) is not None]
    box = backdrop.box() or box_of(spots)
    if box is None:
        return None
    window = Window.on(box, width_px=WHOLE_PX) if box[2] > box[0] else _close(box)
    sheet = Sheet(window, title=f"Map of the layer {report.layer} with the places of the findings", style="map whole")
    if len(backdrop.regions) <= FEW:
        sheet.neighbours(backdrop)
    else:
        sheet.land(backdrop)
    for pin in _pins(report, window)[:MOST_PINS]:
        first = pin.numbers[0]
        text = str(first) if len(pin.numbers) == 1 else f"{first} +{len(pin.numbers) - 1:,}"
        says = f"Finding {first}" + (f" and {len(pin.numbers) - 1:,} more near it" if len(pin.numbers) > 1 else "")
        sheet.pin(pin.x, pin.y, text=text, style=severity_of(pin.finding), to=f"f{first}", says=says)
    sheet.scale_bar()
    return sheet


def _pins(report: Report, window: Window) -> list[_Pin]:
    cells: dict[tuple[int, int], _Pin] = {}
    for number, finding in enumerate(report.findings, 1):
        place = place_of(finding)
        if place is None:
            continue
        x, y = window.pixel(lon=place[0], lat=place[1])
        if not (0 <= x <= window.width_px and 0 <= y <= window.height_px):
            continue
        cell = (int(x // PIN_PX), int(y // PIN_PX))
        beside = [(cell[0] + dx, cell[1] + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        close = (cells[one] for one in beside if one in cells)
        pin = next((one for one in close if abs(one.x - x) < PIN_PX * 1.6 and abs(one.y - y) < PIN_PX), None)
        if pin is None:
            cells[cell] = _Pin(x, y, [number], finding)
        else:
            pin.numbers.append(number)
    return list(cells.values())


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
    severity, window = severity_of(finding), _close(box)
    close = Sheet(window, title=f"Map of the surroundings of finding {number}: {finding.what}")
    close.neighbours(backdrop)
    region = backdrop.region(finding.region)
    if region is not None:
        close.shapes([region.geometry], "own")
    close.shapes([shape], f"mark {severity}", found_anywhere=True)
    close.scale_bar()
    around = _around(region.geometry, window, severity, backdrop) if region is not None else None
    return [close] if around is None else [close, around]


def _close(box: Box) -> Window:
    return Window.around(box, width_px=WIDE_PX, height_px=HIGH_PX, least_m=LEAST_M)


def _around(region: BaseGeometry, close: Window, severity: Severity, backdrop: Backdrop) -> Sheet | None:
    box = box_of([region])
    if box is None:
        return None
    window = Window.around(box, width_px=WIDE_PX, height_px=HIGH_PX, least_m=LEAST_M, spare=0.15)
    if window.metres_per_px() < close.metres_per_px() * AROUND:
        return None
    sheet = Sheet(window, title="Map of the whole region, with a frame where the finding is")
    sheet.neighbours(backdrop)
    sheet.shapes([region], "own")
    sheet.frame(close, f"mark {severity}")
    sheet.scale_bar()
    return sheet


def before_and_after(mended: Mended, backdrop: Backdrop) -> list[Sheet]:
    """A mended region as it was and as it is, both where it changed; empty: there is nothing to draw."""
    before, after = drawable(mended.before), drawable(mended.after)
    shapes = [shape for shape in (before, after) if shape is not None]
    box = _changed(before, after) or box_of(shapes)
    if box is None or max(abs(box[1]), abs(box[3])) > 90:
        return []
    window = Window.around(box, width_px=WIDE_PX, height_px=HIGH_PX, least_m=LEAST_M, spare=0.25)
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
