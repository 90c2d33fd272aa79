"""Make `us-counties.geojson.gz`, the counties of the United States, from the npm package us-atlas.

    python -m data.make_counties us-atlas-3.0.1.tgz

The file's ids are kept: five digits of FIPS code, as text.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from data import codes, layers, mending, packages, topojson

DECIMALS = 5
NEAREST_WITHIN_M = 2_000
"""The farthest of the named places from its county lies 1.9 km out (Alcatraz)."""


def make(package: Path) -> layers.Layer:
    """Return the layer, read from the package's file."""
    topology = json.loads(packages.US_ATLAS.read(package, member="package/counties-10m.json"))
    mended: dict[str, mending.Mended] = {}
    names: dict[str, str] = {}
    for shape in topojson.decode(topology, layer="counties", decimals=DECIMALS):
        county = mending.mend(shape.polygons)
        if county is not None and shape.code is not None:
            mended[shape.code], names[shape.code] = county, shape.properties["name"]
    print(mending.report(mended, parted=mending.part_overlaps(mended)))
    return layers.Layer(
        settings={"layer": "us-counties", "kind": "partition", "nearest_within_m": NEAREST_WITHIN_M},
        source="US Census Bureau, boundary files, by way of npm us-atlas 3.0.1 (counties-10m.json)",
        licence="Public domain (US Census Bureau); packaged by us-atlas under ISC",
        script="data/make_counties.py",
        features=tuple(
            layers.Feature(
                id=code,
                name=names[code],
                geometry=county.geometry,
                properties={"state": codes.STATES[code[:2]]},
            )
            for code, county in mended.items()
        ),
    )


if __name__ == "__main__":
    print(f"{layers.write(make(Path(sys.argv[1]))):,} bytes")
