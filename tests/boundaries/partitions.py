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
    """The shape in metres around its middle, as pyproj says; edges straight in lon and lat stay straight."""
    middle = shape.envelope.centroid
    east_m = GEOD.inv(middle.x - 5e-4, middle.y, middle.x + 5e-4, middle.y)[2]
    north_m = GEOD.inv(middle.x, middle.y - 5e-4, middle.x, middle.y + 5e-4)[2]
    scale = np.array([east_m, north_m]) * 1e3
    return shapely.transform(shape, lambda coords: (coords - (middle.x, middle.y)) * scale)


def ground_width_m(shape: BaseGeometry) -> float:
    """The largest circle's diameter, by another way than the product's."""
    widths = []
    for part in shapely.get_parts(plane_of(shape)):
        widths.append(2 * shapely.maximum_inscribed_circle(part, tolerance=1e-3 * part.area / part.length).length)
    return max(widths)


def is_as_wide(shape: BaseGeometry, width_m: float) -> bool:
    """Whether that is its width to 1.5 %: no circle known is larger, and nothing is left of it half as far inside."""
    eroded = plane_of(shape).buffer(-0.5 * 1.015 * width_m, quad_segs=32)
    return width_m >= 0.985 * ground_width_m(shape) and eroded.is_empty


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
