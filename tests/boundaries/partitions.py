<<<<<<< HEAD
"""Random valid partitions, and known ways to spoil one of their regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from boundaries.drawing import Drawing, Feature, Ring

STEP_DEG = 0.1
DECIMALS = 7


@dataclass(frozen=True)
class Spoiled:
    """A feature that was spoiled: with what must be found, and about where."""

    feature: Feature
    code: str
    at: tuple[float, float] | None = None


@st.composite
def partitions(draw: st.DrawFn) -> list[Feature]:
    """Cells of a crooked grid somewhere in the world; neighbours share every vertex."""
    seed, side = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 4))
    west, south = draw(st.integers(-170, 160)), draw(st.integers(-75, 70))
    rng = np.random.default_rng(seed)
    return _cells(rng, side, west, south, points=int(rng.integers(1, 5)))


def _cells(rng: np.random.Generator, side: int, west: float, south: float, points: int) -> list[Feature]:
    def moved(lon: float, lat: float) -> list[float]:
        return np.round(
            np.array([west + STEP_DEG * lon, south + STEP_DEG * lat]) + rng.uniform(-0.01, 0.01, 2), DECIMALS
        ).tolist()

    share = np.arange(1, points + 1) / (points + 1)
    node = {(x, y): moved(x, y) for x in range(side + 1) for y in range(side + 1)}
    east = {(x, y): [moved(x + t, y) for t in share] for x in range(side) for y in range(side + 1)}
    north = {(x, y): [moved(x, y + t) for t in share] for x in range(side + 1) for y in range(side)}
    cells = []
    for x, y in np.ndindex(side, side):
        ring = [node[x, y], *east[x, y], node[x + 1, y], *north[x + 1, y], node[x + 1, y + 1]]
        ring += [*east[x, y + 1][::-1], node[x, y + 1], *north[x, y][::-1], node[x, y]]
        cells.append(_feature(len(cells), f"cell {x}-{y}", np.array(ring)))
    return cells


def _feature(row: int, id: str, ring: Ring) -> Feature:  # noqa: A002
    return Feature(row, id, id.title(), Drawing("Polygon", ((ring,),)))


def _with(feature: Feature, *polygons: Sequence[Ring]) -> Feature:
    kind = "Polygon" if len(polygons) == 1 else "MultiPolygon"
    return replace(feature, drawing=Drawing(kind, tuple(map(tuple, polygons))))


def _edge(feature: Feature, rng: np.random.Generator) -> tuple[Ring, int]:
    ring = feature.drawing.polygons[0][0]
    return ring, int(rng.integers(0, len(ring) - 1))


def opened(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The closing position is left out."""
    ring = feature.drawing.polygons[0][0]
    return Spoiled(_with(feature, [ring[:-1]]), "ring_open", tuple(ring[-2]))


