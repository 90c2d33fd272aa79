"""The atlas against brute force: which region, how deep, in both engines, where an index goes wrong."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import Polygon, box

from geofence.atlas import Atlas
from geofence.border import reach_m
from geofence.region import Version
from geofence.sighting import Sightings, home_m
from tests.judge import EARTH, Brute, Walker
from tests.shapes import LAYERS, SAMPLES, placed, points, sample, version

Floats = NDArray[np.float64]
CAPS_M = np.array([0.0, 0.01, 3.0, 40.0, 100.0, 240.0, 260.0, 2_000.0, 50_000.0])
EVERYWHERE = [*LAYERS, *SAMPLES]
PARTITIONS = [
    "holes and islands", "slivers", "unmatched vertices", "overlapping partition", "duplicates", "small squares",
    "squares of round degrees", "100 at one vertex", "across the 180th meridian", "poles", "the whole world",
    "halves of the world", "of 1e-7 degrees", "at the index's own lines",
]  # fmt: skip
OVERLAYS = [
    "overlapping fences",
    "100 fences at one vertex",
    "fences across the 180th meridian",
    "fences at the poles",
    "a city's fences",
    "fences",
]


@cache
def engines(name: str, within_m: float | None = None) -> tuple[Version, Atlas, Atlas]:
    """A layer and its two engines, with its own or another `nearest_within_m`."""
    of = sample(name) if name in SAMPLES else LAYERS[name]()
    if within_m is not None:
        of = Version.of(of.layer, of.regions, kind=of.kind, nearest_within_m=within_m)
    return both(of)


def both(of: Version) -> tuple[Version, Atlas, Atlas]:
    compiled = Atlas(of)
    return of, compiled, Atlas(of, "rtree", compiled.arrays())


def caps(many: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).choice(CAPS_M, many)


def alike(one: Sightings, other: Sightings) -> None:
    """Check that two engines' sightings are the same bits."""
    np.testing.assert_array_equal(one.region, other.region)
    np.testing.assert_array_equal(one.margin_m, other.margin_m)
    assert all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def agrees(of: Version, seen: Sightings, lon: Floats, lat: Floats) -> None:
    """Check the regions against brute force."""
    brute = Brute(of)
    if of.kind == "overlay":
        table = brute.covers(lon, lat)
        outside = np.flatnonzero(~table.any(axis=0))
        region, row = np.nonzero(table)
        row, region = np.r_[row, outside], np.r_[region, np.full(len(outside), -1)]
        order = np.lexsort((region, row))
        np.testing.assert_array_equal(seen.row, row[order])
        np.testing.assert_array_equal(seen.region, region[order])
        np.testing.assert_array_equal(seen.covered, region[order] >= 0)
        return
    truth = brute.answers(lon, lat)
    np.testing.assert_array_equal(seen.row, np.arange(len(lon)))
    np.testing.assert_array_equal(seen.covered, truth >= 0)
    sure = seen.covered | (of.nearest_within_m == 0)
    np.testing.assert_array_equal(seen.region[sure], truth[sure])


@pytest.mark.parametrize("name", EVERYWHERE)
def test_both_engines_agree_with_brute_force_and_to_the_last_bit(name: str) -> None:
    of, compiled, rtree = engines(name)
    lon, lat = points(of, 1_500)
    cap_m = caps(len(lon))
    seen = compiled.locate(lon, lat, cap_m)
    agrees(of, seen, lon, lat)
    alike(seen, rtree.locate(lon, lat, cap_m))
    assert np.all((seen.margin_m >= 0) & (seen.margin_m <= cap_m[seen.row]))


@given(placed(), st.booleans(), st.sampled_from([0.0, 30.0, 20_000.0]), st.integers(0, 99))
def test_any_polygons_anywhere_give_what_brute_force_gives(placing, overlay: bool, within_m: float, seed: int) -> None:
    shapes, carry = placing
    of, compiled, rtree = both(version(shapes, overlay=overlay, within_m=0.0 if overlay else within_m))
    lattice = np.stack(np.meshgrid(np.arange(0, 10.5, 0.5), np.arange(0, 10.5, 0.5)), axis=-1).reshape(-1, 2)
    lon, lat = carry(lattice).T
    more = points(of, 200, seed)
    lon, lat = np.r_[lon, more[0]], np.r_[lat, more[1]]
    cap_m = caps(len(lon), seed)
    seen = compiled.locate(lon, lat, cap_m)
    agrees(of, seen, lon, lat)
    alike(seen, rtree.locate(lon, lat, cap_m))


LINES = [(0.0, 10.0), (20.0, 0.0), (30.0, 45.0), (-60.0, -45.0), (33.0, 67.5), (90.0, 50.0), (30.0, 84.375), (0.0, 0.0)]


