"""Findings: what was noticed in a region file, where, how bad it is, and whether it can be mended.

Made by `reading` and `checking`, told by `telling`. Invariant: a finding's code, and whether it is mended, decide its
severity and what to do (`codes`); the finding itself has the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shapely.geometry.base import BaseGeometry


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"  # it can't be published
    WARNING = "warning"  # it can, and probably should not
    NOTE = "note"  # something was done, or is worth knowing


class Mend(StrEnum):
    """Whether it can be put right by a program."""

    NO = "no"
    OFFERED = "offered"  # by asking for it
    DONE = "done"  # because it was asked for, or because it changes nothing on the ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One of them."""

    code: str  # of `codes.CODES`
    what: str  # one sentence, with values: what is there
    region: str | None = None  # its id
    row: int | None = None  # of the feature, from 0
    other: str | None = None  # the second region, where two are in it
    lon: float | None = None  # a place to look at
    lat: float | None = None
    shape: BaseGeometry | None = None  # to show there, at most some hundred positions
    mend: Mend = Mend.NO
    figures: Mapping[str, float] = field(default_factory=dict)  # by name with unit, such as area_m2, width_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """One region that was mended: what for, and how its area changed."""

    region: str
    codes: tuple[str, ...]
    before_m2: float  # what its rings enclose as drawn
    after_m2: float
    before: BaseGeometry  # to show: as drawn, valid or not, simplified if it has many positions
    after: BaseGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was read, and how."""

    file: str  # its name, without folders
    size: int  # bytes
    format: str  # such as GeoJSON
    inner: str | None = None  # the layer within the file, where it has layers
    crs: str = ""  # as people know it, such as "EPSG:25832, ETRS89 / UTM zone 32N"
    operation: str | None = None  # how coordinates were brought to WGS 84; None: there was nothing to do
    operation_m: float | None = None  # how exact that is, as the operation's authors say
    encoding: str = "UTF-8"
    id_from: str = ""  # where ids were found, such as "property GEOID"; how it was chosen: `guessed`
    name_from: str = ""
    guessed: bool = False
    attributes: tuple[str, ...] = ()  # the properties that features have


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that there is to say of a file."""

    layer: str
    kind: str  # partition or overlay
    source: Source | None  # None: it was not read from a file
    features: int
    regions: int  # that can be used
    vertices: int
    findings: tuple[Finding, ...]  # errors first, then by code, then by region
    mended: tuple[Mended, ...] = ()
