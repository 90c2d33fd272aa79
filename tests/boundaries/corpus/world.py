"""The edges of the world, real coasts among them; and numbers that were exchanged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import cache

import numpy as np
import shapely

from boundaries.checking.finding import Source
from data import layers
from geofence.region import Region

from .case import Expected, Json, case, feature, file, multipolygon, polygon, square

NORTH_SEA = [(3.0 + x, 54.0 + y) for x in (0, 0.1, 0.2) for y in (0, 0.1)]


@cache
def real(name: str) -> dict[str, Json]:
    """The features of a sample layer by id."""
    text = gzip.decompress(layers.path_of(name).read_bytes())
    return {one["id"]: one for one in json.loads(text)["features"]}


def _beyond(geometry: Json, turn: Callable[[float], float]) -> Json:
    """The geometry with other longitudes, its parts put together where that makes them touch."""
    shape = shapely.geometry.shape(geometry)
    moved = shapely.transform(shape, lambda c: np.column_stack([[turn(lon) for lon in c[:, 0]], c[:, 1]]))
    return shapely.geometry.mapping(shapely.union_all(shapely.get_parts(moved)))


def _eastward(lon: float) -> float:
    return round(lon + 360, 9) if lon < 0 else lon


def _jumping(geometry: Json) -> Json:
    """The geometry put together across the meridian, and its longitudes brought back: edges jump."""
    together = shapely.geometry.shape(_beyond(geometry, _eastward))
    back = shapely.transform(
        together, lambda c: np.column_stack([np.where(c[:, 0] > 180, np.round(c[:, 0] - 360, 9), c[:, 0]), c[:, 1]])
    )
    return shapely.geometry.mapping(back)


@case(Expected("cut_at_180", "x", 180, 5))
def jump_over_180() -> Json:
    """A ring jumps from 179 to -179."""
    return file(feature("x", polygon([(179, 0), (-179, 0), (-179, 10), (179, 10), (179, 0)])))


@case(Expected("cut_at_180", "x", 180, 5))
def drawn_beyond_180() -> Json:
    """A ring is drawn from 179 to 181."""
    return file(feature("x", polygon([(179, 0), (181, 0), (181, 10), (179, 10), (179, 0)])))


@case(Expected("cut_at_180", "x", 180, 5))
def drawn_beyond_minus_180() -> Json:
    """A ring is drawn from -181 to -179."""
    return file(feature("x", polygon([(-181, 0), (-179, 0), (-179, 10), (-181, 10), (-181, 0)])))


@case(Expected("cut_at_180", "x"))
def longitudes_from_0_to_360() -> Json:
    """A region lies at 285 degrees, which is -75."""
    return file(feature("x", polygon(square(285, 40, 1))))


@case(Expected("cut_at_180", "x", 180), overlay=True)
def hole_over_180() -> Json:
    """A ring and its hole jump over the meridian."""
    outer = [(170, 0), (-170, 0), (-170, 10), (170, 10), (170, 0)]
    inner = [(179, 4), (179, 6), (-179, 6), (-179, 4), (179, 4)]
    return file(feature("x", polygon(outer, inner)))


@case(Expected("cut_at_180", "x", 180), Expected("cut_at_180", "y", 180))
def neighbours_over_180() -> Json:
    """Two neighbours across the meridian, one drawn with a jump, one beyond 180."""
    return file(
        feature("x", polygon([(179, 0), (-179, 0.3), (-179, 10), (179, 10), (179, 0)])),
        feature("y", polygon([(179, 0), (179, -5), (181, -5), (181, 0.3), (179, 0)])),
    )


@case(Expected("cut_at_180", "x", 180), Expected("ring_crosses", "x", -179.5, 5), overlay=True)
def figure_of_eight_over_180() -> Json:
    """A figure of eight over the meridian."""
    return file(feature("x", polygon([(179, 0), (-178, 10), (-178, 0), (179, 10), (179, 0)])))


@case(Expected("over_pole", "x", 0, 90))
def round_the_north_pole() -> Json:
    """A ring goes round the North Pole."""
    return file(feature("x", polygon([(lon, 80 + lon % 7 / 2) for lon in range(-175, 180, 10)] + [(-175, 80)])))


@case(Expected("over_pole", "x", 0, -90))
def round_the_south_pole() -> Json:
    """A ring goes round the South Pole, from -180 to 180."""
    return file(feature("x", polygon([(lon, -70.0) for lon in range(180, -181, -20)] + [(180, -70)])))


@case(Expected("over_pole", "x", 0, 90), overlay=True)
def hole_round_the_pole() -> Json:
    """A ring goes round the North Pole, and so does its hole."""
    outer = [(lon, 70.0) for lon in range(-170, 180, 20)] + [(-170, 70)]
    inner = [(lon, 80.0) for lon in range(170, -180, -20)] + [(170, 80)]
    return file(feature("x", polygon(outer, inner)))


@case(Expected("over_pole", "AQ", 0, -90), overlay=True)
def antarctica_without_its_pole() -> Json:
    """Antarctica's coast, not closed along the pole."""
    parts = real("countries")["AQ"]["geometry"]["coordinates"]
    largest = max(range(len(parts)), key=lambda part: len(parts[part][0]))
    coast = [tuple(p) for p in parts[largest][0][:-1] if p[1] > -90]
    start = next(at for at, (lon, _) in enumerate(coast) if abs(lon) == 180)
    turned = coast[start:] + coast[:start]
    others = [part for at, part in enumerate(parts) if at != largest]
    return file(feature("AQ", multipolygon([[*turned, turned[0]]], *others)))


