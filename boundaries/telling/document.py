"""A report as JSON and back: the form in which it is kept, served and handed to other programs.

Its schema is `report_schema()`. Invariant: `report_of(report_json(report))` is the report, except that a shape with
coordinates that are no numbers is left out; what is derived (verdict, codes) is written for readers and not read back.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from boundaries.checking.codes import CODES, severity_of
from boundaries.checking.finding import Finding, Mend, Mended, Report, Severity, Source
from boundaries.checking.listing import many_of
from boundaries.shapes_as_json import decode, drawable, encode, schema_of
from boundaries.telling.verdict import verdict_of

FORMAT = 1


_Region = Annotated[str | None, Meta(description="Id of the region it is about; null: none, or the feature has no id.")]
_Row = Annotated[
    int | None, Meta(description="The feature's place in the file, from 0; null: it is about no single feature.")
]
_Other = Annotated[str | None, Meta(description="Id of the second region, where two are in it.")]
_Lon = Annotated[float | None, Meta(description="A place to look at: longitude in degrees, WGS 84.")]
_Lat = Annotated[float | None, Meta(description="A place to look at: latitude in degrees, WGS 84.")]
_Shape = Annotated[BaseGeometry | None, Meta(description="What to show there; null: nothing but the place.")]
_Mend = Annotated[Mend, Meta(description="Whether a program can put it right: no; offered, if asked (--fix); done.")]
_Figures = Annotated[
    dict[str, float | None], Meta(description="Values by name; the name ends with the unit, such as area_m2.")
]


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of finding that the report has: what it means and what to do."""

    severity: Severity
    title: str
    means: str
    remedy: str
    findings: int


class FindingEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. Its code is a key of `codes`; `what` is a sentence with values."""

    code: str
    severity: Severity
    what: str
    region: _Region = None
    row: _Row = None
    other: _Other = None
    lon: _Lon = None
    lat: _Lat = None
    shape: _Shape = None
    mend: _Mend = Mend.NO
    figures: _Figures = {}


class MendedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One region that was mended: for which codes, and what it was before (as drawn) and after."""

    region: str
    codes: tuple[str, ...]
    before_m2: float
    after_m2: float
    before: BaseGeometry | None
    after: BaseGeometry | None


class VerdictEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the report comes to: how many findings of each severity, and for how many a mend is offered."""

    publishable: bool
    errors: int
    warnings: int
    notes: int
    mendable: int


class ReportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What is right and wrong with a region file. `format` is raised when a reader would have to change."""

    format: int
    layer: str
    kind: str
    verdict: VerdictEntry
    source: Source | None
    features: int
    regions: int
    vertices: int
    codes: dict[str, CodeEntry]
    findings: list[FindingEntry]
    mended: list[MendedEntry]


def report_json(report: Report) -> bytes:
    """A report as JSON."""
    verdict = verdict_of(report)
    document = ReportDocument(
        format=FORMAT,
        layer=report.layer,
        kind=report.kind,
        verdict=VerdictEntry(
            publishable=verdict.publishable,
            errors=verdict.errors,
            warnings=verdict.warnings,
            notes=verdict.notes,
            mendable=verdict.mendable,
        ),
        source=report.source,
        features=report.features,
        regions=report.regions,
        vertices=report.vertices,
        codes=_codes(report),
        findings=[_entry(finding) for finding in report.findings],
        mended=[_mended(one) for one in report.mended],
    )
    return encode(document)


def report_of(raw: bytes) -> Report:
    """The report that `report_json` wrote. Raises msgspec.DecodeError, or ValueError for another format."""
    document = decode(raw, ReportDocument)
    if document.format != FORMAT:
        raise ValueError(f"the report has format {document.format}; allowed: {FORMAT}. Check the file again.")
    return Report(
        layer=document.layer,
        kind=document.kind,
        source=document.source,
        features=document.features,
        regions=document.regions,
        vertices=document.vertices,
        findings=tuple(_finding(entry) for entry in document.findings),
        mended=tuple(_mended_of(entry) for entry in document.mended),
    )


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `report_json` writes."""
    return schema_of(ReportDocument)


def _codes(report: Report) -> dict[str, CodeEntry]:
    many: dict[str, int] = {}
    for finding in report.findings:
        many[finding.code] = many.get(finding.code, 0) + many_of(finding)
    return {
        code: CodeEntry(
            severity=CODES[code].severity,
            title=CODES[code].title,
            means=CODES[code].means,
            remedy=CODES[code].remedy,
            findings=count,
        )
        for code, count in many.items()
    }


def _entry(finding: Finding) -> FindingEntry:
    return FindingEntry(
        code=finding.code,
        severity=severity_of(finding),
        what=finding.what,
        region=finding.region,
        row=finding.row,
        other=finding.other,
        lon=finding.lon,
        lat=finding.lat,
        shape=drawable(finding.shape),
        mend=finding.mend,
        figures=dict(finding.figures),
    )


def _finding(entry: FindingEntry) -> Finding:
    return Finding(
        code=entry.code,
        what=entry.what,
        region=entry.region,
        row=entry.row,
        other=entry.other,
        lon=entry.lon,
        lat=entry.lat,
        shape=entry.shape,
        mend=entry.mend,
        figures={name: float("nan") if value is None else value for name, value in entry.figures.items()},
    )


def _mended(one: Mended) -> MendedEntry:
    return MendedEntry(
        region=one.region,
        codes=one.codes,
        before_m2=one.before_m2,
        after_m2=one.after_m2,
        before=drawable(one.before),
        after=drawable(one.after),
    )


def _mended_of(entry: MendedEntry) -> Mended:
    return Mended(
        region=entry.region,
        codes=entry.codes,
        before_m2=entry.before_m2,
        after_m2=entry.after_m2,
        before=entry.before if entry.before is not None else Polygon(),
        after=entry.after if entry.after is not None else Polygon(),
    )
