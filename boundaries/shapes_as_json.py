"""Shapes within JSON: a geometry of shapely is a geometry of GeoJSON, both ways.

Used by `telling` and `difference`. Invariant: coordinates keep all their digits; a shape with a coordinate that is no
number has no JSON, and becomes null.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

T = TypeVar("T")
_GEOMETRY = {
    "type": "object",
    "description": "A geometry of GeoJSON (RFC 7946); lon and lat in degrees, WGS 84.",
    "required": ["type"],
    "properties": {"type": {"type": "string"}, "coordinates": {"type": "array"}, "geometries": {"type": "array"}},
}


def encode(value: object) -> bytes:
    """JSON of structs that may have shapes in them."""
    return msgspec.json.encode(value, enc_hook=_given, order="deterministic")


def decode(raw: bytes, kind: type[T]) -> T:
    """The struct that `encode` wrote. Raises msgspec.DecodeError."""
    return msgspec.json.decode(raw, type=kind, dec_hook=_taken)


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `encode` writes."""
    return msgspec.json.schema(kind, schema_hook=_described)


def drawable(shape: BaseGeometry | None) -> BaseGeometry | None:
    """A shape, if it has a JSON."""
    if shape is None or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        return None
    return shape


def _given(value: Any) -> Any:
    if isinstance(value, BaseGeometry):
        return msgspec.Raw(shapely.to_geojson(value).encode()) if drawable(value) is not None else None
    raise NotImplementedError(f"{type(value).__name__} has no JSON")


def _taken(kind: type, value: Any) -> Any:
    if kind is BaseGeometry and isinstance(value, dict):
        return shapely.from_geojson(msgspec.json.encode(value))
    raise NotImplementedError(f"{kind} can't be read from JSON")


def _described(kind: type) -> dict[str, Any]:
    if kind is BaseGeometry:
        return _GEOMETRY
    raise NotImplementedError(f"{kind} has no schema")
