"""GeoJSON as drawings, without the checks and repairs of a reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from boundaries.drawing import Drawing, Feature, Ring


def features_of(path: Path) -> list[Feature]:
    """The features of a file that is well formed as JSON."""
    rows = json.loads(path.read_text())["features"]
    return [
        Feature(row, one.get("id"), one["properties"].get("name", ""), _drawing(one["geometry"]), one["properties"])
        for row, one in enumerate(rows)
    ]


def _drawing(geometry: Any) -> Drawing:
    if geometry is None:
        return Drawing("")
    kind, parts = geometry["type"], geometry.get("geometries", [geometry])
    polygons = [polygon for part in parts for polygon in _polygons(part)]
    others = sum(part["type"] not in ("Polygon", "MultiPolygon") for part in parts)
    high = any(len(position) > 2 for polygon in polygons for ring in polygon for position in ring)
    return Drawing(kind, tuple(tuple(_ring(ring) for ring in polygon) for polygon in polygons), high, others)


def _polygons(geometry: Any) -> list[Any]:
    if geometry["type"] == "Polygon":
        return [geometry["coordinates"]] if geometry["coordinates"] else []
    return list(geometry["coordinates"]) if geometry["type"] == "MultiPolygon" else []


def _ring(ring: Any) -> Ring:
    return np.array([position[:2] for position in ring], np.float64).reshape(-1, 2)
