"""What a format's reader hands on: features as the file has them, in its own coordinate system, ids not chosen yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boundaries.checking.finding import Finding
from boundaries.drawing import Drawing
from geofence.geojson import Settings

WGS_84 = "OGC:CRS84"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One feature of a file."""

    row: int
    own_id: Any  # as the format itself has it; None: it has none
    properties: Mapping[str, Any]  # JSON-able
    drawing: Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was in a file, or in the one layer of it that was asked for."""

    format: str
    features: list[Drawn]
    crs: str | None = WGS_84  # as pyproj takes it; None: the file does not say
    encoding: str = "UTF-8"
    inner: str | None = None
    findings: list[Finding] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    own_ids_first: bool = True  # False: they are mostly made by the program that wrote the file
    last_resort: str = ""  # an attribute that only a machine gave, taken for the id where there is nothing else
