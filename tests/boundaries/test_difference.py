"""What changed between two versions: judged by edits that are known, and by areas of pyproj."""

from __future__ import annotations

import json
from dataclasses import replace
from time import process_time
from typing import Any

import jsonschema_rs
import numpy as np
import pyproj
import pytest
import shapely
from edits import Edited, edited
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, affinity, box
from shapely.geometry.base import BaseGeometry
from shapes import polygons, sample

from boundaries.difference import (
    Difference,
    Side,
    compare,
    difference_json,
    difference_of,
    difference_places,
    difference_schema,
    text_of,
)
from boundaries.ground import areas_m2
from geofence.region import Kind, Region, Version
from geofence.rule import Rule

GEOD = pyproj.Geod(ellps="WGS84")
A, B = box(10.0, 50.0, 10.1, 50.1), box(10.1, 50.0, 10.2, 50.1)


def side(*regions: Region, **settings: Any) -> Side:
    return Side(regions=regions, **settings)


def geodesic_m2(shape: BaseGeometry) -> float:
    """Judge of areas: edges in pieces so short that they are straight in lon and lat."""
    west, south, east, north = shape.bounds
    fine = shapely.segmentize(shapely.orient_polygons(shape), min(0.1, max(east - west, north - south) / 500))
    return float(GEOD.geometry_area_perimeter(fine)[0])


def ids(found: Any) -> set[str]:
    return {one.id for one in found}


def check(found: Difference, made: Edited) -> None:
    expected = made.expected
    assert ids(found.added) == expected.added
    assert ids(found.removed) == expected.removed
    assert ids(found.renamed) == expected.renamed
    assert ids(found.reshaped) == expected.reshaped
    assert ids(found.attributes) == expected.attributes
    assert {one.before.id: tuple(piece.id for piece in one.after) for one in found.split} == expected.split
    assert {one.after.id: tuple(piece.id for piece in one.before) for one in found.merged} == expected.merged
    assert {one.before: one.after for one in found.reidentified} == expected.reidentified


@given(edited())
def test_exactly_the_edits_that_were_made_are_found(made: Edited) -> None:
    found = compare(side(*made.old.values()), side(*made.new.values()))
    check(found, made)
    touched = ids(found.renamed) | ids(found.reshaped) | ids(found.attributes)
    same = [ident for ident in made.old if made.old[ident] == made.new.get(ident)]
    assert found.untouched == len(same)
    assert not touched & set(same)


@given(edited())
def test_exchanging_the_sides_exchanges_what_was_gained_and_lost(made: Edited) -> None:
    old, new = side(*made.old.values()), side(*made.new.values())
    there, back = compare(old, new), compare(new, old)
    assert back.added == there.removed
    assert back.removed == there.added
    assert back.untouched == there.untouched
    assert [(one.gained, one.lost, one.gained_m2, one.lost_m2) for one in back.reshaped] == [
        (one.lost, one.gained, one.lost_m2, one.gained_m2) for one in there.reshaped
    ]
    assert [one.overlap for one in back.reshaped] == pytest.approx([one.overlap for one in there.reshaped])
    assert [(one.before, one.after) for one in back.split] == [(one.after, one.before) for one in there.merged]
    assert {one.after: one.before for one in back.reidentified} == {one.before: one.after for one in there.reidentified}


@given(edited())
def test_areas_gained_and_lost_are_those_on_the_ground(made: Edited) -> None:
    found = compare(side(*made.old.values()), side(*made.new.values()))
    for one in found.reshaped:
        before, after = made.old[one.id].geometry, made.new[one.id].geometry
        assert one.before_m2 == pytest.approx(geodesic_m2(before), rel=1e-4)
        assert one.after_m2 == pytest.approx(geodesic_m2(after), rel=1e-4)
        assert one.after_m2 - one.before_m2 == pytest.approx(one.gained_m2 - one.lost_m2, abs=1e-6 * one.before_m2)
        shared = geodesic_m2(shapely.intersection(before, after))
        assert one.overlap == pytest.approx(shared / geodesic_m2(shapely.union(before, after)), rel=1e-4)


