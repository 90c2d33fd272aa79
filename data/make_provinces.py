"""Make `provinces.geojson.gz`, the provinces of the world, from Debian's qgis-common and iso-codes.

    python -m data.make_provinces qgis-common_3.22.16+dfsg-1_all.deb iso-codes_4.15.0-1_all.deb

The first has the map (Natural Earth admin-1, without codes), the second the codes of ISO 3166-2 by name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

from data import geopackage, layers, mending, packages
from data.province_ids import Identity, Province, identify
from data.topojson import Ring, Rings

MAP = "./usr/share/qgis/resources/data/world_map.gpkg"
CODES = "./usr/share/iso-codes/json/iso_3166-2.json"
DECIMALS = 5
NEAREST_WITHIN_M = 6_000
"""The farthest of the named places from its coast lies 5.6 km out; the territorial sea is 22 km wide."""
CUT_AT = np.array([179.899, 89.899])
"""The map is cut a tenth of a degree short of the 180th meridian and the South Pole; the cuts move there."""


def make(world_map: Path, iso_codes: Path) -> layers.Layer:
    """Return the layer, read from the packages' files."""
    content = packages.QGIS_COMMON.read(world_map, member=MAP)
    rows = list(geopackage.rows(content, table="states_provinces", decimals=DECIMALS))
    listed = json.loads(packages.ISO_CODES.read(iso_codes, member=CODES))
    subdivisions = {entry["code"]: entry["name"] for entry in listed["3166-2"]}
    identities = identify((_province(row) for row in rows), subdivisions)
    countries = {identities[row.fid].id: _country(row) for row in rows}
    names = {identity.id: identity for identity in identities.values()}
    mended = {identities[row.fid].id: mending.mend(_moved_to_the_edge(row.polygons)) for row in rows}
    whole = {id_: province for id_, province in mended.items() if province is not None}
    print(mending.report(whole, parted=mending.part_overlaps(whole)))
    return layers.Layer(
        settings={"layer": "provinces", "kind": "partition", "nearest_within_m": NEAREST_WITHIN_M},
        source="Natural Earth, 1:10m admin-1, by way of Debian qgis-common 3.22.16 (world_map.gpkg)",
        licence="Public domain (Natural Earth); codes looked up by name in Debian iso-codes 4.15.0",
        script="data/make_provinces.py",
        features=tuple(_feature(names[id_], countries[id_], province) for id_, province in whole.items()),
    )


def _country(row: geopackage.Row) -> str | None:
    code = str(row.columns["iso_a2"])
    return None if code == "-1" else code


def _province(row: geopackage.Row) -> Province:
    area = sum(Polygon(rings[0], rings[1:]).area for rings in row.polygons)
    return Province(
        fid=row.fid,
        country=_country(row),
        name=row.columns["name"] or "",
        geonames=row.columns["gn_name"] or "",
        area_deg2=area,
    )


def _feature(identity: Identity, country: str | None, province: mending.Mended) -> layers.Feature:
    return layers.Feature(
        id=identity.id,
        name=identity.name,
        geometry=province.geometry,
        properties={"country": country, "code": identity.status},
    )


def _moved_to_the_edge(polygons: Rings) -> Rings:
    return [[_edge(ring) for ring in rings] for rings in polygons]


def _edge(ring: Ring) -> Ring:
    """Move a ring's cuts to the meridian and the pole, and leave out the vertices that strew them."""
    beyond = np.abs(ring) > CUT_AT
    if not beyond.any():
        return ring
    moved = np.where(beyond, np.copysign([180.0, 90.0], ring), ring)[:-1]
    before, after = np.roll(moved, 1, axis=0), np.roll(moved, -1, axis=0)
    edge = np.abs(moved) == [180.0, 90.0]
    strewn = (edge & (moved == before) & (moved == after)).any(axis=1)
    quarter = np.floor(moved[:, 0] / 90) != np.floor(before[:, 0] / 90)
    kept = moved[~strewn | (quarter & edge[:, 1])]
    return np.vstack([kept, kept[:1]])


if __name__ == "__main__":
    print(f"{layers.write(make(Path(sys.argv[1]), Path(sys.argv[2]))):,} bytes")
