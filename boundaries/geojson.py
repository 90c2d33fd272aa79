"""Regions as a GeoJSON document that every reader takes, ours too, with every coordinate exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
import shapely

from geofence.region import Region

_AT_ONCE = 200  # regions


def geojson_of(regions: Sequence[Region]) -> bytes:
    """A FeatureCollection, one feature a line."""
    return b"".join(pieces_of(regions))


def pieces_of(regions: Sequence[Region]) -> Iterator[bytes]:
    """The same in pieces."""
    return chain([b'{"type":"FeatureCollection","features":[\n'], _features(regions), [b"\n]}\n"])


def _features(regions: Sequence[Region]) -> Iterator[bytes]:
    for begin in range(0, len(regions), _AT_ONCE):
        some = regions[begin : begin + _AT_ONCE]
        texts = shapely.to_geojson([region.geometry for region in some])
        lines = [msgspec.json.encode(_feature(region, text)) for region, text in zip(some, texts, strict=True)]
        yield (b",\n" if begin else b"") + b",\n".join(lines)


def _feature(region: Region, geometry: str) -> dict[str, Any]:
    properties = {**region.properties, "name": region.name} if region.name else dict(region.properties)
    return {"type": "Feature", "id": region.id, "properties": properties, "geometry": msgspec.Raw(geometry.encode())}
