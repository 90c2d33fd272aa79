"""GeoJSON, leniently: a feature that is not as it should be is a finding, and the others go on.

Between `geojson_outline`, which finds the features, and `positions`, which reads their rings. Invariant: a feature is
taken as it stands or left out with a finding; half a million positions take about a second.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from boundaries.checking.finding import Finding
from boundaries.drawing import Drawing
from boundaries.errors import Unreadable
from boundaries.reading.contents import Contents, Drawn
from boundaries.reading.geojson_outline import Outline, outline_of, repeated_member
from boundaries.reading.jsonable import jsonable, properties_of
from boundaries.reading.options import Bounds, Progress, ReadOptions
from boundaries.reading.positions import quick_drawing, slow_drawing
from boundaries.reading.text import to_utf8
from geofence.geojson_shapes import ABSENT
from geofence.malformed import Malformed, decode, shown

_EVERY = 100  # features between two words on the progress
_FEATURE = "an object with type, id, properties and geometry"


class _Feature(msgspec.Struct):
    type: Any = None
    id: Any = None
    properties: Any = None
    geometry: msgspec.Raw = ABSENT
    crs: Any = None


class _Geometry(msgspec.Struct):
    type: Any = None
    coordinates: msgspec.Raw = ABSENT


_read_feature = msgspec.json.Decoder(_Feature).decode
_read_geometry = msgspec.json.Decoder(_Geometry).decode


def read_geojson(raw: bytes, options: ReadOptions, progress: Progress) -> Contents:
    """The features of a GeoJSON file. Raises Unreadable."""
    text = to_utf8(raw, options.encoding)
    outline = outline_of(text.text)
    check_count(len(outline.features), options.bounds)
    features: list[Drawn] = []
    findings = list(text.findings)
    positions = 0
    for row, piece in enumerate(outline.features):
        if row % _EVERY == 0:
            progress("reading", row, len(outline.features))
        try:
            drawn = _bare(piece, row) if outline.bare else _drawn(piece, row)
        except Malformed as fault:
            findings.append(malformed(row, str(fault)))
            continue
        positions += sum(len(ring) for polygon in drawn.drawing.polygons for ring in polygon)
        check_positions(positions, options.bounds)
        features.append(drawn)
    return _contents(outline, features, findings, text.encoding)


def malformed(row: int, what: str) -> Finding:
    """The finding on a feature that can't be read."""
    what = f"Feature {row} (counted from 0) is left out: {what.removesuffix('.')}."
    return Finding(code="feature_malformed", row=row, what=what)


def check_count(features: int, bounds: Bounds) -> None:
    """Refuse more features than a layer could use."""
    if features > bounds.features:
        raise Unreadable(
            f"The file has {features} features; allowed: up to {bounds.features}. "
            "Upload regions, not addresses or parcels; or split it into layers."
        )


def check_positions(positions: int, bounds: Bounds) -> None:
    """Refuse more positions than can be handled."""
    if positions > bounds.positions:
        raise Unreadable(
            f"The file has more than {bounds.positions} positions; allowed: up to so many. Simplify the borders, "
            "for example to 1 m."
        )


def _contents(outline: Outline, features: list[Drawn], findings: list[Finding], encoding: str) -> Contents:
    return Contents(
        format=outline.format,
        features=features,
        crs=outline.crs,
        encoding=encoding,
        findings=findings,
        settings=outline.settings,
    )


def _bare(piece: bytes | msgspec.Raw, row: int) -> Drawn:
    return Drawn(row, None, {}, slow_drawing(_objects(piece)))


def _drawn(piece: bytes | msgspec.Raw, row: int) -> Drawn:
    """One feature. Raises Malformed."""
    feature, geometry = _quickly(piece)
    if feature is None or geometry is None:
        return _slowly(piece, row)
    _check(feature.type, feature.properties, feature.crs)
    rest = bytes(piece).replace(bytes(geometry.coordinates), b"null", 1)
    twice = repeated_member(rest)
    if twice is not None:
        raise Malformed(f"it has the member {shown(twice)} twice; allowed: once. Leave one out.")
    drawing = quick_drawing(geometry.type, geometry.coordinates)
    if drawing is None:
        drawing = slow_drawing(_objects(feature.geometry))
    return _with(feature.id, feature.properties, drawing, row)


def _quickly(piece: bytes | msgspec.Raw) -> tuple[_Feature | None, _Geometry | None]:
    try:
        feature = _read_feature(piece)
        return feature, _read_geometry(feature.geometry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None


def _slowly(piece: bytes | msgspec.Raw, row: int) -> Drawn:
    """As `_drawn`, by the standard library, which takes numbers out of range and half surrogates."""
    feature = _objects(piece)
    if not isinstance(feature, dict):
        raise Malformed(f"it is {shown(feature)}; allowed: {_FEATURE}.")
    twice = repeated_member(bytes(piece))
    if twice is not None:
        raise Malformed(f"it has the member {shown(twice)} twice; allowed: once. Leave one out.")
    _check(feature.get("type"), feature.get("properties"), feature.get("crs"))
    return _with(feature.get("id"), feature.get("properties"), slow_drawing(feature.get("geometry")), row)


def _with(own_id: Any, properties: Any, drawing: Drawing, row: int) -> Drawn:
    return Drawn(row, jsonable(own_id), properties_of(properties), drawing)


def _check(kind: Any, properties: Any, crs: Any) -> None:
    if kind != "Feature":
        raise Malformed(f"it has the type {shown(kind)}; allowed: Feature. Wrap the geometry in a Feature.")
    if properties is not None and not isinstance(properties, dict):
        raise Malformed(f"its properties are {shown(properties)}; allowed: an object, or null.")
    if crs is not None:
        raise Malformed("it has a coordinate system of its own (crs); allowed: one for the whole file.")


def _objects(piece: bytes | msgspec.Raw) -> Any:
    """The piece as Python objects. Raises Malformed, which names the place."""
    try:
        return json.loads(bytes(piece))
    except (ValueError, RecursionError):
        decode(msgspec.json.Decoder().decode, piece, "it", _FEATURE)
        raise Malformed("it can't be read as JSON. Check it with a JSON tool.") from None
