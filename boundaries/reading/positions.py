"""Coordinates of GeoJSON geometries become drawings: quickly where they are as they should be, else one by one.

Invariant: nothing is closed, turned or left out; what is no list of numbers is `Malformed`, which names the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from boundaries.drawing import Drawing, Ring
from geofence.malformed import Malformed, shown

_read_polygon = msgspec.json.Decoder(list[list[tuple[float, float]]]).decode
_read_multipolygon = msgspec.json.Decoder(list[list[list[tuple[float, float]]]]).decode
_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
COLLECTION = "GeometryCollection"
KINDS = (*_DEPTHS, COLLECTION)
_POSITION = "a position is [lon, lat], two numbers"


def quick_drawing(kind: str, coordinates: bytes | msgspec.Raw) -> Drawing | None:
    """A Polygon or MultiPolygon of flat positions; None where it is anything else, or not well formed."""
    try:
        if kind == "Polygon":
            polygons = [_read_polygon(coordinates)]
        elif kind == "MultiPolygon":
            polygons = _read_multipolygon(coordinates)
        else:
            return None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    rings = (tuple(map(_column, polygon)) for polygon in polygons)
    return Drawing(kind, tuple(polygon for polygon in rings if polygon))


def slow_drawing(geometry: Any) -> Drawing:
    """Any geometry, as Python objects. Raises Malformed."""
    if geometry is None:
        return Drawing("")
    if not isinstance(geometry, dict):
        raise Malformed(f"the geometry is {shown(geometry)}; allowed: an object with type and coordinates, or null")
    kind = geometry.get("type")
    if kind == COLLECTION:
        return _collection(geometry)
    if kind not in _DEPTHS:
        raise Malformed(f"the geometry has the type {shown(kind)}; allowed: {', '.join(KINDS)}")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list):
        raise Malformed(f"the coordinates are {shown(coordinates)}; allowed: a list")
    return _drawing(kind, coordinates)


def _drawing(kind: str, coordinates: list[Any]) -> Drawing:
    if kind not in ("Polygon", "MultiPolygon"):
        parts = len(coordinates) if kind.startswith("Multi") else min(len(coordinates), 1)
        return Drawing(kind, others=parts)
    polygons: list[tuple[Ring, ...]] = []
    heights = False
    for at, polygon in enumerate([coordinates] if kind == "Polygon" else coordinates):
        rings = []
        for number, ring in enumerate(_listed(polygon, f"polygon {at}", "a list of rings")):
            where = f"ring {number}" + (f" of polygon {at}" if kind == "MultiPolygon" else "")
            positions, high = _ring(_listed(ring, where, "a list of positions"), where)
            rings.append(positions)
            heights = heights or high
        if rings:
            polygons.append(tuple(rings))
    return Drawing(kind, tuple(polygons), heights)


def _collection(geometry: dict[str, Any]) -> Drawing:
    """The polygons of a collection, and how many other parts it has."""
    polygons: list[tuple[Ring, ...]] = []
    others, heights = 0, False
    for part in _parts(geometry, 0):
        drawing = slow_drawing(part)
        polygons += drawing.polygons
        others += drawing.others
        heights = heights or drawing.heights
    return Drawing(COLLECTION, tuple(polygons), heights, others)


def _parts(geometry: Any, depth: int) -> Iterator[Any]:
    members = geometry.get("geometries")
    if not isinstance(members, list):
        raise Malformed(f"the member geometries is {shown(members)}; allowed: a list of geometries")
    for part in members:
        if isinstance(part, dict) and part.get("type") == COLLECTION:
            if depth == 8:
                raise Malformed("collections are nested more than 8 levels deep. Flatten them")
            yield from _parts(part, depth + 1)
        else:
            yield part


def _listed(value: Any, where: str, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{where} is {shown(value)}; allowed: {what}. Are there too few brackets?")
    return value


def _ring(ring: list[Any], where: str) -> tuple[Ring, bool]:
    column = np.empty((len(ring), 2), np.float64)
    heights = False
    for at, position in enumerate(ring):
        if not isinstance(position, list | tuple) or len(position) < 2:
            more = ". Are there too few brackets?" if isinstance(position, int | float) else ""
            raise Malformed(f"{where} has the position {shown(position)}; allowed: {_POSITION}{more}")
        column[at] = _number(position[0], position, where), _number(position[1], position, where)
        heights = heights or len(position) > 2
    return column, heights


def _number(value: Any, position: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        more = ". Are there too many brackets?" if isinstance(value, list) else ""
        raise Malformed(f"{where} has the position {shown(position)}; allowed: {_POSITION}{more}")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _column(ring: list[tuple[float, float]]) -> Ring:
    return np.fromiter(chain.from_iterable(ring), np.float64, 2 * len(ring)).reshape(-1, 2)
