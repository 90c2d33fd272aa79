"""Reports as JSON, text and GeoJSON."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema_rs
import numpy as np
import pytest
import reports
import shapely
from hypothesis import given
from hypothesis import strategies as st

from boundaries.checking.codes import CODES, kind_of
from boundaries.checking.finding import Finding, Mend, Report, Severity
from boundaries.checking.listing import LISTED, listed
from boundaries.telling import report_json, report_of, report_places, report_schema, report_text, verdict_of
from boundaries.telling.verdict import by_code

WORDS = st.text(max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SHAPES = st.sampled_from(
    [None, shapely.Point(1 / 3, 0.1 + 0.2), shapely.LineString([(0, 0), (1e-9, 1)]), shapely.box(-180, -90, 180, 90)]
)
FINDINGS = st.builds(
    Finding,
    code=st.sampled_from(sorted(CODES)),
    what=WORDS,
    region=st.none() | WORDS,
    row=st.none() | st.integers(0, 10**6),
    other=st.none() | WORDS,
    lon=st.none() | st.floats(-180, 180),
    lat=st.none() | st.floats(-90, 90),
    shape=SHAPES,
    mend=st.sampled_from(Mend),
    figures=st.dictionaries(WORDS, NUMBERS, max_size=3),
)


@given(st.lists(FINDINGS, max_size=4), WORDS)
def test_json_brings_back_the_very_report_and_keeps_to_its_schema(findings: list[Finding], layer: str) -> None:
    told = reports.report(*findings, mended=(reports.bow_tie(),), layer=layer)
    raw = report_json(told)
    assert report_of(raw) == told
    jsonschema_rs.validator_for(report_schema()).validate(json.loads(raw))


def test_a_report_without_a_source_comes_back() -> None:
    told = replace(reports.everything(), source=None)
    assert report_of(report_json(told)) == told


def test_json_says_what_each_code_means_and_what_to_do() -> None:
    document = json.loads(report_json(reports.report(reports.overlap(), reports.overlap(), reports.spike())))
    assert sorted(document["codes"]) == ["overlap", "spike"]
    overlap = document["codes"]["overlap"]
    assert overlap == {
        "severity": "error",
        "title": CODES["overlap"].title,
        "means": CODES["overlap"].means,
        "remedy": CODES["overlap"].remedy,
        "findings": 2,
    }
    assert document["verdict"] == {"publishable": False, "errors": 2, "warnings": 1, "notes": 0, "mendable": 2}
    assert document["findings"][0]["shape"]["type"] == "Polygon"


def test_a_shape_with_a_coordinate_that_is_no_number_has_no_json() -> None:
    with np.errstate(invalid="ignore"):
        broken = shapely.LineString([(0, 0), (float("nan"), 1)])
    finding = Finding(code="position_not_finite", what="lon is nan", shape=broken, figures={"lon": float("inf")})
    document = json.loads(report_json(reports.report(finding)))
    assert document["findings"][0]["shape"] is None
    assert report_of(report_json(reports.report(finding))).findings[0].shape is None


def test_another_format_is_refused_with_what_to_do() -> None:
    raw = report_json(reports.everything()).replace(b'"format":1,', b'"format":2,', 1)
    with pytest.raises(ValueError, match=r"format 2; allowed: 1. Check the file again."):
        report_of(raw)


def test_text_groups_by_severity_and_code_and_ends_with_what_to_do_next() -> None:
    text = report_text(reports.everything())
    order = ["ERRORS", "Regions overlap (overlap): 1", "No id (id_missing): 1", "WARNINGS", "Spike (spike): 1"]
    order += ["NOTES", "Winding turned (winding_turned): 1", "MENDED: 1 region", "Can’t be published: 2 errors"]
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    assert "50.050000° N, 10.099950° E  [can be mended]" in text
    assert "41 km² before, 40 km² after, −1 km² (−2.44%)" in text
    assert text.endswith("Correct the errors, then check again. A mend is offered for 1 finding: --fix all.\n")


def test_text_tells_the_first_of_each_code_and_how_many_more() -> None:
    text = report_text(reports.report(*[reports.overlap(number) for number in range(1_207)]), most=3)
    assert "wide (2)" in text
    assert "wide (3)" not in text
    assert "... and 1,204 more" in text


@pytest.mark.parametrize(
    ("findings", "line", "step"),
    [
        ((), "Can be published: nothing was found.", "Compare it with the version in force"),
        ((reports.turned(),), "Can be published: 1 note.", "Compare it with the version in force"),
        ((reports.spike(),), "Can be published: 1 warning.", "Look at the warnings"),
        ((reports.nameless(),), "Can’t be published: 1 error.", "Correct the error, then check again."),
        ((reports.overlap(), reports.turned()), "Can’t be published: 1 error, 1 note.", "All of it can be mended"),
    ],
)
def test_the_verdict_follows_from_the_worst_finding(findings: tuple[Finding, ...], line: str, step: str) -> None:
    verdict = verdict_of(reports.report(*findings))
    assert verdict.line == line
    assert verdict.next_step.startswith(step)


def test_no_name_can_steer_the_terminal() -> None:
    text = report_text(reports.hostile())
    assert all(one.isprintable() or one == "\n" for one in text)
    assert "\\x1b[31m\\u202e" in text


@given(st.lists(FINDINGS, max_size=4))
def test_every_finding_is_one_feature_in_the_reports_order(findings: list[Finding]) -> None:
    told: Report = reports.report(*findings)
    document = json.loads(report_places(told))
    assert document["type"] == "FeatureCollection"
    assert [feature["id"] for feature in document["features"]] == list(range(1, len(findings) + 1))
    for feature, finding in zip(document["features"], findings, strict=True):
        properties, geometry = feature["properties"], feature["geometry"]
        assert properties["code"] == finding.code
        assert properties["remedy"] == kind_of(finding).remedy
        if finding.shape is not None:
            assert shapely.from_geojson(json.dumps(geometry)).equals(finding.shape)
        elif finding.lon is not None and finding.lat is not None:
            assert geometry == {"type": "Point", "coordinates": [finding.lon, finding.lat]}
        else:
            assert geometry is None


def test_what_was_mended_keeps_nothing_from_being_published() -> None:
    mended = Finding(code="ring_crosses", what="It crosses.", region="a", mend=Mend.DONE)
    told = reports.report(mended)
    verdict = verdict_of(told)
    assert (verdict.publishable, verdict.line) == (True, "Can be published: 1 note.")
    assert "NOTES" in report_text(told)
    assert "ERRORS" not in report_text(told)
    assert json.loads(report_json(told))["findings"][0]["severity"] == "note"
    both = reports.report(*listed([mended, Finding(code="ring_crosses", what="It crosses.", region="b")]))
    assert [code.severity for code, _ in by_code(both)] == [Severity.ERROR, Severity.NOTE]
    assert verdict_of(both).line == "Can’t be published: 1 error, 1 note."


def test_what_is_not_listed_is_counted() -> None:
    many = [Finding(code="ring_open", what="open", region=f"{k:03}", mend=Mend.OFFERED) for k in range(LISTED + 50)]
    told = reports.report(*listed(many))
    assert verdict_of(told).line == f"Can’t be published: {LISTED + 50} errors."
    assert verdict_of(told).mendable == LISTED + 50
    assert f"Ring not closed (ring_open): {LISTED + 50}" in report_text(told)
    assert f"... and {LISTED + 45} more" in report_text(told)
    assert json.loads(report_json(told))["codes"]["ring_open"]["findings"] == LISTED + 50
