"""Areas and widths on the ground, against pyproj and shapes whose width is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from partitions import GEOD, ground_area_m2, offset
from shapely import MultiPolygon, Point, Polygon, box

from boundaries.checking.measure import SHOWN_POSITIONS, scales_m, shown, widest
from boundaries.ground import area_m2, areas_m2


def strip(lon: float, lat: float, width_m: float, long_m: float, turned: float) -> Polygon:
    along, across = (math.sin(turned), math.cos(turned)), (math.cos(turned), -math.sin(turned))
    ends = ((0, 0), (long_m, 0), (long_m, width_m), (0, width_m))
    return Polygon([offset(lon, lat, *(a * along[k] + b * across[k] for k in (0, 1))) for a, b in ends])


@given(st.floats(-179, 179), st.floats(-84, 84), st.floats(0.01, 500.0))
def test_an_area_is_what_pyproj_says(lon, lat, size_m):
    corners = [offset(lon, lat, x * size_m, y * size_m) for x, y in ((0, 0), (9, 1), (8, 4), (1, 3))]
    shape = Polygon(corners)
    dense = shapely.segmentize(shape, shape.length / 500)  # pyproj's edges are geodesics, ours straight in lon and lat
    assert area_m2(shape) == pytest.approx(ground_area_m2(dense), rel=1e-5, abs=1e-3)


def test_an_area_has_holes_left_out_and_parts_added():
    holed = box(10, 50, 10.1, 50.1).difference(box(10.02, 50.02, 10.05, 50.05))
    both = MultiPolygon([holed, box(11, 50, 11.1, 50.1)])
    parts = [box(10, 50, 10.1, 50.1), box(10.02, 50.02, 10.05, 50.05), box(11, 50, 11.1, 50.1)]
    whole, hole, other = areas_m2(np.array(parts, object))
    assert area_m2(both) == pytest.approx(whole - hole + other, rel=1e-12)


def test_the_world_has_the_area_of_the_ellipsoid():
    assert area_m2(box(-180, -90, 180, 90)) == pytest.approx(510_065_621_724_088, rel=1e-9)


def test_a_long_edge_runs_along_its_parallel_not_along_the_geodesic():
    cut = MultiPolygon([box(lon, 40, lon + 0.5, 50) for lon in np.arange(-30, 30, 0.5)])
    assert area_m2(box(-30, 40, 30, 50)) == pytest.approx(area_m2(cut), rel=1e-12)


@pytest.mark.parametrize("lat", [-80.0, -30.0, 0.0, 45.0, 70.0, 88.0])
@pytest.mark.parametrize("turned", [0.0, 0.7, 1.57])
@pytest.mark.parametrize("width_m", [0.05, 1.0, 30.0])
def test_a_strip_is_as_wide_as_it_was_drawn(lat, turned, width_m):
    found = widest(strip(20.0, lat, width_m, 3_000.0, turned))
    assert found.width_m == pytest.approx(width_m, rel=0.01)


def test_a_thin_triangle_is_as_wide_as_the_corner_that_made_it_was_moved():
    base = [(6.995, 51.0), (7.005, 51.0)]
    assert widest(Polygon([*base, offset(7.0, 51.0, 0.0, 0.6)])).width_m == pytest.approx(0.6, rel=0.01)


def test_the_widest_of_many_parts_counts_and_is_shown():
    parts = [Point(k, 60).buffer(0.001 * (1 + k % 7 == 4) + 0.002) for k in range(20)]
    parts.append(Point(30, 60).buffer(0.02))
    found = widest(MultiPolygon(parts))
    assert Point(found.lon, found.lat).distance(Point(30, 60)) < 0.02
    assert found.width_m == pytest.approx(0.04 * 111_320 * 0.5, rel=0.02)


def test_the_place_lies_in_the_shape():
    bent = Point(0, 65).buffer(1).difference(Point(0.01, 65).buffer(0.99))
    found = widest(bent)
    assert bent.contains(Point(found.lon, found.lat))


@given(st.floats(-170, 170), st.floats(-85, 85), st.floats(-500, 500), st.floats(-500, 500))
def test_the_plane_has_true_metres_around_its_middle(lon, lat, east_m, north_m):
    place = offset(lon, lat, east_m, north_m)
    ours = (np.array(place) - (lon, lat)) * scales_m(np.array([[lon, lat]]))[0]
    assert np.hypot(*ours) == pytest.approx(GEOD.inv(lon, lat, *place)[2], rel=1e-3, abs=1e-6)


def test_a_sliver_along_a_long_edge_far_north_is_as_wide_as_it_is():
    low = [(0.0, 71.0), (2.0, 70.0)]
    across = np.array(offset(1.0, 70.5, 0.3, 0.6))  # the middle of the edge, moved
    found = widest(Polygon([*low, across]))
    judged = shapely.transform(Polygon([*low, across]), lambda c: (c - (1.0, 70.5)) * scales_m(np.array([[1, 70.5]])))
    assert found.width_m == pytest.approx(
        2 * judged.area / shapely.LineString(judged.exterior.coords[:2]).length, rel=0.02
    )
    assert Polygon([*low, across]).contains(Point(found.lon, found.lat))


def test_what_is_shown_has_few_positions_and_is_the_same_place():
    wild = shapely.union_all([Point(x, y).buffer(0.3, quad_segs=40) for x in range(12) for y in range(12)])
    small = shown(wild)
    assert shapely.get_num_coordinates(small) <= SHOWN_POSITIONS
    assert wild.envelope.buffer(1e-6).covers(small)
    few = box(0, 0, 1, 1)
    assert shown(few) is few
