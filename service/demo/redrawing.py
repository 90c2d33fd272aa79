"""A layer to redraw while the pretend phones move: the districts around a desk that rests.

Two versions of one small partition, as files that a boundary admin would publish. Invariant: the desk lies deep in
`north` in the first and deep in `centre` in the second, so that publishing the second gives it an event without a ping.
"""

from __future__ import annotations

import json

LAYER = "districts"
DESK = "desk-3"
WEST, SOUTH, EAST, NORTH = 13.1, 52.35, 13.7, 52.68
BORDER, REDRAWN_BORDER = 52.487, 52.547  # 3 km south of the desk, and 3 km north of it


def districts_geojson(*, redrawn: bool = False) -> bytes:
    """The layer's region file, before or after the border between its two districts was moved."""
    border = REDRAWN_BORDER if redrawn else BORDER
    return json.dumps(
        {
            "type": "FeatureCollection",
            "geofence": {"layer": LAYER, "kind": "partition"},
            "features": [_district("centre", "Centre", SOUTH, border), _district("north", "North", border, NORTH)],
        }
    ).encode()


def _district(ident: str, name: str, south: float, north: float) -> dict[str, object]:
    ring = [[WEST, south], [EAST, south], [EAST, north], [WEST, north], [WEST, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "id": ident, "properties": {"name": name}, "geometry": geometry}