def turned(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The ring is wound the other way."""
    return Spoiled(_with(feature, [feature.drawing.polygons[0][0][::-1]]), "winding_turned")


def doubled(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A position is there twice, 1 to 4 mm apart along the border."""
    ring, at = _edge(feature, rng)
    ahead = ring[at + 1] - ring[at]
    second = ring[at] + ahead * (rng.uniform(1e-8, 3e-8) / np.hypot(*ahead))
    return Spoiled(_with(feature, [np.insert(ring, at + 1, second, axis=0)]), "vertices_close", tuple(ring[at]))


def spiked(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """From the middle of an edge the border runs out to a point and back."""
    ring, at = _edge(feature, rng)
    ahead = ring[at + 1] - ring[at]
    foot = ring[at] + ahead / 2
    other = foot + ahead * (1e-6 / np.hypot(*ahead))
    tip = foot + np.array([ahead[1], -ahead[0]]) / np.hypot(*ahead) * rng.uniform(0.001, 0.005)
    return Spoiled(_with(feature, [np.insert(ring, at + 1, [foot, tip, other], axis=0)]), "spike", tuple(tip))


def dusted(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A part of less than a square metre lies beside the partition."""
    ring = feature.drawing.polygons[0][0]
    corner = np.array([ring[:, 0].min() - 5, ring[:, 1].min()])
    speck = corner + np.array([[0, 0], [5e-6, 0], [5e-6, 5e-6], [0, 0]])
    return Spoiled(_with(feature, [ring], [speck]), "part_tiny", tuple(corner))


def crossed(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A figure of eight is added as a second part, outside of the partition."""
    ring = feature.drawing.polygons[0][0]
    corner = np.array([ring[:, 0].min() - 5, ring[:, 1].min()])
    eight = corner + 0.1 * np.array([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]])
    return Spoiled(_with(feature, [ring], [eight]), "ring_crosses", tuple(corner + 0.05))


def beyond(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A latitude is off the world."""
    ring, at = _edge(feature, rng)
    ring = ring.copy()
    ring[at, 1] = 90 + rng.uniform(1, 1000)
    return Spoiled(_with(feature, [ring]), "position_out_of_range", tuple(ring[at]))


def infinite(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A coordinate is no number."""
    ring, at = _edge(feature, rng)
    ring = ring.copy()
    ring[at, rng.integers(0, 2)] = rng.choice([np.nan, np.inf, -np.inf])
    return Spoiled(_with(feature, [ring]), "position_not_finite")


def nameless(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The id is missing."""
    return Spoiled(replace(feature, id=None), "id_missing")


def garbled(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The name was read in the wrong encoding."""
    return Spoiled(replace(feature, name="Mönchengladbach Süd".encode().decode("cp1252")), "text_garbled")


def bare(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The geometry is missing."""
    return Spoiled(replace(feature, drawing=Drawing("")), "geometry_missing")


Spoiler = Callable[[Feature, np.random.Generator], Spoiled]
HARMLESS = (opened, turned, dusted)  # mending them gives the region back as it was
SPOILERS: tuple[Spoiler, ...] = (*HARMLESS, doubled, spiked, crossed, beyond, infinite, nameless, garbled, bare)
=======
"""Valid partitions made at random, and one thing done to them: what `check_between` has to find out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyproj
import shapely
from hypothesis import strategies as st
from shapely import Point, Polygon
from shapely.geometry.base import BaseGeometry

from geofence.region import Region

GEOD = pyproj.Geod(ellps="WGS84")


def ground_area_m2(shape: BaseGeometry) -> float:
    """Square metres, as pyproj says; for edges that are short."""
    return abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(shape))[0])


def plane_of(shape: BaseGeometry) -> BaseGeometry:
    """The shape in metres around its middle, as pyproj says."""
    middle = shape.envelope.centroid
    plane = pyproj.Proj(proj="aeqd", lon_0=middle.x, lat_0=middle.y, ellps="WGS84")

    def ring(line: BaseGeometry) -> np.ndarray:
        coords = np.array(line.coords)
        moved = np.column_stack(plane(coords[:, 0], coords[:, 1]))
        moved[-1] = moved[0]
        return moved

    polygons = [Polygon(ring(p.exterior), [ring(h) for h in p.interiors]) for p in shapely.get_parts(shape)]
    return shapely.MultiPolygon(polygons)


def ground_width_m(shape: BaseGeometry) -> float:
    """The largest circle's diameter, by another way than the product's."""
    widths = []
    for part in shapely.get_parts(plane_of(shape)):
        widths.append(2 * shapely.maximum_inscribed_circle(part, tolerance=1e-3 * part.area / part.length).length)
    return max(widths)


def offset(lon: float, lat: float, east_m: float, north_m: float) -> tuple[float, float]:
    """A place so far away."""
    far, bearing = np.hypot(east_m, north_m), np.degrees(np.arctan2(east_m, north_m))
    to_lon, to_lat, _ = GEOD.fwd(lon, lat, bearing, far)
    return to_lon, to_lat


def grid(seed: int, lon: float, lat: float, cell_deg: float = 0.02, side: int = 4) -> dict[str, Polygon]:
    """Cells that share jittered corners, "r11" being one inside; its corners are `corner(cells, ...)`."""
    rng = np.random.default_rng(seed)
    corners = np.empty((side + 1, side + 1, 2))
    for row in range(side + 1):
        for column in range(side + 1):
            east, north = rng.uniform(-0.2, 0.2, 2)
            corners[row, column] = lon + (column + east) * cell_deg, lat + (row + north) * cell_deg * 0.5
    return {
        f"r{row}{column}": Polygon(
            [corners[row, column], corners[row, column + 1], corners[row + 1, column + 1], corners[row + 1, column]]
        )
        for row in range(side)
        for column in range(side)
    }


def voronoi(seed: int, lon: float, lat: float, size_deg: float = 0.1, many: int = 30) -> dict[str, Polygon]:
    """Cells around points, without those at the rim; an enclave in the middle of the largest."""
    rng = np.random.default_rng(seed)
    points = shapely.multipoints(rng.uniform(0, size_deg, (many, 2)) + np.array([lon, lat]))
    cells = shapely.get_parts(shapely.voronoi_polygons(points))
    rim = shapely.union_all(cells).boundary
    inner = [cell for cell in cells if not cell.intersects(rim)]
    shapes = {f"v{index:02}": cell for index, cell in enumerate(inner)}
    host = max(shapes, key=lambda ident: shapes[ident].area)
    middle = shapely.maximum_inscribed_circle(shapes[host])
    enclave = Point(middle.coords[0]).buffer(middle.length * 0.4, quad_segs=3)
    shapes[host] = Polygon(shapes[host].exterior, [enclave.exterior.coords[::-1]])
    shapes["w-enclave"] = enclave
    return shapes


def regions_of(shapes: dict[str, BaseGeometry]) -> list[Region]:
    """As regions."""
    return [Region(ident, shape) for ident, shape in shapes.items()]


def with_shape(regions: list[Region], ident: str, shape: BaseGeometry) -> list[Region]:
    """The same with another shape for one."""
    return [replace(one, geometry=shape) if one.id == ident else one for one in regions]


def corner_moved(cell: Polygon, index: int, east_m: float, north_m: float) -> Polygon:
    """The cell with one corner moved."""
    coords = np.array(cell.exterior.coords)[:-1]
    coords[index] = offset(*coords[index], east_m, north_m)
    return Polygon(coords, [hole.coords for hole in cell.interiors])


seeds = st.integers(0, 2**31)
lons = st.floats(-170, 170)
lats = st.sampled_from([-65.0, -33.0, 0.0, 12.0, 48.0, 60.0, 71.0])
distances_m = st.sampled_from([0.05, 0.3, 0.8, 1.6, 5.0, 40.0])
>>>>>>> fce4e0f2c57a51da2d027c8556f8b6e7bee0fd8e
