"""The layers that the phones move in: districts and zones of a town in the midst of the counties of the sample.

Published over HTTP by the endpoints that every admin uses. Invariant: the second version of the districts moves but a
few of them, so that a switch is one among many things that go on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shapely.geometry import box

from boundaries.geojson import geojson_of
from geofence.region import Region
from service.boundary_server import BoundaryServer
from service.samples import SAMPLES, Sample

METRE = 1 / 111_195.0  # in degrees of latitude
WEST, SOUTH, SIZE = -97.7, 38.2, 0.3
NORTH = SOUTH + SIZE
DISTRICTS, ZONES, COUNTIES = "districts", "zones", "us-counties"
_CELLS, _MOVED = 10, 0.03  # each way; of a cell, in the second version
_LOOK_S, _PATIENCE_S = 0.1, 120.0


def layers(folder: Path, *names: str) -> Sequence[Sample]:
    """Those of them that are named, to be published to begin with; the files are written there."""
    made = {DISTRICTS: ("partition", districts(0.0)), ZONES: ("overlay", zones())}
    found = [one for one in SAMPLES if one.layer in names]
    for name, (kind, regions) in made.items():
        if name in names:
            file = folder / f"{name}.geojson"
            file.write_bytes(geojson_of(regions))
            found.append(Sample(name, kind, file))
    return found


def second(folder: Path) -> Path:
    """The districts' second version."""
    file = folder / "districts-2.geojson"
    file.write_bytes(geojson_of(districts(_MOVED)))
    return file


def districts(moved: float) -> Sequence[Region]:
    """A grid; every border from south to north lies so much of a cell further east."""
    cell = SIZE / _CELLS
    return [
        Region(f"c{x}{y}", box(WEST + (x + moved) * cell, SOUTH + y * cell, WEST + (x + 1 + moved) * cell,
                               SOUTH + (y + 1) * cell), f"District {x}-{y}")
        for x in range(_CELLS)
        for y in range(_CELLS)
    ]  # fmt: skip


def middle_of(x: int, y: int) -> tuple[float, float]:
    """Lon and lat of the middle of a district."""
    cell = SIZE / _CELLS
    return round(WEST + (x + 0.5) * cell, 6), round(SOUTH + (y + 0.5) * cell, 6)


def zones() -> Sequence[Region]:
    """A few fences over it."""
    corners = [(0.02 + 0.045 * n, 0.02 + 0.07 * (n % 4)) for n in range(6)]
    return [
        Region(f"z{n}", box(WEST + x, SOUTH + y, WEST + x + 0.02, SOUTH + y + 0.02), f"Zone {n}")
        for n, (x, y) in enumerate(corners)
    ]


def upload(server: BoundaryServer, file: Path) -> None:
    """Have the second version of the districts checked."""
    where = ("layers", DISTRICTS, "versions")
    made = dict(server.upload(file, *where, query={"file": file.name, "comment": ""}, sent=lambda _: None))
    _until(server, (*where, made["number"]), lambda its: its["state"] != "draft")


def publish_other(server: BoundaryServer) -> int:
    """Put that version of the districts in force that is not, until it is; its number."""
    before = server.get("layers", DISTRICTS)["published"]["version"]
    number = 3 - before
    body = {"replaces": before, "expect": 0, "comment": "the other one"}  # nobody has tried out how many it moves
    planned = server.post("layers", DISTRICTS, "versions", number, "publish", body=body)
    where = ("layers", DISTRICTS, "publications", planned["number"])
    its = _until(server, where, lambda its: its["state"] in ("in_force", "failed", "cancelled"))
    if its["state"] != "in_force":
        raise RuntimeError(f"the districts' version {number} was not published: {its}")
    return int(number)


def _until(server: BoundaryServer, path: tuple[object, ...], true: Any) -> Any:
    end = time.monotonic() + _PATIENCE_S
    while not true(its := server.get(*path)):
        if time.monotonic() > end:
            raise RuntimeError(f"nothing came of it within {_PATIENCE_S:.0f} s: {its}")
        time.sleep(_LOOK_S)
    return its