@given(edited())
def test_a_version_beside_itself_gives_nothing(made: Edited) -> None:
    same = side(*made.new.values())
    turned = side(*(replace(one, geometry=shapely.reverse(one.geometry)) for one in made.new.values()))
    for found in (compare(same, same), compare(same, turned)):
        assert found.nothing
        assert found.untouched == len(made.new)


@given(edited(), st.integers(0, 100))
def test_crumbs_of_rounding_are_no_change(made: Edited, seed: int) -> None:
    def shaken(places: Any) -> Any:
        metres = 2e-4 * np.sin(places * 1e7 + seed)  # the same place is moved by the same
        metres[:, 0] /= np.maximum(np.cos(np.radians(places[:, 1])), 0.01)
        return places + metres / 111_700.0

    regions = [replace(one, geometry=shapely.segmentize(one.geometry, 0.3)) for one in made.new.values()]
    moved = [replace(one, geometry=shapely.transform(one.geometry, shaken)) for one in regions]
    assert compare(side(*made.new.values()), side(*regions)).nothing
    assert compare(side(*regions), side(*moved)).nothing


@given(polygons(), st.sampled_from([(-10.0, -4.0), (170.0, 81.0), (0.0, -90.0), (4.0, 50.0)]))
def test_areas_agree_with_pyproj(shape: BaseGeometry, origin: tuple[float, float]) -> None:
    there = affinity.translate(affinity.scale(shape, 0.4, 0.4, origin=(0, 0)), *origin)
    assert areas_m2(np.array([there], object))[0] == pytest.approx(geodesic_m2(there), rel=1e-4)


@pytest.mark.parametrize("size_deg", [1e-5, 1e-3, 1.0])
def test_areas_of_small_shapes_lose_nothing(size_deg: float) -> None:
    there = affinity.scale(box(0, 0, 1, 1), size_deg, size_deg, origin=(0, 0))
    there = affinity.translate(there, 13.4, 52.5)
    assert areas_m2(np.array([there], object))[0] == pytest.approx(geodesic_m2(there), rel=1e-5)


def test_areas_over_a_pole_and_of_the_whole_world() -> None:
    world, cap = areas_m2(np.array([box(-180, -90, 180, 90), box(-180, -90, 180, -60)], object))
    assert world == pytest.approx(5.100656217e14, rel=1e-7)
    assert cap < world / 10


def test_a_fence_within_a_changed_fence_is_no_split() -> None:
    grown = box(10.0, 50.0, 10.1, 50.11)
    inner = Region("inner", box(10.04, 50.04, 10.06, 50.06))
    found = compare(side(Region("a", A), kind=Kind.OVERLAY), side(Region("a", grown), inner, kind=Kind.OVERLAY))
    assert found.split == ()
    assert ids(found.added) == {"inner"}
    assert ids(found.reshaped) == {"a"}


def test_a_region_divided_among_its_neighbours_is_removed_and_they_grew() -> None:
    left, right, middle = box(0, 0, 1, 1), box(2, 0, 3, 1), box(1, 0, 2, 1)
    old = side(Region("l", left), Region("m", middle), Region("r", right))
    found = compare(old, side(Region("l", box(0, 0, 1.5, 1)), Region("r", box(1.5, 0, 3, 1))))
    assert ids(found.removed) == {"m"}
    assert ids(found.reshaped) == {"l", "r"}
    assert found.merged == ()


def test_ground_that_moved_across_the_180th_meridian_is_found_on_both_sides() -> None:
    before = MultiPolygon([box(179, -17, 180, -16), box(-180, -17, -179.5, -16)])
    after = MultiPolygon([box(179.5, -17, 180, -16), box(-180, -17, -179, -16)])
    (one,) = compare(side(Region("fiji", before)), side(Region("fiji", after))).reshaped
    assert one.gained is not None
    assert one.gained.equals(box(-179.5, -17, -179, -16))
    assert one.lost is not None
    assert one.lost.equals(box(179, -17, 179.5, -16))


