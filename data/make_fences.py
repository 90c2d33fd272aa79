"""Make `fences.geojson.gz`, a small overlay of fences around well-known public places.

    python -m data.make_fences

Circles, corridors along a line, and a ring with a hole; some overlap, one crosses the 180th meridian. All are
polygons, drawn from the few coordinates below and nothing else.
"""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from shapely.geometry import LineString, Point

from data import layers, mending
from data.topojson import Rings

DECIMALS = 6
DWELL_S = 600
POINTS_IN_A_QUARTER = 12

CIRCLES = {
    # id: (name, lon, lat, radius in metres, radius of the hole in metres)
    "changi-airport": ("Changi Airport, Singapore", 103.9890, 1.3590, 2_800, 0),
    "downtown-oakland": ("Downtown Oakland", -122.2720, 37.8060, 2_000, 0),
    "downtown-san-francisco": ("Downtown San Francisco", -122.4050, 37.7890, 2_000, 0),
    "downtown-san-jose": ("Downtown San José", -121.8890, 37.3350, 2_000, 0),
    "dubrovnik-old-town": ("Old Town, Dubrovnik", 18.1085, 42.6410, 400, 0),
    "gamla-stan": ("Gamla stan, Stockholm", 18.0710, 59.3250, 550, 0),
    "haneda-airport": ("Haneda Airport, Tokyo", 139.7810, 35.5520, 2_800, 0),
    "heathrow-airport": ("Heathrow Airport, London", -0.4543, 51.4700, 2_500, 0),
    "heathrow-surroundings": ("Around Heathrow Airport, London", -0.4543, 51.4700, 6_000, 2_500),
    "midtown-manhattan": ("Midtown Manhattan, New York", -73.9820, 40.7560, 1_500, 0),
    "prague-old-town": ("Old Town, Prague", 14.4210, 50.0870, 600, 0),
    "san-francisco-airport": ("San Francisco Airport", -122.3790, 37.6190, 2_800, 0),
    "san-marco": ("San Marco, Venice", 12.3380, 45.4340, 450, 0),
    "stockholm-inner-city": ("Inner city, Stockholm", 18.0650, 59.3300, 2_500, 0),
    "taveuni-meridian": ("The 180th meridian on Taveuni, Fiji", 180.0, -16.8000, 3_000, 0),
    "times-square": ("Times Square, New York", -73.9855, 40.7580, 300, 0),
}

CORRIDORS = {
    # id: (name, half of the width in metres, stations as lon, lat)
    "oresund-railway": (
        "The railway from Copenhagen to Malmö",
        600,
        [(12.5649, 55.6727), (12.6494, 55.6296), (12.7600, 55.6020), (12.8950, 55.5680), (13.0007, 55.6093)],
    ),
    "tokyo-yokohama-railway": (
        "The railway from Tokyo to Shin-Yokohama",
        500,
        [(139.7671, 35.6812), (139.7388, 35.6285), (139.6566, 35.5756), (139.6174, 35.5068)],
    ),
}


def make() -> layers.Layer:
    """Return the layer."""
    features = [
        layers.Feature(id=id_, name=name, geometry=_ring(lon, lat, radius_m, hole_m), properties={})
        for id_, (name, lon, lat, radius_m, hole_m) in CIRCLES.items()
    ] + [
        layers.Feature(id=id_, name=name, geometry=_corridor(stations, half_m), properties={})
        for id_, (name, half_m, stations) in CORRIDORS.items()
    ]
    return layers.Layer(
        settings={"layer": "fences", "kind": "overlay", "dwell_s": DWELL_S},
        source="Drawn for this project around public places",
        licence="Apache-2.0, as the project",
        script="data/make_fences.py",
        features=tuple(features),
    )


def _ring(lon: float, lat: float, radius_m: float, hole_m: float) -> shapely.Geometry:
    disc = Point(0, 0).buffer(radius_m, quad_segs=POINTS_IN_A_QUARTER)
    hole = Point(0, 0).buffer(hole_m, quad_segs=POINTS_IN_A_QUARTER)
    return _on_the_globe(disc.difference(hole), lon, lat)


def _corridor(stations: list[tuple[float, float]], half_m: float) -> shapely.Geometry:
    lon, lat = np.mean(stations, axis=0)
    lons, lats = np.transpose(stations)
    x, y = _plane(lon, lat)(lons, lats)
    line = LineString(np.column_stack([x, y]))
    return _on_the_globe(line.buffer(half_m, quad_segs=POINTS_IN_A_QUARTER), lon, lat)


def _on_the_globe(shape_m: shapely.Polygon, lon: float, lat: float) -> shapely.Geometry:
    """Carry a polygon in metres around (lon, lat) to degrees."""
    rings: Rings = [[]]
    for ring in (shape_m.exterior, *shape_m.interiors):
        x, y = shapely.get_coordinates(ring).T
        degrees = _plane(lon, lat)(x, y, inverse=True)
        rings[0].append(np.round(np.column_stack(degrees), DECIMALS))
    fence = mending.mend(rings)
    if fence is None:
        raise ValueError(f"the fence at lon {lon}, lat {lat} is smaller than 6 decimals can tell")
    return fence.geometry


def _plane(lon: float, lat: float) -> pyproj.Proj:
    """Return the projection in which distances from (lon, lat) are true."""
    return pyproj.Proj(proj="aeqd", lon_0=lon, lat_0=lat, ellps="WGS84")


if __name__ == "__main__":
    print(f"{layers.write(make()):,} bytes")
