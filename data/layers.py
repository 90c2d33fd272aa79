"""Write and read a sample layer: a GeoJSON FeatureCollection, gzipped.

The last step of the scripts that make the layers, and the first of whoever uses them. The same regions always
give the same bytes. A layer carries its settings in the foreign member `geofence`, beside `source`, `licence`
and `script`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Feature:
    """One region as the layer's file holds it."""

    id: str
    name: str
    geometry: BaseGeometry
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """One sample layer. `settings` is the `geofence` member: layer, kind and what else the layer sets."""

    settings: Mapping[str, Any]
    source: str
    licence: str
    script: str
    features: tuple[Feature, ...]

    @property
    def name(self) -> str:
        """The layer's name, which is its file's stem too."""
        return str(self.settings["layer"])


def path_of(name: str) -> Path:
    """Return where the sample layer of this name is kept."""
    return HERE / f"{name}.geojson.gz"


def write(layer: Layer, path: Path | None = None) -> int:
    """Write the layer, its features sorted by id, and return the file's size in bytes."""
    head = {
        "type": "FeatureCollection",
        "geofence": layer.settings,
        "source": layer.source,
        "licence": layer.licence,
        "script": layer.script,
    }
    rows = (_json(_record(f)) for f in sorted(layer.features, key=lambda f: f.id.encode()))
    text = _json(head)[:-1] + ',"features":[\n' + ",\n".join(rows) + "\n]}\n"
    target = path or path_of(layer.name)
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.encode())
    return target.stat().st_size


def read(name: str, path: Path | None = None) -> Layer:
    """Read a sample layer by its name."""
    record = json.loads(gzip.decompress((path or path_of(name)).read_bytes()))
    return Layer(
        settings=record["geofence"],
        source=record["source"],
        licence=record["licence"],
        script=record["script"],
        features=tuple(_features(record["features"])),
    )


def _features(records: Iterable[Mapping[str, Any]]) -> Iterable[Feature]:
    for record in records:
        properties = dict(record["properties"])
        name = properties.pop("name")
        geometry = shapely.geometry.shape(record["geometry"])
        yield Feature(id=record["id"], name=name, geometry=geometry, properties=properties)


def _record(feature: Feature) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": feature.id,
        "properties": {"name": feature.name, **feature.properties},
        "geometry": shapely.geometry.mapping(feature.geometry),
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
