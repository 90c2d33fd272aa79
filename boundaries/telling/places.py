"""A report's places as GeoJSON, to be laid over a map in any program.

Invariant: one Feature for each finding, in the report's order, its `id` its number there; without a place its geometry
is null.
"""

from __future__ import annotations

from typing import Any

from shapely import Point
from shapely.geometry.base import BaseGeometry

from boundaries.checking.codes import kind_of
from boundaries.checking.finding import Finding, Report
from boundaries.shapes_as_json import drawable, encode


def report_places(report: Report) -> bytes:
    """A FeatureCollection (RFC 7946) of the findings."""
    features = [_feature(number, finding) for number, finding in enumerate(report.findings, 1)]
    return encode({"type": "FeatureCollection", "features": features})


def shape_of(finding: Finding) -> BaseGeometry | None:
    """What to show of a finding: its shape, or else its point."""
    shape = drawable(finding.shape)
    if shape is None and finding.lon is not None and finding.lat is not None:
        shape = drawable(Point(finding.lon, finding.lat))
    return shape


def _feature(number: int, finding: Finding) -> dict[str, Any]:
    code = kind_of(finding)
    properties = {
        "code": finding.code,
        "severity": code.severity,
        "title": code.title,
        "region": finding.region,
        "other": finding.other,
        "row": finding.row,
        "what": finding.what,
        "means": code.means,
        "remedy": code.remedy,
        "mend": finding.mend,
        "lon": finding.lon,
        "lat": finding.lat,
        **finding.figures,
    }
    return {"type": "Feature", "id": number, "geometry": shape_of(finding), "properties": properties}
