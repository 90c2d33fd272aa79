"""One Placemark of a KML file, as its elements come; at the end a drawing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from boundaries.drawing import Drawing, Ring
from boundaries.reading.jsonable import clean_text
from geofence.malformed import Malformed, shown

_LOOSE = re.compile(r"\s*,\s*")


@dataclass(slots=True)
class Placemark:
    """What was found of it so far."""

    own_id: str | None
    properties: dict[str, str] = field(default_factory=dict)
    key: str = ""  # of the attribute that is being read
    several: bool = False
    others: list[str] = field(default_factory=list)
    _polygons: list[tuple[list[Ring], list[Ring]]] = field(default_factory=list)  # outer rings, holes
    _heights: bool = False
    _fault: str = ""

    def begin_polygon(self) -> None:
        """The rings that come next are another polygon's."""
        self._polygons.append(([], []))

    def add_ring(self, text: str, *, outer: bool) -> None:
        """Take the text of a ring's coordinates."""
        try:
            ring, heights = _ring(text)
        except Malformed as fault:
            self._fault = self._fault or str(fault)
            return
        self._polygons[-1][0 if outer else 1].append(ring)
        self._heights = self._heights or heights

    def drawing(self) -> Drawing:
        """All of it. Raises Malformed."""
        if self._fault:
            raise Malformed(self._fault)
        polygons = []
        for outer, holes in self._polygons:
            if len(outer) > 1 or (holes and not outer):
                raise Malformed(f"a Polygon has {len(outer)} outer boundaries; allowed: one")
            if outer:
                polygons.append((outer[0], *holes))
        return Drawing(self._kind(), tuple(polygons), self._heights, len(self.others))

    def _kind(self) -> str:
        if self.several:
            return "GeometryCollection" if self.others else "MultiPolygon"
        if self._polygons:
            return "Polygon"
        return clean_text(self.others[0]) if self.others else ""


def _ring(text: str) -> tuple[Ring, bool]:
    """Positions of "lon,lat lon,lat,height ..."; heights of nothing but 0 are none."""
    positions = text.split()
    if any(one.startswith(",") or one.endswith(",") for one in positions):
        positions = _LOOSE.sub(",", text).split()
    widths = {one.count(",") for one in positions}
    if not widths <= {1, 2}:
        bad = next(one for one in positions if one.count(",") not in (1, 2))
        raise Malformed(f"a ring has the position {shown(bad)}; allowed: lon,lat or lon,lat,height")
    rows = [one.split(",") for one in positions]
    try:
        column = np.array([(float(row[0]), float(row[1])) for row in rows], np.float64).reshape(-1, 2)
        heights = any(len(row) > 2 and float(row[2] or 0) != 0 for row in rows)
    except ValueError as error:
        raise Malformed(f"a ring has a position that is no number ({str(error)[:60]})") from None
    return column, heights
