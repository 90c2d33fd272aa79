"""What can be said about a file before it is read, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from boundaries.checking.finding import Finding, Source
from boundaries.drawing import Feature
from geofence.geojson import Settings

OWN_ID = "@id"  # as `ReadOptions.id`: the id that the format itself gives a feature, not one of its attributes

Progress = Callable[[str, int, int], None]  # the stage, how much of it is done, of how much


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a file may be, as sent and unpacked."""

    sent_bytes: int = 200_000_000
    unpacked_bytes: int = 1_000_000_000
    ratio: int = 200  # unpacked to packed
    ratio_from_bytes: int = 50_000_000  # smaller ones may be packed as tightly as they like
    entries: int = 1_000  # in an archive
    features: int = 200_000
    positions: int = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the admin says; None: to be found out."""

    layer: str | None = None  # within the file
    crs: str | None = None  # EPSG:25832, or a WKT; goes before what the file says
    encoding: str | None = None  # of text, goes before what the file says
    id: str | None = None  # the attribute with the ids
    name: str | None = None  # the attribute with the names
    bounds: Bounds = Bounds()


@dataclass(frozen=True, slots=True)
class Reading:
    """A file, read."""

    source: Source
    features: list[Feature] = field(repr=False)  # asyncio takes the repr of what a task gives: seconds, for so many
    findings: list[Finding] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)  # what the file says of its layer in the member `geofence`
