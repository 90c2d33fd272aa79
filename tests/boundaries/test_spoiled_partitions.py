"""A valid partition gives no findings; spoiled in one known way it gives exactly that one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from spoiled import HARMLESS, SPOILERS, Spoiler, doubled, partitions, spiked

from boundaries.checking.check import EVERY_CODE
from boundaries.checking.finding import Mend
from boundaries.checking.mends import feature_of
from boundaries.checking.shapes import Shapes, check_shapes
from boundaries.drawing import Feature
from boundaries.ground import area_m2, lengths_m
from geofence.region import Region

AWAY_M = 0.05


def _wkb(shapes: Shapes) -> list[bytes]:
    return [shapely.to_wkb(draft.shape) for draft in shapes.drafts if draft.sound]


def _again(shapes: Shapes) -> list[Feature]:
    sound = [draft for draft in shapes.drafts if draft.sound]
    return [feature_of(Region(str(draft.id), draft.shape), row) for row, draft in enumerate(sound)]


@given(partitions())
def test_a_valid_partition_is_clean_and_comes_out_as_it_is(cells: list[Feature]) -> None:
    for fix in (frozenset[str](), EVERY_CODE):
        shapes = check_shapes(cells, fix=fix)
        assert not shapes.findings
        assert all(draft.sound for draft in shapes.drafts)
        for cell, draft in zip(cells, shapes.drafts, strict=True):
            assert np.array_equal(shapely.get_coordinates(draft.shape), cell.drawing.polygons[0][0])


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
@given(partitions(), st.integers(0, 2**32 - 1))
def test_a_spoiled_region_gives_exactly_its_finding(spoil: Spoiler, cells: list[Feature], seed: int) -> None:
    rng = np.random.default_rng(seed)
    victim = int(rng.integers(0, len(cells)))
    spoiled = spoil(cells[victim], rng)
    shapes = check_shapes([*cells[:victim], spoiled.feature, *cells[victim + 1 :]])
    assert [(one.code, one.row) for one in shapes.findings] == [(spoiled.code, victim)]
    finding = shapes.findings[0]
    assert finding.region == spoiled.feature.id
    if spoiled.at is not None:
        place = np.array([finding.lon, finding.lat])
        away_m = np.abs(place - spoiled.at).max() if abs(spoiled.at[1]) > 90 else lengths_m(place, np.array(spoiled.at))
        assert away_m < AWAY_M


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
@given(partitions(), st.integers(0, 2**32 - 1))
def test_mending_twice_changes_nothing_more(spoil: Spoiler, cells: list[Feature], seed: int) -> None:
    rng = np.random.default_rng(seed)
    spoiled = [spoil(cells[0], rng).feature, spoil(cells[1], rng).feature, *cells[2:]]
    once = check_shapes(spoiled, fix=EVERY_CODE)
    assert not [one for one in once.findings if one.mend is Mend.OFFERED]
    assert all(draft.shape.is_valid for draft in once.drafts if draft.shape is not None)
    assert not check_shapes(_again(once)).findings
    assert _wkb(check_shapes(_again(once), fix=EVERY_CODE)) == _wkb(once)


@pytest.mark.parametrize("spoil", HARMLESS, ids=lambda spoil: spoil.__name__)
@given(partitions(), st.integers(0, 2**32 - 1))
def test_mending_what_is_harmless_gives_the_region_back(spoil: Spoiler, cells: list[Feature], seed: int) -> None:
    spoiled = spoil(cells[0], np.random.default_rng(seed)).feature
    shape = check_shapes([spoiled, *cells[1:]], fix=EVERY_CODE).drafts[0].shape
    assert shapely.Polygon(cells[0].drawing.polygons[0][0]).normalize() == shape.normalize()


@given(partitions(), st.integers(0, 2**32 - 1))
def test_of_two_positions_nearly_the_same_the_one_that_neighbours_have_stays(cells: list[Feature], seed: int) -> None:
    spoiled = doubled(cells[0], np.random.default_rng(seed)).feature
    shape = check_shapes([spoiled, *cells[1:]], fix=EVERY_CODE).drafts[0].shape
    was, others = cells[0].drawing.polygons[0][0], np.concatenate([c.drawing.polygons[0][0] for c in cells[1:]])
    shared = set(map(tuple, was)) & set(map(tuple, others))
    assert shared <= set(map(tuple, shapely.get_coordinates(shape)))
    assert shapely.get_num_coordinates(shape) == len(was)
    assert shapely.hausdorff_distance(shape, shapely.Polygon(was)) < 1e-7


@given(partitions(), st.integers(0, 2**32 - 1))
def test_mending_a_spike_keeps_all_else(cells: list[Feature], seed: int) -> None:
    spoiled = spiked(cells[0], np.random.default_rng(seed))
    shape = check_shapes([spoiled.feature, *cells[1:]], fix=EVERY_CODE).drafts[0].shape
    was = shapely.Polygon(cells[0].drawing.polygons[0][0])
    assert set(map(tuple, was.exterior.coords)) <= set(map(tuple, shapely.get_coordinates(shape)))
    assert area_m2(shape.symmetric_difference(was)) < 1
