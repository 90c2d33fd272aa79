"""Make `countries.geojson.gz`, the countries of the world at 10 m, from the npm package world-atlas.

    python -m data.make_countries world-atlas-2.0.2.tgz

The file's ids are ISO 3166-1 numeric; ours are alpha-2, and documented ids for what has no code of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from data import codes, layers, mending, packages, topojson

DECIMALS = 5
NEAREST_WITHIN_M = 6_000
"""The farthest of the named places from its coast lies 5.6 km out; the territorial sea is 22 km wide."""


def make(package: Path) -> layers.Layer:
    """Return the layer, read from the package's file."""
    topology = json.loads(packages.WORLD_ATLAS.read(package, member="package/countries-10m.json"))
    mended: dict[str, mending.Mended] = {}
    names: dict[str, str] = {}
    for shape in topojson.decode(topology, layer="countries", decimals=DECIMALS):
        name = shape.properties["name"]
        code = codes.COUNTRIES_WITHOUT_CODE.get(name) or codes.ALPHA_2[str(shape.code)]
        country = mending.mend(shape.polygons)
        if country is not None:
            mended[code], names[code] = country, name
    print(mending.report(mended, parted=mending.part_overlaps(mended)))
    return layers.Layer(
        settings={"layer": "countries", "kind": "partition", "nearest_within_m": NEAREST_WITHIN_M},
        source="Natural Earth, 1:10m admin-0 countries, by way of npm world-atlas 2.0.2 (countries-10m.json)",
        licence="Public domain (Natural Earth); packaged by world-atlas under ISC",
        script="data/make_countries.py",
        features=tuple(
            layers.Feature(id=code, name=names[code], geometry=country.geometry, properties={})
            for code, country in mended.items()
        ),
    )


if __name__ == "__main__":
    print(f"{layers.write(make(Path(sys.argv[1]))):,} bytes")
