"""Mends of single shapes: what they do, what they leave, and what they must not do unasked."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely
from corpus import CASES
from corpus.case import features_of
from corpus.world import real

from boundaries.checking.check import EVERY_CODE, check
from boundaries.checking.codes import CODES
from boundaries.checking.draft import SHOWN_POSITIONS
from boundaries.checking.finding import Finding, Mend, Severity
from boundaries.checking.listing import LISTED, listed
from boundaries.checking.shapes import Shapes, check_shapes
from boundaries.drawing import Drawing, Feature
from boundaries.ground import area_m2
from boundaries.layer import LayerSettings
from geofence.region import Kind

CASE = {case.name: case for case in CASES}
OVERLAY = LayerSettings(name="test", kind=Kind.OVERLAY)
NONE: frozenset[str] = frozenset()


def _checked(name: str, tmp_path, fix: frozenset[str] = NONE) -> Shapes:
    return check_shapes(features_of(CASE[name].write(tmp_path)), fix=fix)


def _layer(name: str) -> list[Feature]:
    rows = []
    for row, one in enumerate(real(name).values()):
        kind, parts = one["geometry"]["type"], one["geometry"]["coordinates"]
        polygons = [parts] if kind == "Polygon" else parts
        drawing = Drawing(kind, tuple(tuple(np.array(ring, float) for ring in polygon) for polygon in polygons))
        rows.append(Feature(row, one["id"], one["properties"]["name"], drawing))
    return rows


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("figure_of_eight", 0.5),  # of the box that it lies in
        ("hole_within_hole", 0.64),
        ("hole_crosses_border", 0.92),
        ("holes_cross", 0.72),
        ("parts_overlap", 1.75),
        ("part_within_part", 1),
        ("part_twice", 1),
        ("parts_side_by_side", 2),
        ("line_out_and_back", 1),
        ("ring_twice_around", 1),
    ],
)
def test_a_border_that_crosses_is_mended_to_the_area_it_means(name: str, share: float, tmp_path) -> None:
    draft = _checked(name, tmp_path, frozenset({"ring_crosses"})).drafts[0]
    expected = {"hole_within_hole": 1 - 0.36, "holes_cross": 1 - (2 * 0.16 - 0.04)}.get(name, share)
    assert draft.sound
    assert draft.shape.is_valid
    assert draft.shape.area == pytest.approx(expected * 0.01, rel=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_mended_unasked(case, tmp_path) -> None:
    if case.name == "too_many_vertices":
        return
    for draft in check_shapes(features_of(case.write(tmp_path))).drafts:
        assert not draft.mended
        barred = {one.code for one in draft.findings if CODES[one.code].severity is Severity.ERROR}
        assert draft.sound != bool(barred or draft.id is None or draft.shape is None)


def test_only_what_was_asked_for_is_mended(tmp_path) -> None:
    features = features_of(CASE["figure_of_eight"].write(tmp_path)) + features_of(CASE["ring_open"].write(tmp_path))
    shapes = check_shapes(features, fix=frozenset({"ring_open"}))
    assert [(one.code, one.mend) for one in shapes.findings] == [
        ("ring_crosses", Mend.OFFERED),
        ("ring_open", Mend.DONE),
    ]
    assert [draft.sound for draft in shapes.drafts] == [False, True, True]


def test_a_mend_is_told_with_the_area_before_and_after(tmp_path) -> None:
    checked = check(None, features_of(CASE["hole_outside"].write(tmp_path)), OVERLAY, fix=EVERY_CODE)
    (mended,) = checked.report.mended
    square_m2 = area_m2(shapely.box(10, 50, 10.1, 50.1))
    assert (mended.region, mended.codes) == ("x", ("ring_crosses",))
    assert mended.after_m2 == pytest.approx(square_m2)
    assert mended.after.equals(checked.regions[0].geometry)
    assert checked.regions[0].geometry.equals(shapely.box(10, 50, 10.1, 50.1))


def test_the_area_before_is_what_both_halves_of_an_eight_enclose(tmp_path) -> None:
    (mended,) = check(None, features_of(CASE["figure_of_eight"].write(tmp_path)), OVERLAY, fix=EVERY_CODE).report.mended
    assert mended.before_m2 == pytest.approx(mended.after_m2, rel=1e-9)
    assert mended.before_m2 == pytest.approx(area_m2(shapely.box(10, 50, 10.1, 50.1)) / 2, rel=1e-3)


def test_neighbours_lose_a_spike_together(tmp_path) -> None:
    drafts = _checked("spike_between_neighbours", tmp_path, EVERY_CODE).drafts
    assert all(draft.mended == {"spike"} for draft in drafts)
    assert shapely.coverage_is_valid([draft.shape for draft in drafts])
    assert not any((shapely.get_coordinates(draft.shape) == [10.2, 50.05]).all(axis=1).any() for draft in drafts)


def test_a_spike_in_which_a_third_region_begins_is_not_offered_for_mending(tmp_path) -> None:
    features = features_of(CASE["spike_between_neighbours"].write(tmp_path))
    third = np.array([[10.2, 50.05], [10.25, 50.04], [10.25, 50.06], [10.2, 50.05]])
    shapes = check_shapes([*features, Feature(2, "third", "", Drawing("Polygon", ((third,),)))], fix=EVERY_CODE)
    assert [(one.code, one.mend) for one in shapes.findings] == [("spike", Mend.NO), ("spike", Mend.NO)]


def test_a_tiny_hole_that_another_region_fills_is_no_finding(tmp_path) -> None:
    features = features_of(CASE["hole_tiny"].write(tmp_path))
    filling = features[1].drawing.polygons[0][1][::-1]
    kiosk = Feature(2, "kiosk", "", Drawing("Polygon", ((filling,),)))
    assert [one.code for one in check_shapes(features).findings] == ["part_tiny"]
    assert not check_shapes([*features, kiosk]).findings


def test_a_region_that_is_tiny_by_itself_is_left_alone() -> None:
    ring = np.array([[10, 50], [10.00001, 50], [10.00001, 50.00001], [10, 50]])
    shapes = check_shapes([Feature(0, "a", "", Drawing("Polygon", ((ring,),)))], fix=EVERY_CODE)
    assert not shapes.findings
    assert shapes.drafts[0].sound


def test_a_shape_in_a_finding_is_small() -> None:
    angle = np.linspace(0, 2 * np.pi, 5_001)
    rings = [np.column_stack([lon + np.cos(angle), 50 + np.sin(angle)]) for lon in (10, 11)]
    rings = [np.vstack([ring[:-1], ring[:1]]) for ring in rings]
    (finding,) = check_shapes([Feature(0, "a", "", Drawing("MultiPolygon", tuple((ring,) for ring in rings)))]).findings
    assert finding.code == "ring_crosses"
    assert 3 < shapely.get_num_coordinates(finding.shape) <= SHOWN_POSITIONS


def test_findings_stand_in_a_fixed_order_and_the_last_line_counts_the_rest() -> None:
    many = [Finding(code="spike", what=f"{at}", region=f"r{at:04}") for at in range(LISTED + 50)]
    error = Finding(code="ring_open", what="open", region="z")
    shuffled = [*many[::-1], error]
    told = listed(shuffled)
    assert told == listed([error, *many])
    assert told[0] == error
    assert [one.region for one in told[1:-1]] == [f"r{at:04}" for at in range(LISTED)]
    assert told[-1].figures == {"more": 50}
    assert "50 more" in told[-1].what


def test_a_region_with_an_error_does_not_vanish_and_is_not_handed_on(tmp_path) -> None:
    checked = check(None, features_of(CASE["ring_open"].write(tmp_path)), OVERLAY)
    assert [region.id for region in checked.regions] == ["good"]
    assert (checked.report.features, checked.report.regions) == (2, 1)


@pytest.mark.parametrize(
    ("name", "spikes", "most_s"), [("us-counties", {"51041"}, 3), ("provinces", set(), 8), ("fences", set(), 1)]
)
def test_the_sample_layers_give_no_more_findings_than_they_deserve(name: str, spikes: set[str], most_s: float) -> None:
    features = _layer(name)
    begun = time.process_time()
    shapes = check_shapes(features)
    assert time.process_time() - begun < most_s
    assert {(one.code, one.region) for one in shapes.findings} == {("spike", region) for region in spikes}
    assert all(draft.sound for draft in shapes.drafts)
    for feature, draft in zip(features, shapes.drafts, strict=True):
        rings = [ring for polygon in feature.drawing.polygons for ring in polygon]
        assert np.array_equal(shapely.get_coordinates(draft.shape), np.concatenate(rings))
