"""Boundaries: how long it takes to check a layer, and what the tree of boxes saves beside trying all pairs.

Checked is what stands between regions and beside the version before (`check_between`), of layers without errors and of
one drawn by two hands. Wall seconds; the budgets are those of the checks between regions alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from bench.figures import Figure
from boundaries.checking.between import check_between
from boundaries.checking.finding import Finding
from boundaries.checking.mending_between import MENDABLE, mend_between
from boundaries.checking.overlaps import overlapping
from boundaries.layer import LayerSettings
from data.layers import HERE
from geofence.region import Kind, Region, Version
from service.layers import versions_of

COUNTIES_S, PROVINCES_S, FENCES_S = 4.0, 15.0, 20.0
FENCES, PAIRS, SEED, ROUNDS = 100_000, 500, 7, 3
OFF_M = 0.2  # so far a corner is off in the layer drawn by two hands


def figures() -> Iterator[Figure]:
    """Layers checked, one mended, and the tree beside all pairs."""
    counties = _layer("us-counties")
    yield from _checked("counties checked", counties, COUNTIES_S)
    yield from _checked("provinces checked", _layer("provinces"), PROVINCES_S)
    fences = LayerSettings(name="fences", kind=Kind.OVERLAY)
    circles = _circles(FENCES)
    took = _seconds(lambda: check_between(circles, fences, circles))
    yield Figure("boundaries", f"{FENCES:,} fences checked", took, "s", budget=FENCES_S, most=True)
    yield from _mended(counties)
    yield _tree(counties)


def _layer(name: str) -> Version:
    return versions_of([str(HERE / f"{name}.geojson.gz")])[0]


def _checked(case: str, version: Version, budget_s: float) -> Iterator[Figure]:
    settings = LayerSettings(name=version.layer)  # without `nearest_within_m`, so that gaps are looked at
    took = _seconds(lambda: check_between(version.regions, settings, version.regions))
    yield Figure("boundaries", f"{case} ({len(version.regions):,} regions)", took, "s", budget=budget_s, most=True)


def _circles(many: int) -> list[Region]:
    rng = np.random.default_rng(SEED)
    points = shapely.points(rng.uniform(-120, 20, many), rng.uniform(-50, 60, many))
    shapes = shapely.buffer(points, rng.uniform(6e-4, 4e-3, many))
    return [Region(f"f{index:06}", shape) for index, shape in enumerate(shapes)]


def _mended(version: Version) -> Iterator[Figure]:
    """Every fifth county drawn anew, each corner a little off: found, and mended."""
    settings = LayerSettings(name=version.layer)
    found: list[Finding] = []
    rng = np.random.default_rng(SEED)
    drawn = [
        replace(region, geometry=_drawn_anew(region.geometry, rng)) if index % 5 == 0 else region
        for index, region in enumerate(version.regions)
    ]
    took = _seconds(lambda: found.extend(check_between(drawn, settings)), rounds=1)
    case = f"counties by two hands checked ({len(found):,} findings)"
    yield Figure("boundaries", case, took, "s")
    took = _seconds(lambda: mend_between(drawn, settings, found, MENDABLE))
    yield Figure("boundaries", "counties by two hands mended", took, "s")


def _drawn_anew(shape: BaseGeometry, rng: np.random.Generator) -> BaseGeometry:
    far = OFF_M / 111_000.0

    def ring(line: BaseGeometry) -> BaseGeometry:
        coords = np.array(line.coords)
        coords[3:-3:5] += rng.uniform(-far, far, coords[3:-3:5].shape)
        return coords

    parts = [shapely.Polygon(ring(p.exterior), [ring(h) for h in p.interiors]) for p in shapely.get_parts(shape)]
    new = shapely.MultiPolygon(parts)
    return new if new.is_valid else shape


def _tree(version: Version) -> Figure:
    """Regions a second looked at for overlaps, by the tree and by trying each two."""
    shapes = np.array([region.geometry for region in version.regions[:PAIRS]], object)

    def all_pairs() -> None:
        one, two = np.array(list(combinations(range(PAIRS), 2))).T
        shapely.relate_pattern(shapes[one], shapes[two], "2********")

    ours, theirs = _seconds(lambda: list(overlapping(shapes))), _seconds(all_pairs)
    case = f"overlaps of {PAIRS} counties"
    return Figure("boundaries", case, PAIRS / ours, "regions/s", "all pairs", PAIRS / theirs)


def _seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest of some runs, in wall seconds."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took)