@case(Expected("cut_at_180", "FJ", 180), overlay=True)
def fiji_beyond_180() -> Json:
    """Fiji in one piece, drawn beyond 180."""
    return file(feature("FJ", _beyond(real("countries")["FJ"]["geometry"], _eastward)))


@case(Expected("cut_at_180", "RU", 180), overlay=True)
def chukotka_jumping() -> Json:
    """Russia in one piece, its edges jumping over the meridian."""
    return file(feature("RU", _jumping(real("provinces")["RU-CHU"]["geometry"])))


@case(Expected("cut_at_180", "US-AK"), overlay=True)
def aleutians_beyond_180() -> Json:
    """Alaska with the western Aleutians at -188."""
    geometry = real("provinces")["US-AK"]["geometry"]
    return file(feature("US-AK", _beyond(geometry, lambda lon: round(lon - 360, 9) if lon > 0 else lon)))


@case(overlay=True)
def real_edges_of_the_world() -> Json:
    """Clean: Fiji, Russia's Chukotka, Alaska and Antarctica, cut as RFC 7946 wants it."""
    provinces = (real("provinces")[id] for id in ("RU-CHU", "US-AK"))  # noqa: A001
    return file(real("countries")["FJ"], real("countries")["AQ"], *provinces)


@case(overlay=True)
def whole_world() -> Json:
    """Clean: the world as one rectangle, a cap and a band around it."""
    return file(
        feature("world", polygon([(-180, -90), (180, -90), (180, 90), (-180, 90), (-180, -90)])),
        feature("cap", polygon([(-180, 60), (180, 60), (180, 90), (-180, 90), (-180, 60)])),
        feature("band", polygon([(-180, 10), (180, 10), (180, 20), (-180, 20), (-180, 10)])),
    )


def _swapped(geometry: Json) -> Json:
    shape = shapely.geometry.shape(geometry)
    return shapely.geometry.mapping(shapely.transform(shape, lambda c: c[:, ::-1]))


@case(Expected("lon_lat_swapped"), Expected("position_out_of_range"))
def lat_before_lon() -> Json:
    """Counties of California with lat before lon."""
    some = (one for id, one in real("us-counties").items() if id in ("06065", "06071", "06025"))  # noqa: A001
    return file(*(one | {"geometry": _turned_round(_swapped(one["geometry"]))} for one in some))


def _turned_round(geometry: Json) -> Json:
    return shapely.geometry.mapping(shapely.orient_polygons(shapely.geometry.shape(geometry)))


def _germany() -> list[Region]:
    return [Region(id, shapely.box(lon, lat, lon + 0.1, lat + 0.1)) for id, lon, lat in _TOWNS]  # noqa: A001


_TOWNS = (("berlin", 13.4, 52.5), ("essen", 7.0, 51.4), ("ulm", 9.9, 48.4))


@case(Expected("lon_lat_swapped"), previous=_germany)
def swapped_since_the_last_version() -> Json:
    """Lon and lat are exchanged, as the version before shows."""
    return file(*(feature(id, polygon(square(lat, lon))) for id, lon, lat in _TOWNS))  # noqa: A001


@case(
    Expected("lon_lat_swapped"),
    source=Source(file="towns.shp", size=1, format="ESRI Shapefile", crs="EPSG:25832, ETRS89 / UTM zone 32N"),
)
def swapped_out_of_the_area_of_use() -> Json:
    """Lon and lat are exchanged, as the coordinate system's area of use shows."""
    return file(*(feature(id, polygon(square(lat, lon))) for id, lon, lat in _TOWNS[1:]))  # noqa: A001


@case(Expected("lon_lat_swapped", "f5", 54.05, 3.15))
def one_feature_swapped() -> Json:
    """One of six neighbours has lon and lat exchanged."""
    rows = [feature(f"f{at}", polygon(square(lon, lat))) for at, (lon, lat) in enumerate(NORTH_SEA)]
    lon, lat = NORTH_SEA[5]
    west, south = round(lat - 0.1, 9), round(lon - 0.1, 9)
    return file(*rows[:5], feature("f5", polygon(square(west, south))))


@case()
def one_feature_far_away() -> Json:
    """Clean: one region overseas, far from the others."""
    rows = [feature(f"f{at}", polygon(square(lon, lat))) for at, (lon, lat) in enumerate(NORTH_SEA)]
    return file(*rows, feature("overseas", polygon(square(-61.5, 16.2))))


@case()
def california() -> Json:
    """Clean: counties of California."""
    return file(*(one for id, one in real("us-counties").items() if id in ("06065", "06071", "06025")))  # noqa: A001