def test_settings_are_told_with_both_values() -> None:
    old = side(Region("a", A))
    new = side(Region("a", A), rule=Rule(min_pings=3, evidence_to_cross=3.5), dwell_s=60.0, nearest_within_m=100.0)
    found = compare(old, new)
    told = {one.name: (one.before, one.after) for one in found.settings}
    assert told == {
        "rule.min_pings": (None, 3),
        "rule.evidence_to_cross": (2.8, 3.5),
        "dwell_s": (None, 60.0),
        "nearest_within_m": (0.0, 100.0),
    }
    assert not found.nothing
    assert not found.moves_ground


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": float("nan")}, {"a": None}, []),
        ({"a": None}, {}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 1}, {}, [("a", 1, None)]),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, [("a", {"b": [1]}, {"b": [2]})]),
        ({"a": np.int64(3)}, {"a": np.float64(4)}, [("a", 3, 4.0)]),
    ],
)
def test_attributes_are_compared_as_json_has_them(before: Any, after: Any, told: list[Any]) -> None:
    found = compare(side(Region("a", A, "", before)), side(Region("a", A, "", after)))
    values = [(value.name, value.before, value.after) for one in found.attributes for value in one.values]
    assert values == told
    assert difference_of(difference_json(found)) == found


def test_thirty_changes_among_the_counties_take_less_than_a_second() -> None:
    version = sample("us-counties")
    regions = list(version.regions)
    for row in range(500, 530):
        first = shapely.Point(shapely.get_coordinates(regions[row].geometry)[0])
        regions[row] = replace(regions[row], geometry=regions[row].geometry.difference(first.buffer(0.01)))
    changed = Version.of("us-counties", regions)
    start = process_time()
    found = compare(Side.of(version), Side.of(changed))
    assert process_time() - start < 1
    assert len(found.reshaped) == 30
    assert found.untouched == len(regions) - 30


@given(edited())
def test_json_brings_back_the_very_difference_and_keeps_to_its_schema(made: Edited) -> None:
    found = compare(side(*made.old.values()), side(*made.new.values(), rule=Rule.preset("strict")))
    raw = difference_json(found)
    assert difference_of(raw) == found
    jsonschema_rs.validator_for(difference_schema()).validate(json.loads(raw))


@given(edited())
def test_geojson_has_all_ground_that_changed_hands(made: Edited) -> None:
    found = compare(side(*made.old.values()), side(*made.new.values()))
    features = json.loads(difference_places(found))["features"]
    changes = [feature["properties"]["change"] for feature in features]
    assert changes.count("added") == len(found.added)
    assert changes.count("removed") == len(found.removed)
    assert changes.count("gained") == sum(one.gained is not None for one in found.reshaped)
    assert changes.count("lost") == sum(one.lost is not None for one in found.reshaped)
    assert changes.count("split") == sum(len(one.after) for one in found.split)
    assert changes.count("merged") == sum(len(one.before) for one in found.merged)
    assert changes.count("reidentified") == len(found.reidentified)
    assert all(shapely.from_geojson(json.dumps(feature["geometry"])).is_valid for feature in features)


def test_text_tells_the_sum_first_and_cuts_long_lists() -> None:
    old = side(*(Region(f"{n:03}", box(n / 10, 0, (n + 1) / 10, 1)) for n in range(40)))
    text = text_of(compare(old, side(Region("new\x1b[2J", box(-2, 0, -1, 1), "N\u202e"))), most=10)
    assert text.startswith("1 added, 40 removed; 0 regions untouched.\n")
    assert "  ... and 30 more" in text
    assert "new\\x1b[2J “N\\u202e” (" in text
    assert all(one.isprintable() or one == "\n" for one in text)


def test_text_of_no_change_says_so() -> None:
    same = side(Region("a", A), Region("b", B))
    assert text_of(compare(same, same)) == "Nothing changed: 2 regions, all as before.\n"
