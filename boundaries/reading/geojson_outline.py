"""The outline of a GeoJSON file: its members, and the bytes of each feature, not looked into yet.

Between `text` and `geojson`. Also files with a feature a line, and RFC 8142 with its record separators. Invariant: one
feature that is not JSON is one finding where features stand on lines of their own; else the file can't be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from boundaries.errors import Unreadable
from boundaries.reading.contents import WGS_84
from boundaries.reading.positions import KINDS
from geofence.geojson import Settings
from geofence.geojson_shapes import ABSENT
from geofence.malformed import Malformed, decode, shown

_ALLOWED = "a FeatureCollection, a Feature or a geometry, as RFC 7946 has them"
_SEPARATOR = b"\x1e"
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')
_TOO_LARGE = b"1e999"  # valid JSON, and read as infinite
_SETTINGS = "layer (text), kind (partition or overlay), nearest_within_m and dwell_s (numbers)"


class _Document(msgspec.Struct):
    type: Any = None
    features: msgspec.Raw = ABSENT
    geofence: msgspec.Raw = ABSENT
    crs: Any = None


class _Typed(msgspec.Struct):
    type: Any = None


_read_document = msgspec.json.Decoder(_Document).decode
_read_typed = msgspec.json.Decoder(_Typed).decode
_read_features = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_settings = msgspec.json.Decoder(Settings).decode
_read_any = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the features are, and what stands beside them."""

    features: list[bytes | msgspec.Raw]
    format: str = "GeoJSON"
    crs: str | None = WGS_84
    settings: Settings = field(default_factory=Settings)
    bare: bool = False  # a geometry without a feature around it


def outline_of(text: bytes) -> Outline:
    """The outline of a file's text. Raises Unreadable."""
    lines = _lines(text)
    if lines is not None:
        return Outline(list(lines), "newline-delimited GeoJSON")
    try:
        text, document = _document(text)
        return _outline(text, document)
    except Malformed as fault:
        told = str(fault)
        raise Unreadable(told[:1].upper() + told[1:]) from None


def repeated_member(text: bytes) -> str | None:
    """A name that an object in the text has twice; None where there is none, or the text is no JSON."""
    twice: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in members]
        if len(set(names)) < len(names):
            twice.append(next(name for name in names if names.count(name) > 1))

    _tried(lambda: json.loads(text, object_pairs_hook=pairs))
    return twice[0] if twice else None


def _lines(text: bytes) -> list[bytes] | None:
    """The pieces of a file with a feature a line; None where it is a document."""
    if text.lstrip().startswith(_SEPARATOR):
        return [piece.strip() for piece in text.split(_SEPARATOR) if piece.strip()]
    begin = [line for line in text[:1_000_000].lstrip().split(b"\n", 16) if line.strip()][:3]
    first = text.lstrip().split(b"\n", 1)
    if len(first) < 2 or not first[1].strip():
        return None
    for line in (first[0], *begin[1:3]):
        typed = _tried(lambda line=line: _read_typed(_numbered(line)))  # type: ignore[misc]
        if typed is not None and (typed.type == "Feature" or typed.type in KINDS):
            if _tried(lambda: _read_typed(_numbered(text))) is not None:
                return None  # a document whose features stand on lines of their own
            return [piece for piece in map(bytes.strip, text.split(b"\n")) if piece]
    return None


def _document(text: bytes) -> tuple[bytes, Any]:
    """The document, and the text that it was read from: numbers that are none count as infinite."""
    try:
        return text, decode(_read_document, text, "the file", _ALLOWED)
    except Malformed as fault:
        mended = _numbered(text)
        document = _tried(lambda: _read_document(mended)) if mended != text else None
        if document is None:
            raise fault from None
        return mended, document


def _outline(text: bytes, document: Any) -> Outline:
    rest = text.replace(bytes(document.features), b"null", 1) if document.type == "FeatureCollection" else b"{}"
    twice = repeated_member(rest)
    if twice is not None:
        raise Malformed(f"the file has the member {shown(twice)} twice; allowed: once. Leave one out.")
    crs, settings = _crs(document.crs), _settings(document.geofence)
    if document.type == "FeatureCollection":
        features = decode(_read_features, document.features, "features", "a list of Features. Is it GeoJSON?")
        return Outline(list(features), crs=crs, settings=settings)
    if document.type == "Feature" or document.type in KINDS:
        return Outline([text], crs=crs, settings=settings, bare=document.type != "Feature")
    raise _other(text, document)


def _other(text: bytes, document: Any) -> Unreadable:
    members = _tried(lambda: _read_any(text))
    if document.type == "Topology":
        what = "TopoJSON"
    elif isinstance(members, dict) and "geometryType" in members:
        what = "Esri JSON"
    else:
        what = f"JSON of the type {shown(document.type)}"
    return Unreadable(f"The file is {what}; allowed: {_ALLOWED}. Export it as GeoJSON.")


def _crs(member: Any) -> str | None:
    """The coordinate system as the member `crs` of old files names it; a link is not followed."""
    if member is None:
        return WGS_84
    properties = member.get("properties") if isinstance(member, dict) else None
    if not isinstance(properties, dict):
        return None
    if isinstance(properties.get("name"), str):
        return str(properties["name"])
    return f"EPSG:{properties['code']}" if isinstance(properties.get("code"), int | str) else None


def _settings(member: msgspec.Raw) -> Settings:
    if bytes(member) == b"null":
        return Settings()
    settings: Settings = decode(_read_settings, member, "the member `geofence`", _SETTINGS)
    return settings


def _numbered(text: bytes) -> bytes:
    """The text with what JavaScript calls numbers as numbers of JSON; strings stay as they are."""
    if b"NaN" not in text and b"Infinity" not in text:
        return text
    return _NO_NUMBER.sub(lambda found: _TOO_LARGE if found[1] else found[0], text)


def _tried(read: Callable[[], Any]) -> Any:
    """What it reads; None where it can't."""
    try:
        return read()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
