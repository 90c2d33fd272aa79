"""Well-known binary becomes drawings, rings as they are: a library that builds polygons refuses or mends open ones.

Takes both kinds of WKB there are (ISO 13249 with 1000s, EWKB with flags), either byte order. Invariant: bytes that are
no WKB end in `Malformed`, whatever they are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from boundaries.drawing import Drawing, Ring
from geofence.malformed import Malformed

_KINDS = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
    8: "CircularString",
    9: "CompoundCurve",
    10: "CurvePolygon",
    11: "MultiCurve",
    12: "MultiSurface",
    15: "PolyhedralSurface",
    16: "TIN",
    17: "Triangle",
}
_FLAG_Z, _FLAG_M, _FLAG_SRID = 0x80000000, 0x40000000, 0x20000000
_DEPTH = 8


def drawing_of(wkb: bytes) -> Drawing:
    """The drawing. Raises Malformed."""
    kind, polygons, others, heights = _Walk(wkb).geometry(0)
    return Drawing(kind, tuple(polygon for polygon in polygons if polygon), heights, others)


_Found = tuple[str, list[tuple[Ring, ...]], int, bool]


@dataclass(slots=True)
class _Walk:
    """One pass over the bytes."""

    wkb: bytes
    at: int = 0

    def geometry(self, depth: int) -> _Found:
        if depth > _DEPTH:
            raise Malformed(f"its geometry is nested more than {_DEPTH} levels deep. Flatten it")
        order, code, width = self._head()
        kind, high = _KINDS[code], width > 2
        if kind == "Polygon":
            return kind, [self._rings(order, width)], 0, high
        if kind in ("MultiPolygon", "GeometryCollection"):
            return self._members(kind, order, depth, high)
        if kind == "MultiPoint" or kind == "MultiLineString":
            return kind, [], max(self._count(order, 5), 1), high
        return kind, [], 1, high  # nothing in it is of use, and nothing follows in a file's own geometry

    def _members(self, kind: str, order: str, depth: int, high: bool) -> _Found:
        polygons: list[tuple[Ring, ...]] = []
        others = 0
        for _ in range(self._count(order, 5)):
            member, parts, more, member_high = self._member(depth + 1)
            if kind == "MultiPolygon" and member != "Polygon":
                raise Malformed(f"its MultiPolygon has a {member} in it")
            polygons += parts
            others += more
            high = high or member_high
        return kind, polygons, others, high

    def _member(self, depth: int) -> _Found:
        """One part of a collection; those that are no polygons are passed over."""
        begin = self.at
        order, code, width = self._head()
        if code in (1, 2):
            positions = 1 if code == 1 else self._count(order, 8 * width)
            self.at += 8 * width * positions
            return _KINDS[code], [], 1, width > 2
        if code in (4, 5):
            members = self._count(order, 5)
            for _ in range(members):
                self._member(depth + 1)
            return _KINDS[code], [], members, width > 2
        self.at = begin
        if code not in (3, 6, 7):
            raise Malformed(f"its collection has a {_KINDS[code]} in it; allowed: polygons. Convert curves to lines")
        return self.geometry(depth)

    def _head(self) -> tuple[str, int, int]:
        """Byte order, kind, numbers in a position."""
        if self.at >= len(self.wkb) or self.wkb[self.at] > 1:
            raise Malformed("its geometry is no well-known binary")
        order = "<" if self.wkb[self.at] else ">"
        self.at += 1
        code = self._number(order)
        flagged = (code & _FLAG_Z != 0) + (code & _FLAG_M != 0)
        if code & _FLAG_SRID:
            self.at += 4
        thousands, code = divmod(code & 0x0FFFFFFF, 1000)
        if code not in _KINDS or thousands > 3:
            raise Malformed(f"its geometry is of an unknown kind ({code})")
        return order, code, 2 + max(flagged, (0, 1, 1, 2)[thousands])

    def _rings(self, order: str, width: int) -> tuple[Ring, ...]:
        return tuple(self._ring(order, width) for _ in range(self._count(order, 4)))

    def _ring(self, order: str, width: int) -> Ring:
        positions = self._count(order, 8 * width)
        column = np.frombuffer(self.wkb, f"{order}f8", positions * width, self.at).reshape(-1, width)
        self.at += positions * width * 8
        return np.ascontiguousarray(column[:, :2], np.float64)

    def _count(self, order: str, least_bytes: int) -> int:
        """How many of something follow; each takes so many bytes at least."""
        count = self._number(order)
        if count * least_bytes > len(self.wkb) - self.at:
            raise Malformed("its geometry ends too early")
        return count

    def _number(self, order: str) -> int:
        if self.at + 4 > len(self.wkb):
            raise Malformed("its geometry ends too early")
        number: int = struct.unpack_from(f"{order}I", self.wkb, self.at)[0]
        self.at += 4
        return number
