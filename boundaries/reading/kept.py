"""A reading as bytes, to go from the child that read a file to the process that asked for it.

Invariant: bytes that are no reading end in Unreadable; decoding them runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from boundaries.checking.finding import Finding, Source
from boundaries.drawing import Drawing, Feature
from boundaries.errors import Unreadable
from boundaries.reading.options import Reading
from geofence.geojson import Settings


class _Row(msgspec.Struct, array_like=True):
    """A feature without its positions: of each ring, how many it has."""

    row: int
    id: str | None
    name: str
    properties: dict[str, Any]
    kind: str
    rings: list[list[int]]
    heights: bool
    others: int


class _Kept(msgspec.Struct):
    source: Source
    features: list[_Row]
    findings: list[Finding]
    settings: Settings
    positions: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


def to_bytes(reading: Reading) -> bytes:
    """The reading; the little shapes of its findings are left out."""
    rings = [ring for one in reading.features for polygon in one.drawing.polygons for ring in polygon]
    positions = np.concatenate(rings).astype("<f8").tobytes() if rings else b""
    rows = [_row(one) for one in reading.features]
    findings = [replace(one, shape=None) for one in reading.findings]
    return _encode(_Kept(reading.source, rows, findings, reading.settings, positions))


def from_bytes(raw: bytes) -> Reading:
    """The reading that these bytes are. Raises Unreadable."""
    try:
        kept = _decode(raw)
        column = np.frombuffer(kept.positions, "<f8").reshape(-1, 2)
        sizes = [size for row in kept.features for polygon in row.rings for size in polygon]
        if sum(sizes) != len(column) or min(sizes, default=0) < 0:
            raise ValueError("positions")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unreadable("What was read can't be understood. Export the file again and retry.") from None
    rings = iter(np.split(column, np.cumsum(sizes[:-1])) if sizes else ())
    features = [_feature(row, rings) for row in kept.features]
    return Reading(kept.source, features, kept.findings, kept.settings)


def _row(one: Feature) -> _Row:
    drawing = one.drawing
    sizes = [[len(ring) for ring in polygon] for polygon in drawing.polygons]
    return _Row(one.row, one.id, one.name, dict(one.properties), drawing.kind, sizes, drawing.heights, drawing.others)


def _feature(row: _Row, rings: Iterator[Any]) -> Feature:
    polygons = tuple(tuple(next(rings) for _ in polygon) for polygon in row.rings)
    return Feature(row.row, row.id, row.name, Drawing(row.kind, polygons, row.heights, row.others), row.properties)
