"""Rings over the 180th meridian and round the poles: cut so that nothing on the ground changes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from corpus import CASES
from corpus.case import features_of
from corpus.world import real
from hypothesis import given
from hypothesis import strategies as st

from boundaries.checking.shapes import check_shapes
from boundaries.drawing import Drawing, Feature
from boundaries.ground import area_m2

CASE = {case.name: case for case in CASES}


def _shape(*polygons: list[list[tuple[float, float]]]) -> shapely.Geometry:
    rings = tuple(tuple(np.array(ring, float) for ring in polygon) for polygon in polygons)
    return check_shapes([Feature(0, "x", "", Drawing("MultiPolygon", rings))]).drafts[0].shape


def _vertices(shape: shapely.Geometry) -> set[tuple[float, float]]:
    return set(map(tuple, shapely.get_coordinates(shape).tolist()))


@pytest.mark.parametrize(
    ("name", "layer", "region"),
    [
        ("fiji_beyond_180", "countries", "FJ"),
        ("chukotka_jumping", "provinces", "RU-CHU"),
        ("aleutians_beyond_180", "provinces", "US-AK"),
        ("antarctica_without_its_pole", "countries", "AQ"),
    ],
)
def test_a_real_coast_that_was_put_together_is_cut_as_it_was(name: str, layer: str, region: str, tmp_path) -> None:
    drawn = features_of(CASE[name].write(tmp_path))
    shape = check_shapes(drawn).drafts[0].shape
    was = shapely.geometry.shape(real(layer)[region]["geometry"])
    assert shape.is_valid
    assert area_m2(shapely.symmetric_difference(shape, was)) < 1e-9 * area_m2(was)
    inland = {one for one in _vertices(was) if abs(one[0]) < 180 and one[1] > -90}
    assert inland <= _vertices(shape)


@pytest.mark.parametrize("name", ["jump_over_180", "drawn_beyond_180", "drawn_beyond_minus_180"])
def test_the_three_ways_to_draw_over_the_meridian_give_the_same_shape(name: str, tmp_path) -> None:
    shape = check_shapes(features_of(CASE[name].write(tmp_path))).drafts[0].shape
    assert shape.equals(shapely.MultiPolygon([shapely.box(179, 0, 180, 10), shapely.box(-180, 0, -179, 10)]))


def test_neighbours_share_every_vertex_of_a_border_over_the_meridian(tmp_path) -> None:
    drafts = check_shapes(features_of(CASE["neighbours_over_180"].write(tmp_path))).drafts
    one, two = (draft.shape for draft in drafts)
    shared = {(179.0, 0.0), (180.0, 0.15), (-180.0, 0.15), (-179.0, 0.3)}
    assert {(lon, round(lat, 12)) for lon, lat in _vertices(one) & _vertices(two)} == shared
    assert shapely.coverage_is_valid([one, two])


def _decimals(least: float, most: float) -> st.SearchStrategy[float]:
    return st.floats(least, most).map(lambda degrees: round(degrees, 7))


@given(
    _decimals(170, 179.999999), _decimals(-179.999999, -170), _decimals(-80, 79), _decimals(0, 1),
    st.sampled_from([0, 360, -360]), st.booleans(),
)  # fmt: skip
def test_a_border_is_cut_alike_whichever_way_each_neighbour_draws_it(
    east: float, west: float, lat: float, rise: float, turn: int, reverse: bool
) -> None:
    border = [(east, lat), (west, lat + rise)]
    upper = [*border, (west, 85), (east, 85), border[0]]
    lower = [*border[::-1], (east, -85), (west, -85), border[1]]
    drawn = [(round(lon + turn, 7) if (lon > 0) == (turn < 0) else lon, y) for lon, y in lower]
    one, two = _shape([upper]), _shape([drawn[::-1] if reverse else drawn])
    cuts = [{v for v in _vertices(shape) if abs(v[0]) == 180 and abs(v[1]) != 85} for shape in (one, two)]
    assert len(cuts[0]) == 2
    assert cuts[0] == cuts[1]
    assert not shapely.relate_pattern(one, two, "2********")


def test_a_ring_round_a_pole_encloses_the_cap() -> None:
    circle = [(float(lon), 60.0) for lon in range(-175, 180, 5)]
    cap = _shape([[*circle, circle[0]]])
    assert cap.equals(shapely.box(-180, 60, 180, 90))
    assert area_m2(_shape([[(lon, -lat) for lon, lat in [*circle, circle[0]]]])) == pytest.approx(area_m2(cap))


def test_a_hole_round_the_pole_leaves_a_band(tmp_path) -> None:
    shape = check_shapes(features_of(CASE["hole_round_the_pole"].write(tmp_path))).drafts[0].shape
    assert shape.equals(shapely.box(-180, 70, 180, 80))


def test_what_is_cut_already_is_not_touched(tmp_path) -> None:
    for name in ("real_edges_of_the_world", "whole_world"):
        features = features_of(CASE[name].write(tmp_path))
        for feature, draft in zip(features, check_shapes(features).drafts, strict=True):
            rings = [ring for polygon in feature.drawing.polygons for ring in polygon]
            assert not draft.recut
            assert np.array_equal(shapely.get_coordinates(draft.shape), np.concatenate(rings))
