"""Names on a map: each where its region is widest, none over another, none where it would not fit.

Beside `sheet`. Invariant: a text is escaped, and lies within the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import shapely

from boundaries.maps.outlines import Outline
from boundaries.maps.window import Box, Window
from boundaries.wording import shown

LETTER_PX = 6.6  # of an average letter, at the size of `style`
LINE_PX = 15.0
LONGEST = 26
SHIFTS_PX = (26.0, -26.0)  # where something else is in the middle
_EXACT_PX = 3.0


class Labels:
    """The names of one map."""

    def __init__(self, window: Window) -> None:
        self._frame = shapely.box(0, 0, window.width_px, window.height_px)
        self._offers: list[tuple[float, float, float, str]] = []
        self._taken: list[Box] = []

    def keep_clear(self, box: Box) -> None:
        """Write no name over this, in pixels."""
        self._taken.append(box)

    def offer(self, rings: Sequence[Outline], name: str) -> None:
        """A region's name, to be written if there is room."""
        polygons = [shapely.Polygon(one.points) for one in rings if one.closed and len(one.points) > 3]
        seen = [polygon.buffer(0).intersection(self._frame) for polygon in polygons]
        parts = shapely.get_parts(np.array(seen, object)) if seen else np.empty(0, object)
        parts = parts[shapely.area(parts) > LINE_PX * LINE_PX]
        if not len(parts):
            return
        largest = parts[int(np.argmax(shapely.area(parts)))]
        circle = shapely.maximum_inscribed_circle(largest, tolerance=_EXACT_PX)
        (x, y), _ = shapely.get_coordinates(circle)
        self._offers.append((float(circle.length), float(x), float(y), shown(name, longest=LONGEST)))

    def placed(self) -> list[str]:
        """Texts of SVG, those of the widest regions first."""
        taken = list(self._taken)
        written: list[str] = []
        for radius, x, y, text in sorted(self._offers, reverse=True):
            half = len(text) * LETTER_PX / 2
            lower = (0.0, *(shift for shift in SHIFTS_PX if abs(shift) < radius / 2))
            boxes = ((x - half, y + shift - LINE_PX / 2, x + half, y + shift + LINE_PX / 2) for shift in lower)
            free = (box for box in boxes if self._within(box) and not any(_meet(box, other) for other in taken))
            box = next(free, None)
            if box is None or half > 1.7 * radius:
                continue
            taken.append(box)
            written.append(f'<text class="name" x="{x:.0f}" y="{box[3] - 3.5:.0f}">{escape(text)}</text>')
        return written

    def _within(self, box: Box) -> bool:
        west, north, east, south = self._frame.bounds
        return bool(box[0] >= west and box[2] <= east and box[1] >= north and box[3] <= south)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
