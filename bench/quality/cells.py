"""Random convex regions in a local plane of metres: the quick geometry for judging rules.

Stands where the atlas stands in the product: says the region of a point, how far its border is, and how far
another region is. Seeded, so that every rule meets the same borders. Outside the box is region -1, a region
like any other. The plane is linear in lon/lat, so that `polygons` has the same straight edges there.
"""

from math import cos, radians, sin, sqrt
from typing import NamedTuple

import numpy as np
import shapely
from numba import njit

from bench.quality.columns import Floats, Ints

WGS84_A_M, WGS84_E2 = 6_378_137.0, 0.006_694_379_990_14


class Cells(NamedTuple):
    """Voronoi cells packed for compiled code; rings are closed and counter-clockwise."""

    lon0: float
    lat0: float
    lon_m: float  # metres per degree of longitude
    lat_m: float
    width_m: float  # the box reaches from (0, 0) to (width_m, height_m)
    height_m: float
    site_x: Floats
    site_y: Floats
    ring_start: Ints
    ring_x: Floats
    ring_y: Floats
    bucket_m: float
    bucket_columns: int
    bucket_rows: int
    bucket_start: Ints
    bucket_sites: Ints


class Sightings(NamedTuple):
    """Where each ping lies: its place in the plane, region, and distance to that region's border."""

    x: Floats
    y: Floats
    region: Ints
    margin_m: Floats


class Frame(NamedTuple):
    """The plane: its origin, metres per degree, and the box."""

    lon0: float
    lat0: float
    lon_m: float
    lat_m: float
    width_m: float
    height_m: float


def voronoi(*, lon: Floats, lat: Floats, width_m: float, seed: int, pad_m: float = 6000.0) -> Cells:
    """Random cells, one per `width_m` squared, over the points given and `pad_m` around them."""
    low, high = (float(lon.min()), float(lat.min())), (float(lon.max()), float(lat.max()))
    lon_m, lat_m = _degree_m((low[1] + high[1]) / 2)
    frame = Frame(
        lon0=low[0] - pad_m / lon_m,
        lat0=low[1] - pad_m / lat_m,
        lon_m=lon_m,
        lat_m=lat_m,
        width_m=(high[0] - low[0]) * lon_m + 2 * pad_m,
        height_m=(high[1] - low[1]) * lat_m + 2 * pad_m,
    )
    count = max(4, round(frame.width_m * frame.height_m / width_m**2))
    rng = np.random.default_rng(seed)
    site_x, site_y = rng.uniform(0, frame.width_m, count), rng.uniform(0, frame.height_m, count)
    return of_sites(frame, site_x=site_x, site_y=site_y, bucket_m=width_m)


def _degree_m(lat: float) -> tuple[float, float]:
    """Metres in a degree of longitude and of latitude there, on the ellipsoid WGS 84."""
    squashed = 1.0 - WGS84_E2 * sin(radians(lat)) ** 2
    normal_m = WGS84_A_M / sqrt(squashed)
    meridian_m = normal_m * (1.0 - WGS84_E2) / squashed
    return radians(normal_m * cos(radians(lat))), radians(meridian_m)


def of_sites(frame: Frame, *, site_x: Floats, site_y: Floats, bucket_m: float) -> Cells:
    """The cells of these sites, in their order; `bucket_m` is about their distance."""
    box = shapely.box(0, 0, frame.width_m, frame.height_m)
    ring_start, ring_x, ring_y = _rings(site_x, site_y, box)
    columns, rows = int(frame.width_m // bucket_m) + 1, int(frame.height_m // bucket_m) + 1
    bucket = (site_y // bucket_m).astype(np.int64) * columns + (site_x // bucket_m).astype(np.int64)
    order = np.argsort(bucket, kind="stable").astype(np.int64)
    return Cells(
        *frame,
        site_x=site_x,
        site_y=site_y,
        ring_start=ring_start,
        ring_x=ring_x,
        ring_y=ring_y,
        bucket_m=float(bucket_m),
        bucket_columns=columns,
        bucket_rows=rows,
        bucket_start=np.searchsorted(bucket[order], np.arange(columns * rows + 1)).astype(np.int64),
        bucket_sites=order,
    )


def _rings(site_x: Floats, site_y: Floats, box: shapely.Polygon) -> tuple[Ints, Floats, Floats]:
    """The rings of all cells, cut to the box, one after the other."""
    sites = shapely.MultiPoint(np.column_stack([site_x, site_y]))
    parts = shapely.voronoi_polygons(sites, extend_to=box, ordered=True).geoms
    polygons = shapely.orient_polygons(shapely.intersection(np.array(list(parts)), box))
    xy, owner = shapely.get_coordinates(polygons, return_index=True)
    ring_start = np.searchsorted(owner, np.arange(len(polygons) + 1)).astype(np.int64)
    return ring_start, np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])


