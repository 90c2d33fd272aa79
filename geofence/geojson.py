"""Region files: the bytes of a GeoJSON document (RFC 7946) become regions and the settings that the file
names.

First on the way of a boundary, before `Version.of` puts the regions in order and judges their shapes.
Invariant: nothing is mended, closed, reprojected or left out in silence; a file is taken as it is or refused
with the feature, the value, what is allowed and what to do. Only a third coordinate is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from geofence.geojson_shapes import ABSENT, Shapes
from geofence.malformed import Malformed, check_utf8, decode, shown
from geofence.region import InvalidRegion, Kind, Region

NAME_BYTES = 1024
_NAMES = ("name", "NAME", "Name")
_EXACT = 2**53  # integers up to here are the same number as a JSON float
_DOCUMENT = "an object: a FeatureCollection, Feature, Polygon or MultiPolygon. Is it GeoJSON?"
_FEATURE = (
    "an object with type, id, properties (an object, or null) and geometry. Correct the feature, or leave it out."
)
_SETTINGS = (
    "layer (text), kind (partition or overlay), nearest_within_m and dwell_s (numbers). Correct it, or leave it out."
)
_WGS_84 = ("CRS84", "EPSG:4326", "EPSG::4326", "WGS84")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The optional member `geofence` of a file: what its author says of the layer. None: not said."""

    layer: str | None = None
    kind: Kind | None = None
    nearest_within_m: float | None = None
    dwell_s: float | None = None


class RegionFile(msgspec.Struct, frozen=True):
    """What a region file holds."""

    regions: tuple[Region, ...]
    settings: Settings


class _Document(msgspec.Struct):
    type: Any = None
    features: msgspec.Raw = ABSENT
    geofence: msgspec.Raw = ABSENT
    crs: Any = None


class _Feature(msgspec.Struct):
    type: Any = None
    id: Any = None
    properties: dict[str, Any] | None = None
    geometry: msgspec.Raw = ABSENT
    crs: Any = None


_read_document = msgspec.json.Decoder(_Document).decode
_read_features = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_feature = msgspec.json.Decoder(_Feature).decode
_read_settings = msgspec.json.Decoder(Settings).decode


def read_regions(raw: bytes, *, layer: str) -> RegionFile:
    """The regions of a FeatureCollection, a Feature, or a bare geometry (whose id is then the layer's name).

    Raises InvalidRegion. Ids are unique and coordinates within the world; whether rings cross `Version.of`
    says.
    """
    try:
        text = check_utf8(raw, "the file")
        document = decode(_read_document, text, "the file", _DOCUMENT)
        _check_crs(document.crs)
        return RegionFile(_regions(document, text, layer), _settings(document))
    except Malformed as fault:
        raise InvalidRegion(f"layer {layer!r}: {fault}") from None


def _regions(document: _Document, text: bytes, layer: str) -> tuple[Region, ...]:
    if document.type == "FeatureCollection":
        pieces = decode(_read_features, document.features, "features", "a list of Features. Is it GeoJSON?")
        if not pieces:
            raise Malformed("the file has no features; allowed: at least one. Add a region, or leave the file out.")
        features = [_feature(piece, f"features[{index}]") for index, piece in enumerate(pieces)]
    elif document.type == "Feature":
        features = [_feature(text, "the feature")]
    elif document.type not in ("Polygon", "MultiPolygon"):
        allowed = "FeatureCollection, Feature, Polygon or MultiPolygon"
        raise Malformed(f"the file has the type {shown(document.type)}; allowed: {allowed}. Is it GeoJSON?")
    else:
        features = [(layer, {}, "the geometry", msgspec.Raw(text))]
    _check_unique([(ident, where) for ident, _, where, _ in features])
    shapes = Shapes()
    for _, _, where, geometry in features:
        shapes.add(geometry, where)
    return tuple(
        Region(ident, shape, _name(properties, where), properties)
        for (ident, properties, where, _), shape in zip(features, shapes.build(), strict=True)
    )


def _feature(piece: bytes | msgspec.Raw, where: str) -> tuple[str, Mapping[str, Any], str, msgspec.Raw]:
    feature: _Feature = decode(_read_feature, piece, where, _FEATURE)
    properties = feature.properties or {}
    if feature.type != "Feature":
        raise Malformed(
            f"{where} has type {shown(feature.type)}; allowed: Feature. Wrap the geometry in a Feature with an id."
        )
    ident = _id(feature, properties, where)
    where = f"{where} (id {shown(ident)})"
    _check_crs(feature.crs)
    if bytes(feature.geometry) == b"null":
        raise Malformed(f"{where} has no geometry; allowed: Polygon or MultiPolygon. Leave the feature out.")
    return ident, properties, where, feature.geometry


def _id(feature: _Feature, properties: Mapping[str, Any], where: str) -> str:
    ident = feature.id if feature.id is not None else properties.get("id")
    if isinstance(ident, float) and ident == np.rint(ident) and abs(ident) <= _EXACT:
        ident = int(ident)
    if isinstance(ident, int | float) and not isinstance(ident, bool):
        return str(ident)
    if isinstance(ident, str) and ident:
        return ident
    raise Malformed(
        f"{where} has the id {shown(ident)}; allowed: text or a number, as the feature's `id` or property "
        "`id`. "
        "Give every feature an id that stays the same from version to version."
    )


def _name(properties: Mapping[str, Any], where: str) -> str:
    name = next((properties[key] for key in _NAMES if isinstance(properties.get(key), str)), "")
    size = len(name.encode())
    if size > NAME_BYTES:
        raise Malformed(f"{where} has a name of {size} bytes; allowed: up to {NAME_BYTES}. Shorten it.")
    return str(name)


def _check_unique(idents: list[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for ident, where in idents:
        if ident in seen:
            raise Malformed(
                f"{where} has the id of {seen[ident].split(' ')[0]}; allowed: unique ids (5, 5.0 and '5' "
                "are the same). "
                "Join the two as one MultiPolygon, or rename one."
            )
        seen[ident] = where


def _settings(document: _Document) -> Settings:
    if bytes(document.geofence) == b"null":
        return Settings()
    settings: Settings = decode(_read_settings, document.geofence, "the member `geofence`", _SETTINGS)
    return settings


def _check_crs(crs: Any) -> None:
    """Refuse any other coordinate system than WGS 84: every region would lie somewhere else."""
    if crs is None:
        return
    named = crs.get("properties") if isinstance(crs, dict) else None
    name = named.get("name") if isinstance(named, dict) else None
    if not (isinstance(name, str) and name.upper().endswith(_WGS_84)):
        raise Malformed(
            f"the member `crs` is {shown(name or crs)}; allowed: none, CRS84 or EPSG:4326. "
            "Reproject to WGS 84, for example with ogr2ogr -t_srs EPSG:4326 -lco RFC7946=YES."
        )
