"""Mends between regions: what they give to whom, what they leave alone, and that nothing new comes of them."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from partitions import corner_moved, grid, lats, lons, regions_of, seeds, voronoi
from shapely import Polygon, box
from shapes import sample

from boundaries.checking.between import check_between
from boundaries.checking.mending_between import MENDABLE, mend_between
from boundaries.layer import LayerSettings
from geofence.region import Region, Version

SETTINGS = LayerSettings(name="layer")
METRE = 1 / 111_195.0802
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
worlds = st.sampled_from([grid, voronoi])


def mended(regions, codes=MENDABLE):
    found = check_between(regions, SETTINGS)
    return mend_between(regions, SETTINGS, found, codes)


def by_id(regions):
    return {one.id: one.geometry for one in regions}


def positions(shape):
    return set(map(tuple, shapely.get_coordinates(shape).tolist()))


def test_a_narrow_overlap_stays_with_the_smaller_id():
    shapes = {"b": box(0, 0, 1, 1), "a": box(1 - 0.5 * METRE, 0, 2, 1)}
    result, told = mended(regions_of(shapes))
    after = by_id(result)
    assert after["a"].area == pytest.approx(shapes["a"].area, rel=1e-12)
    assert after["b"].equals(box(0, 0, 1 - 0.5 * METRE, 1))
    (loser,) = [one for one in told if one.region == "b"]
    assert loser.codes == ("overlap_narrow",)
    assert loser.before_m2 - loser.after_m2 == pytest.approx(0.5 * 110_574, rel=0.01)
    assert loser.before.equals(shapes["b"])
    assert loser.after.equals(after["b"])


def test_a_sliver_goes_to_the_neighbour_with_the_longest_border_to_it():
    bent = Polygon([(0, 0), (1, 0), (1 - 0.4 * METRE, 0.5), (1, 1), (0, 1)])
    top, low = box(1, 0.4, 2, 1), box(1, 0, 2, 0.4)
    result, told = mended(regions_of({"z": bent, "low": low, "top": top}))
    after = by_id(result)
    assert after["z"].equals(box(0, 0, 1, 1))
    assert after["low"] is low
    assert after["top"] is top
    assert [(one.region, one.codes) for one in told] == [("z", ("sliver",))]


def test_both_sides_share_the_new_border_exactly():
    left = Polygon([(0, 0), (1 + 0.3 * METRE, 0), (1 - 0.3 * METRE, 0.4), (1 + 0.4 * METRE, 0.8), (1, 1), (0, 1)])
    right = Polygon([(1, 0), (2, 0), (2, 1), (1, 1)])
    result, told = mended(regions_of({"left": left, "right": right}))
    assert told
    assert shapely.coverage_is_valid([one.geometry for one in result])


def test_only_what_was_asked_for_is_mended():
    bent = Polygon([(0, 0), (1, 0), (1 - 0.4 * METRE, 0.5), (1, 1), (0, 1)])
    regions = regions_of({"a": bent, "b": box(1, 0, 2, 1), "c": box(2 - 0.5 * METRE, 0, 3, 1)})
    codes = {code: [one.code for one in check_between(mended(regions, {code})[0], SETTINGS)] for code in MENDABLE}
    assert codes["overlap_narrow"] == ["sliver"]
    assert "overlap_narrow" in codes["sliver"]
    assert mended(regions, set()) == (regions, [])


def test_gaps_and_overlaps_that_may_be_meant_stay():
    wide = regions_of({"a": box(0, 0, 1, 1), "b": box(1 - 20 * METRE, 0, 2, 1)})
    assert mended(wide) == (wide, [])
    gap = regions_of({"a": Polygon([(0, 0), (1, 0), (1 - 5 * METRE, 0.5), (1, 1), (0, 1)]), "b": box(1, 0, 2, 1)})
    assert mended(gap) == (gap, [])


def test_a_region_in_a_wide_overlap_is_left_alone_and_others_are_mended():
    row = {"a": box(0, 0, 1, 1), "b": box(1 - 20 * METRE, 0, 2, 1), "c": box(2 - 0.5 * METRE, 0, 3, 1)}
    far = {"x": box(10, 0, 11, 1), "y": box(11 - 0.5 * METRE, 0, 12, 1)}
    regions = regions_of(row | far)
    result, told = mended(regions)
    assert {one.region for one in told} <= {"x", "y"}
    assert [one.geometry for one in result[:3]] == [one.geometry for one in regions[:3]]
    assert [one.code for one in check_between(result, SETTINGS)] == ["overlap", "overlap_narrow"]


def test_a_region_that_lies_within_the_overlap_altogether_is_not_deleted():
    thread = box(0.2, 0.5, 0.8, 0.5 + 0.5 * METRE)
    regions = regions_of({"a": box(0, 0, 1, 1), "b": thread})
    assert mended(regions) == (regions, [])


def test_names_properties_and_order_stay():
    regions = [
        Region("z", box(0, 0, 1, 1), "Zed", {"n": 1}),
        Region("a", box(1 - 0.5 * METRE, 0, 2, 1), "Ay", {"n": 2}),
    ]
    result, told = mended(regions)
    assert told
    assert [(one.id, one.name, one.properties) for one in result] == [("z", "Zed", {"n": 1}), ("a", "Ay", {"n": 2})]


def test_rings_are_wound_as_files_want_them():
    result, _ = mended(regions_of({"b": box(0, 0, 1, 1), "a": box(1 - 0.5 * METRE, 0, 2, 1)}))
    assert all(shapely.is_ccw(one.geometry.exterior) for one in result)


def test_an_overlap_whose_tip_is_too_narrow_to_be_told_is_mended_with_its_neighbours():
    regions = regions_of(wobbled(grid(238030, 128.0, 0.0), 238030, 0.05))
    result, told = mended(regions)
    assert told
    assert check_between(result, SETTINGS) == []


def wobbled(shapes, seed, most_m):
    """Every region as another hand would have drawn it: each corner a little off, in each region in its own way."""
    rng = np.random.default_rng(seed)
    wobbly = {}
    for ident, shape in shapes.items():
        new = shape
        for index in range(len(shape.exterior.coords) - 1):
            if rng.random() < 0.4:
                new = corner_moved(new, index, *rng.uniform(-most_m, most_m, 2))
        wobbly[ident] = new if new.is_valid else shape
    return wobbly


@settings(max_examples=600 if LONG else 25)
@given(worlds, seeds, lons, lats, st.sampled_from([0.05, 0.3, 0.6]))
def test_mending_leaves_a_partition_and_invents_nothing(world, seed, lon, lat, most_m):
    shapes = wobbled(world(seed, lon, lat), seed, most_m)
    regions = regions_of(shapes)
    found = check_between(regions, SETTINGS)
    assume(not any(one.code == "overlap" for one in found))
    result, told = mend_between(regions, SETTINGS, found, MENDABLE)
    left = check_between(result, SETTINGS)
    meant = [(one.code, one.region) for one in found if one.code == "gap"]
    assert [(one.code, one.region) for one in left if one.code not in {"too_narrow"}] == meant
    Version.of("layer", result)
    again, more = mend_between(result, SETTINGS, left, MENDABLE)
    assert more == []
    assert all(one.geometry is two.geometry for one, two in zip(again, result, strict=True))
    _nothing_else_changed(regions, result, told, found)


def _nothing_else_changed(before, after, told, found):
    touched = shapely.union_all([one.shape for one in found]) if found else box(0, 0, 0, 0)
    changed = {one.region for one in told}
    drawn = set().union(*(positions(one.geometry) for one in before))
    for old, new in zip(before, after, strict=True):
        if old.id not in changed:
            assert new.geometry is old.geometry
            continue
        difference = shapely.symmetric_difference(old.geometry, new.geometry)
        stray = difference.difference(touched.buffer(3e-8))
        assert stray.area <= 2e-8 * stray.length  # rounding: thinner than a millimetre
        for lon, lat in positions(old.geometry) - positions(new.geometry):
            place = shapely.Point(lon, lat)
            within = any(one.geometry.contains_properly(place) for one in before if one.id != old.id)  # by a thread
            assert within or min(touched.distance(place), new.geometry.boundary.distance(place)) < 2e-8
        for lon, lat in positions(new.geometry) - drawn:  # where two borders crossed
            assert min(one.geometry.boundary.distance(shapely.Point(lon, lat)) for one in before) < 1e-12


@settings(max_examples=200 if LONG else 10)
@given(worlds, seeds, lons, lats)
def test_mending_changes_no_answer_where_regions_overlapped(world, seed, lon, lat):
    regions = regions_of(wobbled(world(seed, lon, lat), seed, 0.3))
    found = check_between(regions, SETTINGS)
    assume(not any(one.code == "overlap" for one in found))
    result, _ = mend_between(regions, SETTINGS, found, {"overlap_narrow"})
    for one in found:
        if one.code == "overlap_narrow":
            place = shapely.Point(one.lon, one.lat)
            first = min(region.id for region in regions if region.geometry.covers(place))
            assert [region.id for region in result if region.geometry.covers(place)] == [first]


def test_counties_drawn_by_two_hands_come_out_as_one():
    regions = list(sample("us-counties").regions)[:400]
    rng = np.random.default_rng(3)
    regions = [
        replace(one, geometry=_shaken(one.geometry, rng)) if index % 5 == 0 else one
        for index, one in enumerate(regions)
    ]
    found = check_between(regions, SETTINGS)
    slips = {one.code for one in found}
    assert {"sliver", "overlap_narrow"} <= slips
    assert "overlap" not in slips
    result, told = mend_between(regions, SETTINGS, found, MENDABLE)
    assert len(told) > 50
    assert [one.code for one in check_between(result, SETTINGS) if one.code in MENDABLE] == []


def _shaken(shape, rng):
    def ring(line):
        coords = np.array(line.coords)
        coords[3:-3:5] += rng.uniform(-2e-6, 2e-6, coords[3:-3:5].shape)
        return coords

    new = shapely.MultiPolygon(
        [Polygon(ring(p.exterior), [ring(h) for h in p.interiors]) for p in shapely.get_parts(shape)]
    )
    return new if new.is_valid else shape
