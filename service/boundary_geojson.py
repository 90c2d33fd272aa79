"""Regions as a GeoJSON document that every reader takes, ours too, with every coordinate exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import shapely

from geofence.region import Region


def geojson_of(regions: Sequence[Region]) -> bytes:
    """A FeatureCollection, one feature a line."""
    shapes = shapely.to_geojson([region.geometry for region in regions]) if regions else []
    lines = [msgspec.json.encode(_feature(region, text)) for region, text in zip(regions, shapes, strict=True)]
    return b'{"type":"FeatureCollection","features":[\n' + b",\n".join(lines) + b"\n]}\n"


def _feature(region: Region, geometry: str) -> dict[str, Any]:
    properties = {**region.properties, "name": region.name} if region.name else dict(region.properties)
    return {"type": "Feature", "id": region.id, "properties": properties, "geometry": msgspec.Raw(geometry.encode())}
