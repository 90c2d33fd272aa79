"""Layers to judge the atlas on, and points that lie where an index goes wrong: at vertices, on borders, a hair beside
them.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import pyproj
import shapely
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from data import layers
from geofence.geojson import read_regions
from geofence.region import Kind, Region, Version

Floats = NDArray[np.float64]
SAMPLES = ("us-counties", "countries", "provinces", "fences")


@cache
def sample(name: str) -> Version:
    """A layer of `data/`, with its own settings."""
    file = read_regions(gzip.decompress(layers.path_of(name).read_bytes()), layer=name)
    kind, within_m = file.settings.kind or Kind.PARTITION, file.settings.nearest_within_m or 0.0
    return Version.of(name, file.regions, kind=kind, nearest_within_m=within_m)


def version(shapes: Iterable[BaseGeometry], *, overlay: bool = False, within_m: float = 0.0) -> Version:
    """A version of these shapes, in this order."""
    regions = [Region(f"{index:06}", shape) for index, shape in enumerate(shapes)]
    kind = Kind.OVERLAY if overlay else Kind.PARTITION
    return Version.of("layer", regions, kind=kind, nearest_within_m=within_m)


def circle(lon: float, lat: float, radius_m: float, corners: int = 32) -> Polygon:
    """A fence as people draw them."""
    plane = pyproj.Proj(proj="aeqd", lon_0=lon, lat_0=lat, ellps="WGS84")
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return Polygon(np.column_stack(plane(radius_m * np.cos(angle), radius_m * np.sin(angle), inverse=True)))


def corridor(stations: Sequence[tuple[float, float]], half_deg: float) -> BaseGeometry:
    """A strip along a line."""
    return shapely.LineString(stations).buffer(half_deg, quad_segs=4)


def _fan(parts: int) -> list[BaseGeometry]:
    angle = np.linspace(0, 2 * np.pi, parts + 1)
    rim = np.column_stack([10 + np.cos(angle), 50 + np.sin(angle)])
    rim[-1] = rim[0]
    return [Polygon([(10, 50), *rim[k : k + 2]]) for k in range(parts)]


def _grid(size: float, many: int, lon: float, lat: float) -> list[BaseGeometry]:
    x, y = np.round(lon + size * np.arange(many + 1), 9), np.round(lat + size * np.arange(many + 1), 9)
    return [box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(many) for j in range(many) if (i * j) % 5 != 3]


def _holes() -> list[BaseGeometry]:
    lake = box(0, 0, 10, 10).difference(box(2, 2, 8, 8))
    return [
        lake.union(box(4, 4, 6, 6).difference(box(4.5, 4.5, 5.5, 5.5))),
        box(4.5, 4.5, 5.5, 5.5),
        MultiPolygon([box(12, 0, 13, 10), box(13, 10, 14, 12), box(15, 0, 16, 1)]),
        box(2, 2, 3, 3),
    ]


def _slivers() -> list[BaseGeometry]:
    thin = [Polygon([(0, k * 1e-9), (5, k * 1e-9), (5, 1 + k), (4.9999999, 1 + k)]) for k in range(3)]
    return [*thin, Polygon([(-3, -3), (-1, -2.999999999), (-1, -3)]), box(-1, -3, 0, -2.999999999)]


def _unmatched() -> list[BaseGeometry]:
    wall = Polygon([(0, 0), (3, 1), (3, 9), (0, 10)])
    along = [0.1, 0.33333, 0.5, 0.7654321, 0.9]
    slant = Polygon([(0, 0), (3, 1), (3, -5), (0, -5)])
    ends = [(3 * t, t) for t in along]
    return [
        wall,
        Polygon([(3, 0), (3, 4), (8, 4), (8, 0)]),
        Polygon([(3, 4), (3, 5.5), (8, 6), (8, 4)]),
        Polygon([(0, 0), *ends, (3, 1), (3, -5), (0, -5)]) if slant.is_valid else slant,
        box(-5, 2, 0, 3),
        box(-5, 3, 0, 12),
    ]


def _overlaps() -> list[BaseGeometry]:
    rng = np.random.default_rng(5)
    discs = [circle(*rng.uniform((9, 49), (11, 51)), rng.uniform(5_000, 60_000), 12) for _ in range(25)]
    return [box(9.5, 49.5, 9.8, 50.6), *discs, box(9, 49, 11, 51), box(9.5, 49.5, 9.8, 50.6), box(10, 48, 12, 50)]


def _seam() -> list[BaseGeometry]:
    return [
        MultiPolygon([box(170, -10, 180, 10), box(-180, -10, -175, 10)]),
        box(172, 10, 180, 20),
        box(-180, 12, -170, 25),
        MultiPolygon([box(178, -30, 180, -20), Polygon([(-180, -30), (-180, -25), (-180, -20), (-170, -25)])]),
        box(179.5, 40, 180, 41),
        box(-180, 43, -179.5, 44),
        Polygon([(175, 50), (180, 55), (175, 60)]),
        box(-180, 54, -179, 55),
    ]


def _poles() -> list[BaseGeometry]:
    shelf = [(-180, -90), (-180, -72), (-100, -70), (0, -75), (90, -66), (180, -72), (180, -90)]
    return [
        Polygon(shelf).difference(box(20, -85, 60, -80)),
        box(0, 80, 90, 90),
        box(90, 82, 180, 90),
        Polygon([(-120, 70), (-50, 70), (-85, 90)]),
        box(-180, 89.5, -140, 90),
        box(-40, 89.9, -30, 89.99),
    ]


def _world() -> list[BaseGeometry]:
    return [box(5, 5, 6, 6), box(-180, -90, 180, 90)]


def _halves() -> list[BaseGeometry]:
    return [box(-180, -90, 0, 90), box(0, -90, 180, 0), box(0, 0, 180, 90)]


def _tiny() -> list[BaseGeometry]:
    many = [box(x, y, x + 1e-7, y + 1e-7) for x in (0.0, 1e-7, 13.1234567) for y in (0.0, 52.1)]
    return [*many, circle(-70, -33, 0.05, 8), box(179.9999999, 0, 180, 1e-7), box(0, 89.9999999, 1e-7, 90)]


def _dyadic() -> list[BaseGeometry]:
    return [box(-45, -22.5, 0, 0), box(0, 0, 45, 45), box(45, 0, 45.0439453125, 0.02197265625), box(-90, 0, 0, 45)]


def _city(many: int = 400) -> list[BaseGeometry]:
    rng = np.random.default_rng(3)
    where = rng.normal((2.35, 48.85), (0.05, 0.03), (many, 2))
    roads = [corridor(rng.normal((2.35, 48.85), 0.08, (3, 2)).tolist(), 0.002) for _ in range(8)]
    discs = [circle(lon, lat, rng.uniform(50, 900), int(rng.integers(5, 40))) for lon, lat in where]
    rings = [
        circle(2.2, 48.8, 3_000).difference(circle(2.2, 48.8, 1_000)),
        circle(180, -16.8, 3_000).intersection(WORLD),
    ]
    return [*discs, *roads, *rings]


def _nested(many: int, step_m: float) -> list[BaseGeometry]:
    return [circle(-3.7, 40.4, step_m * (k + 1), 12) for k in range(many)]


WORLD = box(-180, -90, 180, 90)
LAYERS: dict[str, Callable[[], Version]] = {
    "no regions": lambda: version([]),
    "no fences": lambda: version([], overlay=True),
    "holes and islands": lambda: version(_holes()),
    "slivers": lambda: version(_slivers()),
    "unmatched vertices": lambda: version(_unmatched()),
    "overlapping partition": lambda: version(_overlaps()),
    "overlapping fences": lambda: version(_overlaps(), overlay=True),
    "duplicates": lambda: version([box(0, 0, 1, 1), box(0.5, 0, 2, 1), box(0, 0, 1, 1), box(0, 0, 1, 1)]),
    "70 times the same": lambda: version([circle(10, 50, 300, 6)] * 70, overlay=True),
    "small squares": lambda: version(_grid(0.01, 15, 7.0, 45.0)),
    "squares of round degrees": lambda: version(_grid(5.0, 8, -20.0, -20.0)),
    "100 at one vertex": lambda: version(_fan(100)),
    "100 fences at one vertex": lambda: version(_fan(100), overlay=True),
    "across the 180th meridian": lambda: version(_seam()),
    "fences across the 180th meridian": lambda: version(_seam(), overlay=True),
    "poles": lambda: version(_poles()),
    "fences at the poles": lambda: version(_poles(), overlay=True),
    "the whole world": lambda: version(_world()),
    "the world as a fence": lambda: version(_world(), overlay=True),
    "halves of the world": lambda: version(_halves()),
    "of 1e-7 degrees": lambda: version(_tiny()),
    "at the index's own lines": lambda: version(_dyadic()),
    "a city's fences": lambda: version(_city(), overlay=True),
    "300 nested": lambda: version(_nested(300, 40.0)),
    "2000 nested fences": lambda: version(_nested(2000, 50.0), overlay=True),
}


def vertices(shapes: Iterable[BaseGeometry]) -> tuple[Floats, Floats]:
    """The two ends of every edge, as rows of lon and lat."""
    start, end = [np.empty((0, 2))], [np.empty((0, 2))]
    for shape in shapes:
        for polygon in getattr(shape, "geoms", [shape]):
            for ring in (polygon.exterior, *polygon.interiors):
                points = np.array(ring.coords)[:, :2]
                start.append(points[:-1])
                end.append(points[1:])
    return np.concatenate(start), np.concatenate(end)


def points(of: Version, many: int, seed: int = 1) -> tuple[Floats, Floats]:
    """About so many lon and lat: random, round, and on and beside borders."""
    rng = np.random.default_rng(seed)
    start, end = vertices(region.geometry for region in of.regions)
    if not len(start):
        start, end = np.zeros((1, 2)), np.ones((1, 2))
    low, high = start.min(axis=0), start.max(axis=0)
    share = many // 8
    pick = rng.integers(0, len(start), (3, share))
    inside = rng.uniform(low - 0.02 * (high - low), high + 0.02 * (high - low), (2 * share, 2))
    size = 10.0 ** np.floor(np.log10(high - low + 1e-12) - rng.integers(1, 3, (share, 1)))
    round_ones = np.round(rng.uniform(low, high, (share, 2)) / size) * size
    middle = (start[pick[0]] + end[pick[0]]) / 2
    on_edge = start[pick[1]] + rng.uniform(0, 1, (share, 1)) * (end - start)[pick[1]]
    hair = 10.0 ** rng.uniform(-13, -5, (share, 1)) * rng.normal(size=(share, 2))
    far = rng.uniform((-180, -90), (180, 90), (share, 2))
    special = np.array([(x, y) for x in (-180, 180, 0, 5, -100, 180 - 1e-9) for y in (-90, 90, 0, 15, 54.5, 90 - 1e-9)])
    every = np.concatenate([inside, round_ones, start[pick[2]], middle, on_edge, on_edge + hair, far, special])
    return np.clip(every[:, 0], -180, 180), np.clip(every[:, 1], -90, 90)


@st.composite
def polygons(draw: st.DrawFn) -> BaseGeometry:
    """A polygon on a small lattice, so that vertices and edges of several meet, with a hole at times."""
    lattice = st.tuples(st.integers(0, 8), st.integers(0, 8))
    kind = draw(st.sampled_from(["box", "hull", "triangle", "ring", "pair"]))
    if kind in ("box", "ring", "pair"):
        (x1, y1), (x2, y2) = draw(lattice), draw(lattice)
        shape: BaseGeometry = box(min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1)
        if kind == "ring":
            shape = shape.difference(shape.centroid.buffer(0.4, quad_segs=1))
        if kind == "pair":
            shape = MultiPolygon(
                [shape, box(shape.bounds[2], shape.bounds[3], shape.bounds[2] + 1, shape.bounds[3] + 1)]
            )
        return shape
    corners = draw(st.lists(lattice, min_size=3, max_size=3 if kind == "triangle" else 7, unique=True))
    hull = shapely.MultiPoint(corners).convex_hull
    return hull if hull.geom_type == "Polygon" else box(*corners[0], corners[0][0] + 1, corners[0][1] + 1)


@st.composite
def placed(draw: st.DrawFn) -> tuple[list[BaseGeometry], Callable[[Floats], Floats]]:
    """Some polygons somewhere on earth, large or small, and how to carry points of the lattice there."""
    shapes = draw(st.lists(polygons(), min_size=1, max_size=6))
    places = [(-10.0, 40.0), (171.0, -4.0), (-180.0, 20.0), (5.0, 81.0), (-30.0, -90.0), (0.0, 0.0)]
    x, y = draw(st.sampled_from(places))
    scale = draw(st.sampled_from([1.0, 0.9, 0.1, 1e-3, 1e-6]))
    if x > 0 and scale <= 0.1:
        x = 180.0 - 10.0 * scale  # where the world ends
    if y > 80 and scale <= 0.1:
        y = 90.0 - 10.0 * scale

    def carry(rows: Floats) -> Floats:
        return np.clip(np.array([x, y]) + scale * rows, (-180.0, -90.0), (180.0, 90.0))

    moved = [shapely.transform(shape, carry) for shape in shapes]
    return [shape for shape in moved if shape.is_valid and not shape.is_empty], carry
