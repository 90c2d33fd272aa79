"""Any valid partition, disturbed in one known way, is reported as exactly that."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from partitions import (
    corner_moved,
    distances_m,
    grid,
    ground_area_m2,
    ground_width_m,
    is_as_wide,
    lats,
    lons,
    regions_of,
    seeds,
    voronoi,
    with_shape,
)
from shapely import Point, affinity

from boundaries.checking.between import check_between
from boundaries.layer import LayerSettings
from geofence.region import Region

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
SLOW = settings(max_examples=1000 if LONG else 12)  # the judge's circles in thin shapes take a tenth of a second
SETTINGS = LayerSettings(name="layer")
worlds = st.sampled_from([grid, voronoi])
NEAR = 1e-9


def inner(shapes, seed):
    """A region with neighbours on all its sides, no enclave."""
    rim = shapely.union_all(list(shapes.values())).boundary
    able = sorted(ident for ident, shape in shapes.items() if not shape.intersects(rim) and ident != "w-enclave")
    assume(able)
    return able[seed % len(able)]


@given(worlds, seeds, lons, lats)
def test_a_valid_partition_gives_nothing(world, seed, lon, lat):
    regions = regions_of(world(seed, lon, lat))
    assert check_between(regions, SETTINGS, regions) == []


@SLOW
@given(worlds, seeds, lons, lats, distances_m, st.floats(0, 360))
def test_a_moved_corner_is_an_overlap_and_a_gap_of_its_width(world, seed, lon, lat, far_m, bearing):
    shapes = world(seed, lon, lat)
    ident = inner(shapes, seed)
    old = shapes[ident]
    turned = affinity.rotate(Point(0, far_m), bearing, origin=(0, 0))
    new = corner_moved(old, seed % (len(old.exterior.coords) - 1), turned.x, turned.y)
    assume(new.is_valid)
    told = check_between(with_shape(regions_of(shapes), ident, new), SETTINGS)
    _is_told(told, "gap", "sliver", [shapely.difference(old, new)], ident, far_m)
    others = [shape for name, shape in shapes.items() if name != ident]
    _is_told(told, "overlap", "overlap_narrow", [shapely.intersection(new, one) for one in others], ident, far_m)
    assert {one.code for one in told} <= {"gap", "sliver", "overlap", "overlap_narrow"}


def _is_told(told, wide, narrow, places, ident, far_m):
    """Each place has its finding, with its width and its area within 1 %, and nothing else has one."""
    places = [part for place in places for part in [shapely.MultiPolygon(_polygons(place))] if part.area > 0]
    if wide == "gap":
        places = [part for place in places for part in shapely.get_parts(place)]
    places = [place for place in places if ground_width_m(place) > 0.0012]
    some = [one for one in told if one.code in (wide, narrow)]
    for place in places:
        width_m, area_m2 = ground_width_m(place), ground_area_m2(place)
        here = [one for one in some if place.distance(Point(one.lon, one.lat)) < NEAR]
        (one,) = [one for one in here if one.figures["area_m2"] == pytest.approx(area_m2, rel=0.01, abs=0.01)]
        assert is_as_wide(place, one.figures["width_m"])
        assert width_m <= far_m * 1.01
        if abs(width_m - SETTINGS.tolerance_m) > 0.02:
            assert one.code == (wide if width_m > SETTINGS.tolerance_m else narrow)
        assert wide == "gap" or ident in (one.region, one.other)
    small = [one for one in some if one.figures["width_m"] < 0.0012]
    assert len(some) - len(small) == len(places)


def _polygons(shape):
    parts = shapely.get_parts(shapely.get_parts(shape))
    return [part for part in parts if part.geom_type == "Polygon"]


@SLOW
@given(worlds, seeds, lons, lats, st.floats(0.3, 0.95))
def test_a_shrunk_region_is_one_gap_around_it(world, seed, lon, lat, share):
    shapes = world(seed, lon, lat)
    ident = inner(shapes, seed)
    old = shapely.Polygon(shapes[ident].exterior)
    middle = shapely.maximum_inscribed_circle(old).coords[0]
    new = affinity.scale(old, share, share, origin=middle)
    lost = shapely.difference(old, new)
    assume(lost.geom_type == "Polygon" and len(lost.interiors) == 1 and "w-enclave" not in shapes)
    (one,) = check_between(with_shape(regions_of(shapes), ident, new), SETTINGS)
    assert one.code == "gap"
    assert one.figures["area_m2"] == pytest.approx(ground_area_m2(lost), rel=0.01)
    assert is_as_wide(lost, one.figures["width_m"])
    assert lost.covers(Point(one.lon, one.lat))


@given(worlds, seeds, lons, lats)
def test_two_ids_exchanged_are_two_that_jumped(world, seed, lon, lat):
    shapes = world(seed, lon, lat)
    before = regions_of(shapes)
    first, second = sorted(shapes)[seed % (len(shapes) - 1)], sorted(shapes)[-1]
    assume(first != second)
    now = with_shape(with_shape(before, first, shapes[second]), second, shapes[first])
    told = check_between(now, SETTINGS, before)
    assert [(one.code, one.region, one.other) for one in told] == [
        ("region_jumped", first, second),
        ("region_jumped", second, first),
    ]
    assert all(shapes[one.other].covers(Point(one.lon, one.lat)) for one in told)


@given(worlds, seeds, lons, lats)
def test_a_removed_region_is_a_gap_and_has_vanished(world, seed, lon, lat):
    shapes = world(seed, lon, lat)
    before = regions_of(shapes)
    gone = "w-enclave" if seed % 3 == 0 and world is voronoi else inner(shapes, seed)
    assume(not shapes[gone].interiors)
    told = check_between([one for one in before if one.id != gone], SETTINGS, before)
    place = "hole_unfilled" if gone == "w-enclave" else "gap"
    assert Counter(one.code for one in told) == {place: 1, "region_vanished": 1}
    for one in told:
        assert one.figures["area_m2"] == pytest.approx(ground_area_m2(shapes[gone]), rel=0.01)
        assert shapes[gone].covers(Point(one.lon, one.lat))


@given(worlds, seeds, lons, lats)
def test_a_region_drawn_twice_is_one_overlap_of_all_of_it(world, seed, lon, lat):
    shapes = world(seed, lon, lat)
    ident = sorted(shapes)[seed % len(shapes)]
    (one,) = check_between([*regions_of(shapes), Region("zz", shapes[ident])], SETTINGS)
    assert (one.code, one.region, one.other) == ("overlap", ident, "zz")
    assert one.figures["area_m2"] == pytest.approx(ground_area_m2(shapes[ident]), rel=0.01)
