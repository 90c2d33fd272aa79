"""Findings between regions, in small worlds made by hand; the sample layers; and pairs against brute force."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from partitions import seeds
from shapely import MultiPolygon, Point, Polygon, box
from shapes import sample

from boundaries.checking import between, overlaps
from boundaries.checking.between import check_between
from boundaries.checking.codes import CODES
from boundaries.checking.finding import Mend
from boundaries.checking.measure import SHOWN_POSITIONS
from boundaries.checking.overlaps import overlapping
from boundaries.ground import areas_m2
from boundaries.layer import LayerSettings
from geofence.region import Kind, Region

PARTITION = LayerSettings(name="layer")
METRE = 1 / 111_195.0802  # degrees of latitude, near enough


def found(shapes, settings=PARTITION, previous=None):
    regions = [Region(ident, shape) for ident, shape in shapes.items()]
    before = None if previous is None else [Region(ident, shape) for ident, shape in previous.items()]
    return check_between(regions, settings, before)


def codes(*args, **more):
    return [(one.code, one.region, one.other) for one in found(*args, **more)]


def test_neighbours_that_share_a_border_give_nothing():
    assert found({"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1), "c": box(0, 1, 2, 2)}) == []


def test_regions_that_meet_in_a_corner_only_give_nothing():
    assert found({"a": box(0, 0, 1, 1), "b": box(1, 1, 2, 2)}) == []


def test_an_overlap_wider_than_the_tolerance_is_an_error_with_its_figures():
    (one,) = found({"b": box(0, 0, 1, 1), "a": box(1 - 50 * METRE, 0, 2, 1)})
    assert (one.code, one.region, one.other, one.mend) == ("overlap", "a", "b", Mend.NO)
    assert one.figures["width_m"] == pytest.approx(50, rel=0.02)
    assert one.figures["area_m2"] == pytest.approx(50 * 110_574, rel=0.02)
    assert 1 - 50 * METRE < one.lon < 1
    assert 0 < one.lat < 1
    assert "50" in one.what


def test_an_overlap_within_the_tolerance_can_be_mended():
    (one,) = found({"a": box(0, 0, 1, 1), "b": box(1 - 0.5 * METRE, 0, 2, 1)})
    assert (one.code, one.mend) == ("overlap_narrow", Mend.OFFERED)


def test_the_tolerance_is_the_layers():
    shapes = {"a": box(0, 0, 1, 1), "b": box(1 - 0.5 * METRE, 0, 2, 1)}
    assert codes(shapes, LayerSettings(name="layer", tolerance_m=0.1)) == [("overlap", "a", "b")]


def test_what_rounding_leaves_of_a_shared_border_is_no_overlap():
    assert found({"a": box(0, 0, 1, 1), "b": box(1 - 1e-9, 0, 2, 1)}) == []


def test_an_overlap_is_measured_on_the_ground_far_north():
    wide = 30 * METRE / np.cos(np.radians(75.5))
    (one,) = found({"a": box(0, 75, 1, 76), "b": box(1 - wide, 75, 2, 76)})
    assert one.figures["width_m"] == pytest.approx(30, rel=0.05)


def test_two_regions_give_one_finding_however_often_they_overlap():
    comb = shapely.union_all([box(1, y, 1 + 0.01, y + 0.02) for y in np.arange(0, 1, 0.1)] + [box(0, 0, 1, 1)])
    (one,) = found({"a": comb, "b": box(1, 0, 2, 1)})
    assert one.code == "overlap"
    assert "in 10 places" in one.what


def test_a_region_drawn_twice_is_told_to_be_all_of_it():
    (one,) = found({"a": box(0, 0, 1, 1), "b": box(0, 0, 1, 1)})
    assert "all of 'a'" in one.what


def test_fences_of_an_overlay_may_overlap_and_leave_gaps():
    ring = box(0, 0, 1, 1).difference(box(0.4, 0.4, 0.6, 0.6))
    assert found({"a": ring, "b": box(0.5, 0, 2, 1)}, LayerSettings(name="layer", kind=Kind.OVERLAY)) == []


def test_a_place_that_regions_surround_is_a_gap():
    left, right = Polygon([(0, 0), (1, 0), (0.9, 0.5), (1, 1), (0, 1)]), box(1, 0, 2, 1)
    (one,) = found({"a": left, "b": right})
    assert (one.code, one.region, one.other, one.mend) == ("gap", "a", "b", Mend.NO)
    assert 0.9 < one.lon < 1
    assert one.figures["area_m2"] == pytest.approx(0.05 * 110_574 * 111_320, rel=0.01)


def test_a_gap_within_the_tolerance_is_a_sliver():
    left, right = Polygon([(0, 0), (1, 0), (1 - 0.4 * METRE, 0.5), (1, 1), (0, 1)]), box(1, 0, 2, 1)
    (one,) = found({"a": left, "b": right})
    assert (one.code, one.mend) == ("sliver", Mend.OFFERED)
    assert one.figures["width_m"] == pytest.approx(0.4, rel=0.02)


def test_the_sea_around_is_no_gap_nor_a_bay_of_it():
    bay = box(0, 0, 3, 3).difference(box(1, 1, 2, 3))
    assert found({"a": bay, "b": box(3, 0, 4, 3)}) == []


def test_a_hole_is_told_unless_a_region_fills_it():
    holed = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))
    assert codes({"a": holed}) == [("hole_unfilled", "a", None)]
    assert codes({"a": holed, "b": box(1, 1, 2, 2)}) == []
    assert codes({"a": holed, "b": box(1.2, 1.2, 1.8, 1.8)}) == [("gap", "a", "b")]


def test_a_lake_with_an_island_is_one_hole_and_its_area_has_no_island():
    holed = box(0, 0, 0.3, 0.3).difference(box(0.1, 0.1, 0.2, 0.2))
    (one,) = found({"a": MultiPolygon([holed, box(0.12, 0.12, 0.14, 0.14)])})
    whole, island = areas_m2(np.array([box(0.1, 0.1, 0.2, 0.2), box(0.12, 0.12, 0.14, 0.14)], object))
    assert one.code == "hole_unfilled"
    assert one.figures["area_m2"] == pytest.approx(whole - island)


def test_a_sea_that_regions_surround_is_meant():
    assert found({"a": box(0, 0, 30, 30).difference(box(10, 10, 20, 20))}) == []


def test_a_gap_that_nearest_within_bridges_is_none():
    left, right = Polygon([(0, 0), (1, 0), (1 - 900 * METRE, 0.5), (1, 1), (0, 1)]), box(1, 0, 2, 1)
    assert codes({"a": left, "b": right}, LayerSettings(name="layer", nearest_within_m=440)) == [("gap", "a", "b")]
    assert codes({"a": left, "b": right}, LayerSettings(name="layer", nearest_within_m=460)) == []


def test_a_gap_on_the_180th_meridian_is_one():
    west = box(-180, -10, -170, 10).difference(box(-180, -1, -179.5, 1))
    east = box(170, -10, 180, 10).difference(box(179, -1, 180, 1))
    (one,) = found({"a": west, "b": east})
    assert (one.code, one.region, one.other) == ("gap", "b", "a")
    assert one.figures["area_m2"] == pytest.approx(1.5 * 111_320 * 2 * 110_574, rel=0.01)
    assert -180 <= one.lon <= 180


def test_a_layer_over_the_180th_meridian_has_no_gap_there():
    assert found({"a": box(-180, -10, -170, 10), "b": box(170, -10, 180, 10)}) == []


def test_regions_over_a_pole_are_no_matter():
    thirds = {f"r{k}": box(-180 + 120 * k, -90, -60 + 120 * k, -60) for k in range(3)}
    assert found(thirds) == []
    thirds["r1"] = box(-60 + 0.01, -90, 60, -60)
    assert found(thirds) == []  # open to the sea in the north


def test_a_region_that_is_gone_is_told():
    before = {"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}
    assert codes({"a": before["a"]}, previous=before) == [("region_vanished", "b", None)]


def test_a_region_that_grew_or_moved_a_little_has_not_jumped():
    assert codes({"a": box(0.5, 0, 2.5, 1)}, previous={"a": box(0, 0, 1, 1)}) == []


def test_a_region_elsewhere_has_jumped_and_whose_place_it_took_is_told():
    before = {"a": box(0, 0, 1, 1), "b": box(5, 0, 6, 1)}
    now = {"a": before["b"], "b": box(9, 9, 10, 10)}
    assert codes(now, previous=before) == [("region_jumped", "a", "b"), ("region_jumped", "b", None)]


def test_without_a_version_before_nothing_has_vanished():
    assert found({"a": box(0, 0, 1, 1)}, previous={}) == found({"a": box(0, 0, 1, 1)}) == []


def test_no_regions_give_no_findings_but_the_vanished():
    assert codes({}, previous={"a": box(0, 0, 1, 1)}) == [("region_vanished", "a", None)]
    assert codes({}) == []


def test_findings_are_the_same_in_whatever_order_the_regions_stand():
    shapes = {f"r{k}": Point(k * 0.6, 0).buffer(0.5) for k in range(6)}
    turned = dict(reversed(shapes.items()))
    assert [one.what for one in found(shapes)] == [one.what for one in found(turned)]


def test_progress_goes_from_nothing_to_all_of_each_check():
    said: dict[str, list[float]] = {}
    shapes = {"a": box(0, 0, 3, 3).difference(box(1, 1, 2, 2)), "b": box(3, 0, 4, 1)}
    regions = [Region(ident, shape) for ident, shape in shapes.items()]
    check_between(regions, PARTITION, regions, lambda what, share: said.setdefault(what, []).append(share))
    assert list(said) == ["overlaps", "gaps", "widths", "the version before"]
    assert all(shares == sorted(shares) and shares[-1] == 1.0 for shares in said.values())


def test_a_check_that_finds_too_much_stops_and_says_so(monkeypatch):
    for module in (between, overlaps):
        monkeypatch.setattr(module, "MOST", 5)
    told = found({f"r{k}": box(0, 0, 1, 1) for k in range(5)})
    assert [one.code for one in told] == ["overlap"] * 5
    assert "no more were looked for" in told[-1].what
    assert "no more were looked for" not in told[-2].what


@pytest.mark.parametrize("name", ["us-counties", "fences"])
def test_a_clean_layer_gives_nothing(name):
    version = sample(name)
    settings = LayerSettings(name=name, kind=version.kind, nearest_within_m=version.nearest_within_m)
    assert check_between(version.regions, settings, version.regions) == []


def test_what_is_told_of_provinces_without_a_coast_is_true():
    told = check_between(sample("provinces").regions, replace(PARTITION, name="provinces"))
    assert Counter(one.code for one in told) == {"gap": 8, "hole_unfilled": 1}  # councils of Malta that nobody drew
    assert {one.region[:3] for one in told} == {"MT-", "AI-", "x-d"}
    assert all(200 < one.figures["width_m"] < 1500 for one in told)


@given(seeds, st.integers(2, 40))
def test_the_tree_finds_what_all_pairs_find(seed, many):
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 10, (many, 2)).round(int(rng.integers(0, 3)))
    sizes = rng.uniform(0.1, 2, many).round(1)
    shapes = np.array([box(x, y, x + s, y + s) for (x, y), s in zip(spots, sizes, strict=True)], object)
    every = {
        (one, two)
        for one, two in combinations(range(many), 2)
        if shapely.intersection(shapes[one], shapes[two]).area > 0
    }
    assert set(overlapping(shapes)) == every
    told = check_between([Region(f"{k:03}", shape) for k, shape in enumerate(shapes)], PARTITION)
    pairs = {(int(one.region), int(one.other)) for one in told if one.code.startswith("overlap")}
    assert pairs == {pair for pair in every if shapely.intersection(*shapes[list(pair)]).area > 1e-9}
    assert all(shapely.get_num_coordinates(one.shape) <= SHOWN_POSITIONS and one.code in CODES for one in told)