def polygons(cells: Cells) -> list[shapely.Polygon]:
    """The cells as lon/lat polygons, in the order of their indices."""
    lon = cells.ring_x / cells.lon_m + cells.lon0
    lat = cells.ring_y / cells.lat_m + cells.lat0
    spans = zip(cells.ring_start[:-1], cells.ring_start[1:], strict=True)
    return [shapely.Polygon(np.column_stack([lon[a:b], lat[a:b]])) for a, b in spans]


def sight(cells: Cells, *, lon: Floats, lat: Floats) -> Sightings:
    """Region and margin of every point."""
    x, y = (lon - cells.lon0) * cells.lon_m, (lat - cells.lat0) * cells.lat_m
    region, margin_m = _sight(cells, x, y)
    return Sightings(x, y, region, margin_m)


@njit(cache=True)
def _sight(cells: Cells, x: Floats, y: Floats) -> tuple[Ints, Floats]:
    region = np.empty(x.size, np.int64)
    margin_m = np.empty(x.size, np.float64)
    for i in range(x.size):
        region[i] = region_of(cells, x[i], y[i])
        margin_m[i] = border_m(cells, x[i], y[i], region[i])
    return region, margin_m


@njit(cache=True)
def region_of(cells: Cells, x: float, y: float) -> int:
    """The cell that holds the point: the one with the nearest site."""
    if not (0.0 <= x <= cells.width_m and 0.0 <= y <= cells.height_m):
        return -1
    step, columns, rows = cells.bucket_m, cells.bucket_columns, cells.bucket_rows
    column, row = int(x // step), int(y // step)
    best, best2, ring = -1, np.inf, 0
    while best < 0 or (ring - 1) * step * (ring - 1) * step <= best2:
        for r in range(max(0, row - ring), min(rows, row + ring + 1)):
            inner = abs(r - row) < ring
            for c in range(max(0, column - ring), min(columns, column + ring + 1)):
                if inner and abs(c - column) < ring:
                    continue
                for at in range(cells.bucket_start[r * columns + c], cells.bucket_start[r * columns + c + 1]):
                    site = cells.bucket_sites[at]
                    dx, dy = cells.site_x[site] - x, cells.site_y[site] - y
                    if dx * dx + dy * dy < best2:
                        best, best2 = site, dx * dx + dy * dy
        ring += 1
    return best


@njit(cache=True)
def border_m(cells: Cells, x: float, y: float, region: int) -> float:
    """Distance to the border of a region, whichever side of it the point is on."""
    if region < 0:
        dx = max(max(-x, x - cells.width_m), 0.0)
        dy = max(max(-y, y - cells.height_m), 0.0)
        if dx > 0.0 or dy > 0.0:
            return sqrt(dx * dx + dy * dy)
        return min(min(x, cells.width_m - x), min(y, cells.height_m - y))
    best2 = np.inf
    for i in range(cells.ring_start[region], cells.ring_start[region + 1] - 1):
        ax, ay = cells.ring_x[i], cells.ring_y[i]
        ex, ey = cells.ring_x[i + 1] - ax, cells.ring_y[i + 1] - ay
        length2 = ex * ex + ey * ey
        along = 0.0
        if length2 > 0.0:
            along = min(1.0, max(0.0, ((x - ax) * ex + (y - ay) * ey) / length2))
        dx, dy = ax + along * ex - x, ay + along * ey - y
        best2 = min(best2, dx * dx + dy * dy)
    return sqrt(best2)
