"""Coordinates of GeoJSON geometries become polygons, all features' rings at once.

The inner half of `geojson`. Rings are gathered in one flat column so that half a million vertices are checked
and built in a few calls. Invariant: a ring that is not closed, too short or outside the world never becomes a
polygon.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.malformed import Malformed, decode, shown

RING_POSITIONS = 4
_GEOMETRY = "an object with type and coordinates. Correct the geometry, or leave the feature out."
_POSITIONS = "rings of positions [lon, lat], finite numbers. Correct the position, or leave the feature out."
ABSENT = msgspec.Raw(b"null")  # a member that is missing is read as null

Ring = list[tuple[float, float]]


class _Geometry(msgspec.Struct):
    type: Any = None
    coordinates: msgspec.Raw = ABSENT


_read_geometry = msgspec.json.Decoder(_Geometry).decode
_read_polygon = msgspec.json.Decoder(list[list[tuple[float, float]]]).decode
_read_multipolygon = msgspec.json.Decoder(list[list[list[tuple[float, float]]]]).decode
_read_polygon_3d = msgspec.json.Decoder(list[list[list[float]]]).decode
_read_multipolygon_3d = msgspec.json.Decoder(list[list[list[list[float]]]]).decode


class Shapes:
    """Collects geometries; `build` gives a Polygon or MultiPolygon for each, in the order they were added."""

    def __init__(self) -> None:
        self._where: list[str] = []
        self._multi: list[bool] = []
        self._polygons: list[list[Ring]] = []
        self._owner: list[int] = []  # of each polygon: which geometry it is part of

    def add(self, geometry: msgspec.Raw, where: str) -> None:
        """Take one GeoJSON geometry. Raises Malformed."""
        read = decode(_read_geometry, geometry, f"the geometry of {where}", _GEOMETRY)
        if read.type not in ("Polygon", "MultiPolygon"):
            found = _type_name(read.type)
            raise Malformed(f"{where} is a {found}; allowed: Polygon or MultiPolygon. Convert it, or leave it out.")
        polygons = _polygons(read, where)
        if not polygons or not all(polygons):
            raise Malformed(f"{where} has an empty geometry. Leave the feature out, or give it a polygon.")
        self._owner.extend([len(self._where)] * len(polygons))
        self._polygons.extend(polygons)
        self._where.append(where)
        self._multi.append(read.type == "MultiPolygon")

    def build(self) -> list[BaseGeometry]:
        """All geometries. Raises Malformed, naming the first bad ring."""
        rings = [ring for polygon in self._polygons for ring in polygon]
        sizes = np.fromiter(map(len, rings), np.int64, len(rings))
        flat = chain.from_iterable(chain.from_iterable(rings))
        xy = np.fromiter(flat, np.float64, 2 * int(sizes.sum())).reshape(-1, 2)
        ends = np.cumsum(sizes)
        self._check(xy, sizes, ends)
        lines = shapely.linearrings(xy, indices=np.repeat(np.arange(len(rings)), sizes))
        counts = np.fromiter(map(len, self._polygons), np.int64, len(self._polygons))
        polygons = shapely.polygons(lines, indices=np.repeat(np.arange(len(counts)), counts))
        return self._join(polygons)

    def _join(self, polygons: NDArray[np.object_]) -> list[BaseGeometry]:
        owner, multi = np.array(self._owner), np.array(self._multi)
        shapes = np.empty(len(multi), np.object_)
        in_multi = multi[owner]
        shapes[owner[~in_multi]] = polygons[~in_multi]
        if in_multi.any():
            ranks = np.cumsum(multi) - 1
            shapes[multi] = shapely.multipolygons(polygons[in_multi], indices=ranks[owner[in_multi]])
        return list(shapes)

    def _check(self, xy: NDArray[np.float64], sizes: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        short = sizes < RING_POSITIONS
        if short.any():
            ring = int(np.argmax(short))
            raise Malformed(
                f"{self._ring(ring)} has {sizes[ring]} positions; allowed: {RING_POSITIONS} or more, "
                "the last equal to the first. Leave the ring out, or give it an area."
            )
        outside = ~((np.abs(xy[:, 0]) <= 180) & (np.abs(xy[:, 1]) <= 90))
        if outside.any():
            at = int(np.argmax(outside))
            raise Malformed(
                f"{self._ring(int(np.searchsorted(ends, at, side='right')))} has the position "
                f"{_place(xy[at])}; "
                "allowed: lon -180 to 180, lat -90 to 90, in this order. Reproject to WGS 84, check that "
                "lon and lat "
                "are not swapped, and cut rings at the 180th meridian (RFC 7946, 3.1.9)."
            )
        first, last = xy[ends - sizes], xy[ends - 1]
        gaping = (first != last).any(axis=1)
        if gaping.any():
            ring = int(np.argmax(gaping))
            raise Malformed(
                f"{self._ring(ring)} is not closed: it begins at {_place(first[ring])} and ends at "
                f"{_place(last[ring])}. Repeat the first position at the end."
            )

    def _ring(self, ring: int) -> str:
        """Names a ring by its place among all rings, for an error."""
        previous, part = -1, 0
        for polygon, owner in zip(self._polygons, self._owner, strict=True):
            part = part + 1 if owner == previous else 0
            if ring < len(polygon):
                inside = f" of polygon {part}" if self._multi[owner] else ""
                return f"{self._where[owner]}: ring {ring}{inside}"
            previous, ring = owner, ring - len(polygon)
        raise IndexError(ring)


def _polygons(read: _Geometry, where: str) -> list[list[Ring]]:
    """The positions of every ring; most have two coordinates and are read by the quick decoder."""
    piece, one = read.coordinates, read.type == "Polygon"
    try:
        found: Any = (_read_polygon if one else _read_multipolygon)(piece)
    except (msgspec.MsgspecError, RecursionError):
        what = f"the coordinates of {where}"
        found = decode(_read_polygon_3d if one else _read_multipolygon_3d, piece, what, _POSITIONS)
        return [[_flattened(ring, where) for ring in polygon] for polygon in ([found] if one else found)]
    return [found] if one else found


def _flattened(ring: list[list[float]], where: str) -> Ring:
    for position in ring:
        if len(position) < 2:
            raise Malformed(f"{where} has the position {position}; allowed: [lon, lat] or [lon, lat, altitude]")
    return [(position[0], position[1]) for position in ring]


def _place(position: NDArray[np.float64]) -> str:
    return f"[{float(position[0])!r}, {float(position[1])!r}]"


def _type_name(kind: object) -> str:
    return kind if isinstance(kind, str) and kind.isidentifier() else f"geometry of type {shown(kind)}"
