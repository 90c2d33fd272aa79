"""What the drawing process does: functions of its own memory, called by `pictures`.

Invariants: a few versions at most are held, those asked for last; whatever is given back is bytes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from shapely.geometry import mapping

from boundaries.api.ports import Form
from boundaries.blob import read_regions
from boundaries.difference import Side, compare, difference_json, difference_page, difference_places, text_of
from boundaries.showing.subject import Subject
from boundaries.telling.document import report_of
from boundaries.telling.page import report_page
from boundaries.telling.places import report_places
from boundaries.telling.text import report_text
from boundaries.tiles.cache import TileCache
from boundaries.tiles.tiler import NoSuchTile, Tiler
from geofence.region import Kind, Region
from geofence.rule import Rule

_TILERS, _TILES = 4, TileCache()
_encode = msgspec.json.Encoder(enc_hook=str).encode


def told_report(raw: bytes, around: Path | None, form: Form) -> bytes:
    """A report in another form; on a page, the regions of the file `around` are drawn around what was found."""
    report = report_of(raw)
    if form is Form.TEXT:
        return report_text(report).encode()
    if form is Form.GEOJSON:
        return report_places(report)
    return report_page(report, [] if around is None else _regions_at(around)).encode()


def told_difference(old: Subject, new: Subject, form: Form) -> bytes:
    """What is different in the new one."""
    before, after = _side(old), _side(new)
    found = compare(before, after)
    if form is Form.JSON:
        return difference_json(found)
    if form is Form.TEXT:
        return text_of(found).encode()
    if form is Form.GEOJSON:
        return difference_places(found)
    return difference_page(found, before, after, layer=new.layer).encode()


def draw_tile(geometry: Path, z: int, x: int, y: int) -> bytes | None:
    """A vector tile; None: there is none of this number."""
    try:
        return _TILES.get((geometry.name, z, x, y), lambda: _tiler(geometry).tile(z, x, y))
    except NoSuchTile:
        return None


def write_geojson(subject: Subject, path: Path) -> None:
    """Its regions as a FeatureCollection, a line for each, with what the layer is in the member `geofence`."""
    regions, head = _regions_at(subject.geometry), _encode(_settings(subject))
    with path.open("xb") as file:
        file.write(b'{"type": "FeatureCollection", "geofence": %b, "features": [\n' % head)
        for place, region in enumerate(regions):
            file.write((b",\n" if place else b"") + _encode(_feature(region)))
        file.write(b"\n]}\n")


def _settings(subject: Subject) -> dict[str, Any]:
    its = {"layer": subject.layer, "kind": subject.kind, "dwell_s": subject.dwell_s}
    its |= {"nearest_within_m": subject.nearest_within_m or None}
    return {name: value for name, value in its.items() if value is not None}


def _feature(region: Region) -> dict[str, Any]:
    """A feature from which the region can be read again."""
    properties = {**region.properties, **({"name": region.name} if region.name else {})}
    return {"type": "Feature", "id": region.id, "properties": properties, "geometry": mapping(region.geometry)}


def _side(its: Subject) -> Side:
    return Side(
        regions=_regions_at(its.geometry),
        kind=Kind(its.kind),
        rule=Rule.from_table(its.rule),
        dwell_s=its.dwell_s,
        nearest_within_m=its.nearest_within_m,
    )


@lru_cache(_TILERS)
def _regions_at(geometry: Path) -> list[Region]:
    return read_regions(geometry)


@lru_cache(_TILERS)
def _tiler(geometry: Path) -> Tiler:
    return Tiler(_regions_at(geometry))
