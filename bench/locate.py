"""Locate with margins, beside rtree and shapely; what an atlas costs to build and to keep; and 100,000 fences."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figure, interleaved
from bench.peers import InBulk, PingByPing
from data.layers import HERE
from geofence.atlas import Atlas
from geofence.region import Kind, Region, Version
from service.layers import versions_of

ROUNDS, POINTS, FEW, SEED = 5, 1_000_000, 20_000, 5
CAP_M = 100.0  # what a ping of 20 to 30 m accuracy can use
FENCES, CORNERS = 100_000, 48
US_BOX, WORLD_BOX = (-124.7, 24.5, -67.0, 49.4), (-180.0, -60.0, 180.0, 80.0)
Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]


def figures() -> Iterator[Figure]:
    """All of them."""
    rates: dict[str, float] = {}
    for name, box, build_s in (
        ("us-counties", US_BOX, 3.0),
        ("countries", WORLD_BOX, None),
        ("provinces", WORLD_BOX, 10.0),
    ):
        rates[name] = yield from _layer(name, box, build_s)
    yield Figure("locate", "countries", rates["countries"], "pings/s", "counties", rates["us-counties"], 0.5)
    yield from _fences()


def _layer(name: str, box: Box, build_s: float | None) -> Generator[Figure, None, float]:
    """The figures of one sample layer; returns how many pings a second it locates."""
    version = versions_of([str(HERE / f"{name}.geojson.gz")])[0]
    atlas = yield from _built(version, name, build_s)
    lon, lat = _uniform(box, POINTS)
    peer, bulk = PingByPing(version.regions), InBulk(version.regions)
    judged = name == "us-counties"
    many = POINTS if judged else FEW  # in bulk, big polygons take minutes
    ours, deep, one, all_ = interleaved(
        [
            (lambda: atlas.locate(lon, lat, CAP_M), POINTS),
            (lambda: atlas.locate(lon, lat), POINTS),
            (lambda: peer.locate(lon[:FEW], lat[:FEW]), FEW),
            (lambda: bulk.locate(lon[:many], lat[:many]), many),
        ],
        ROUNDS,
    )
    case = f"{name}, margins to {CAP_M:.0f} m"
    yield Figure("locate", case, ours, "pings/s", "a ping at a time, rtree + prepared", one, 150.0 if judged else None)
    yield Figure("locate", case, ours, "pings/s", "in bulk, STRtree + intersects_xy", all_, 5.0 if judged else None)
    yield Figure("locate", f"{name}, margins to 50 km", deep, "pings/s", "in bulk, STRtree + intersects_xy", all_)
    return ours


def _built(version: Version, name: str, budget_s: float | None) -> Generator[Figure, None, Atlas]:
    """What building costs; returns the atlas."""
    Atlas(version)  # whatever compiles, compiles here
    started = time.process_time()
    atlas = Atlas(version)
    took = time.process_time() - started
    yield Figure("atlas", f"building {name}, {len(version.regions):,} regions", took, "s", budget=budget_s, most=True)
    yield Figure("atlas", f"memory of {name}", atlas.nbytes / 1e6, "MB")
    return atlas


def _uniform(box: tuple[float, float, float, float], many: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(SEED)
    return rng.uniform(box[0], box[2], many), rng.uniform(box[1], box[3], many)


def _fences() -> Iterator[Figure]:
    """Small circles in 200 towns, most of them overlapping some others; points in the same towns."""
    rng = np.random.default_rng(SEED)
    towns = rng.uniform((-120.0, 30.0), (-75.0, 47.0), (200, 2))
    middle = towns[rng.integers(0, len(towns), FENCES)] + rng.normal(0.0, 0.15, (FENCES, 2))
    radius = rng.uniform(50.0, 300.0, FENCES) / 111_000.0
    angle = np.linspace(0.0, 2.0 * np.pi, CORNERS, endpoint=False)
    regions = [_circle(number, middle[number, 0], middle[number, 1], radius[number], angle) for number in range(FENCES)]
    version = Version.of("fences", regions, kind=Kind.OVERLAY)
    started = time.process_time()
    atlas = Atlas(version)
    took = time.process_time() - started
    yield Figure("fences", f"building {FENCES:,} circles of {CORNERS} corners", took, "s", budget=60.0, most=True)
    yield Figure("fences", "memory", atlas.nbytes / 1e6, "MB")
    points = towns[rng.integers(0, len(towns), POINTS)] + rng.normal(0.0, 0.2, (POINTS, 2))
    lon, lat = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    sighted = atlas.locate(lon, lat, CAP_M)
    (ours,) = interleaved([(lambda: atlas.locate(lon, lat, CAP_M), POINTS)], ROUNDS)
    share = float(np.mean(sighted.region >= 0))
    yield Figure("fences", f"locate, {share:.0%} of the sightings in a fence", ours, "pings/s", budget=2_000_000.0)


def _circle(number: int, lon: float, lat: float, radius: float, angle: Floats) -> Region:
    import shapely

    x, y = lon + radius * np.cos(angle) / np.cos(np.radians(lat)), lat + radius * np.sin(angle)
    return Region(f"{number:06d}", shapely.Polygon(np.c_[x, y]))