@pytest.mark.parametrize(("x", "y"), LINES)
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_border_just_behind_a_line_of_the_tree_is_as_near_as_it_is(x: float, y: float, side: float) -> None:
    behind, far = 0.0009 * side, 1.5 * side
    corners = sorted([x + behind, x + far]), sorted([y + behind, y + far])
    beside = [box(x - 1, corners[1][0], x + 1, corners[1][1]), box(corners[0][0], y - 1, corners[0][1], y + 1)]
    rng = np.random.default_rng(3)
    lon, lat = x + rng.uniform(-0.004, 0.004, 2_000), y + rng.uniform(-0.004, 0.004, 2_000)
    for shape in (*beside, box(corners[0][0], corners[1][0], corners[0][1], corners[1][1])):
        _, compiled, rtree = both(version([shape]))
        for cap_m in (30.0, 120.0, 250.0, 5_000.0):
            alike(compiled.locate(lon, lat, cap_m), rtree.locate(lon, lat, cap_m))


@pytest.mark.parametrize("within_m", [0.0, 300.0])
def test_edges_that_go_round_more_than_half_the_world_are_as_near_as_they_are(within_m: float) -> None:
    band, slant = box(-180, -60, 180, -50), Polygon([(-179, -20), (170, 10), (170, 40), (-179, 40)])
    wide, above = box(-170, -20, 150, -10), box(-170, -10, 150, 5)
    rng = np.random.default_rng(4)
    lon, off = rng.uniform(-179, 170, 2_000), rng.uniform(-0.003, 0.003, 2_000)
    for shapes, lat in (
        ([band], -60 + off),
        ([wide, above], rng.choice([-20.0, -10.0, 5.0], 2_000) + off),
        ([slant], -20 + 30 * (lon + 179) / 349 + off),
    ):
        _, compiled, rtree = both(version(shapes, within_m=within_m))
        for cap_m in (30.0, 250.0, 5_000.0):
            alike(compiled.locate(lon, lat, cap_m), rtree.locate(lon, lat, cap_m))


def judged(name: str, many: int, far_m: float = 50_000.0) -> list[tuple[float, float, float]]:
    """Points of a layer without `nearest_within_m`, some of them near borders, and a cap for each."""
    of, *_ = engines(name, 0.0)
    lon, lat = points(of, 40 * many, 3)
    rng = np.random.default_rng(4)
    pick = rng.choice(len(lon), many, replace=False)
    away, _, _ = lon[pick], lat[pick], None
    x, y, _ = EARTH.fwd(away, lat[pick], rng.uniform(0, 360, many), 10 ** rng.uniform(-1, 4.6, many))
    cap_m = 10 ** rng.uniform(1.7, np.log10(far_m), many)
    return list(zip(x.tolist(), y.tolist(), cap_m.tolist(), strict=True))


def close(told_m: float, true_m: float) -> bool:
    return abs(told_m - true_m) <= 0.005 * true_m + 2e-3


@pytest.mark.parametrize("name", [*PARTITIONS, *SAMPLES[:3]])
def test_the_margin_of_a_partition_is_the_way_to_another_answer(name: str) -> None:
    of, compiled, _ = engines(name, 0.0)
    brute, walker = Brute(of), Walker(of)
    for lon, lat, cap_m in judged(name, 25 if name in PARTITIONS else 12):
        seen = compiled.locate([lon], [lat], cap_m)
        here = seen.region[0]
        true_m = walker.nearest_m(lon, lat, cap_m, lambda x, y, here=here: brute.answers(x, y) != here)
        assert close(seen.margin_m[0], true_m), (lon, lat, cap_m, seen, true_m)


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_margin_of_a_fence_is_the_way_out_of_it_or_into_the_nearest(name: str) -> None:
    of, compiled, _ = engines(name)
    brute, walker = Brute(of), Walker(of)
    for lon, lat, cap_m in judged(name, 15):
        seen = compiled.locate([lon], [lat], cap_m)
        for region, told_m in list(zip(seen.region.tolist(), seen.margin_m.tolist(), strict=True))[:4]:

            def elsewhere(x: Floats, y: Floats, region: int = region) -> NDArray[np.bool_]:
                table = brute.covers(x, y)
                return table.any(axis=0) if region < 0 else ~table[region]

            true_m = walker.nearest_m(lon, lat, cap_m, elsewhere)
            assert close(told_m, true_m), (lon, lat, cap_m, region, told_m, true_m)


@pytest.mark.parametrize("name", [*PARTITIONS, *SAMPLES[:2]])
def test_the_way_home_is_the_way_to_the_nearest_place_of_that_answer(name: str) -> None:
    of, compiled, _ = engines(name, 0.0)
    brute, walker = Brute(of), Walker(of)
    for lon, lat, cap_m in judged(name, 25 if name in PARTITIONS else 8):
        seen = compiled.locate([lon], [lat], cap_m)
        here, covered = int(seen.region[0]), bool(seen.covered[0])
        _, other = reach_m(compiled.borders, compiled.borders.root[-1], lon, lat, cap_m, here)
        for home in {-1, other, 0} - {here}:
            told_m = home_m(compiled.borders, home, here, covered, 0.0, lon, lat, cap_m)
            true_m = walker.nearest_m(lon, lat, cap_m, lambda x, y, home=home: brute.answers(x, y) == home)
            assert close(told_m, true_m), (lon, lat, cap_m, here, home, told_m, true_m)
