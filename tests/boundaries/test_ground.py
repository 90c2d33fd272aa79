"""Areas and lengths on the ground, with pyproj as the judge."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from boundaries.ground import area_m2, areas_m2, lengths_m, ring_areas_m2

GEOD = pyproj.Geod(ellps="WGS84")
EARTH_M2 = 510_065_621_724_088.44


def _judged_m2(shape: shapely.Polygon) -> float:
    """With edges so short that it makes no difference whether they are geodesics."""
    return abs(GEOD.geometry_area_perimeter(shapely.segmentize(shape, max(shape.length / 5_000, 1e-4)))[0])


@given(st.floats(-179, 170), st.floats(-85, 80), st.floats(1e-5, 5), st.integers(3, 12))
def test_an_area_is_what_pyproj_says(lon: float, lat: float, size: float, corners: int) -> None:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    shape = shapely.Polygon(np.column_stack([lon + size * np.cos(angle), lat + size * np.sin(angle)]))
    assert area_m2(shape) == pytest.approx(_judged_m2(shape), rel=1e-5, abs=1e-3)


def test_the_whole_world_has_the_area_of_the_ellipsoid() -> None:
    assert area_m2(shapely.box(-180, -90, 180, 90)) == pytest.approx(EARTH_M2, rel=1e-12)
    assert area_m2(shapely.box(-180, 0, 180, 90)) == pytest.approx(EARTH_M2 / 2, rel=1e-12)


def test_pieces_add_up_to_the_whole() -> None:
    pieces = [shapely.box(10 + at / 10, 50, 10.1 + at / 10, 60) for at in range(10)]
    assert areas_m2(pieces).sum() == pytest.approx(area_m2(shapely.box(10, 50, 11, 60)), rel=1e-12)


def test_holes_are_taken_off_and_parts_added() -> None:
    outer, inner, other = shapely.box(0, 0, 3, 3), shapely.box(1, 1, 2, 2), shapely.box(5, 0, 6, 1)
    both = shapely.MultiPolygon([outer.difference(inner), other])
    assert area_m2(both) == pytest.approx(area_m2(outer) - area_m2(inner) + area_m2(other), rel=1e-12)


def test_nothing_has_no_area_and_lines_have_none() -> None:
    assert areas_m2([]).tolist() == []
    assert areas_m2([shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)])]).tolist() == [0, 0]


def test_a_ring_is_positive_counterclockwise_whether_closed_or_not() -> None:
    ring = shapely.get_coordinates(shapely.box(10, 50, 11, 51))[::-1]
    both = np.vstack([ring, ring[:-1], ring[::-1]])
    closed, opened, turned = ring_areas_m2(both, np.array([0, 5, 9]))
    assert closed == opened == -turned
    assert (closed > 0) == shapely.is_ccw(shapely.LinearRing(ring))


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_a_length_is_within_a_thousandth_of_pyproj(lon: float, lat: float, east: float, north: float) -> None:
    one, two = np.array([lon, lat]), np.array([lon + east, lat + north])
    judged_m = GEOD.inv(*one, *two)[2]
    assert float(lengths_m(one, two)) == pytest.approx(judged_m, rel=1e-3, abs=1e-6)
