"""Maps of one place: from near, and, where its region is much larger, of all of the region with a frame for the place.

Between `sheet` and the pages.
"""

from __future__ import annotations

from shapely.geometry.base import BaseGeometry

from boundaries.maps.backdrop import Backdrop
from boundaries.maps.sheet import Sheet
from boundaries.maps.window import Box, Window, box_of

WHOLE_PX, WIDE_PX, HIGH_PX = 960, 460, 320
LEAST_M = 120.0  # no map shows less of the ground, so that there is something to know it by
FAR_LARGER = 4.0
FEW = 60  # regions that can be told apart on a map of all


def near(box: Box, *, spare: float = 0.4) -> Window:
    """A window on a place and its surroundings."""
    return Window.around(box, width_px=WIDE_PX, height_px=HIGH_PX, least_m=LEAST_M, spare=spare)


def around(region: BaseGeometry, close: Window, style: str, backdrop: Backdrop) -> Sheet | None:
    """All of a region, and in it a frame around what the close map shows; None: that map shows most of it."""
    box = box_of([region])
    window = near(box, spare=0.15) if box is not None else None
    if window is None or window.metres_per_px() < close.metres_per_px() * FAR_LARGER:
        return None
    sheet = Sheet(window, title="Map of the whole region, with a frame around the place")
    sheet.neighbours(backdrop)
    sheet.shapes([region], "own")
    sheet.frame(close, style)
    sheet.scale_bar()
    return sheet


def whole(box: Box, backdrop: Backdrop, *, title: str) -> Sheet:
    """All of a layer: few regions with their names, many as land."""
    window = Window.on(box, width_px=WHOLE_PX) if box[2] > box[0] and box[3] > box[1] else near(box)
    sheet = Sheet(window, title=title, style="map whole")
    if len(backdrop.regions) <= FEW:
        sheet.neighbours(backdrop)
    else:
        sheet.land(backdrop)
    return sheet
