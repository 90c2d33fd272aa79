"""Three pretend districts around a desk, drawn in two ways: the desk lies in the north or in the centre.

What the demonstration redraws, so that a phone gets another region without having moved. Pure: text in, text out.
Invariant: both drawings have the same districts, and the desk is far from every border in each.
"""

from __future__ import annotations

from collections.abc import Sequence

from shapely.geometry import box

from boundaries.geojson import geojson_of
from geofence.region import Region

LAYER, DESK = "districts", "desk-3"  # in Berlin
_WEST, _EAST = 13.30, 13.48
_BORDERS = ((52.45, 52.48, 52.51, 52.55), (52.45, 52.48, 52.525, 52.55))  # from south to north, of each drawing
_NAMES = ("South", "Centre", "North")


def drawings() -> Sequence[bytes]:
    """Both, as GeoJSON."""
    return [_drawn(borders) for borders in _BORDERS]


def _drawn(borders: Sequence[float]) -> bytes:
    bands = zip(_NAMES, borders[:-1], borders[1:], strict=True)
    return geojson_of([Region(name.lower(), box(_WEST, south, _EAST, north), name) for name, south, north in bands])
