"""Every format, in every kind of coordinate system, comes out the same within a millimetre."""

import json
import os
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from region_files import FORMATS, PROJECTED, SQUARE, collection, feature, frame, polygon, shapes_of, written
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from boundaries.errors import Undecided, Unreadable
from boundaries.reading.bending import TOLERANCE_M
from boundaries.reading.options import ReadOptions
from boundaries.reading.read import read
from geofence.region import Kind

MILLIMETRE = 0.001 / 111_320  # in degrees of latitude; of longitude it is less on the ground
PLACES = {
    4326: (9.0, 50.0),
    3857: (9.0, 50.0),
    25832: (9.0, 50.0),
    2056: (8.0, 47.0),
    5070: (-100.0, 40.0),
    3031: (170.0, -80.0),
    27700: (-1.5, 52.5),
    31467: (9.0, 50.0),  # northing comes first, where EPSG has its way
    2180: (19.0, 52.0),  # here too
    4267: (-100.0, 40.0),  # degrees, on another ellipsoid
}


def regions_at(lon: float, lat: float) -> list[BaseGeometry]:
    """Neighbours, a hole, two parts."""
    squares = [shapely.box(lon + at * 0.004, lat, lon + (at + 1) * 0.004, lat + 0.004) for at in range(2)]
    holed = shapely.box(lon, lat + 0.01, lon + 0.004, lat + 0.014).difference(
        shapely.box(lon + 0.001, lat + 0.011, lon + 0.002, lat + 0.012)
    )
    parts = shapely.MultiPolygon([translate(squares[0], 0, 0.02), translate(squares[1], 0.01, 0.02)])
    return [*squares, holed, parts]


def there(shapes: list[BaseGeometry], epsg: int) -> list[BaseGeometry]:
    """As a file in that system has them, brought back by pyproj alone."""
    back = pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)
    projected = frame(shapes, epsg).geometry
    return [shapely.transform(one, lambda xy: np.column_stack(back.transform(*xy.T))) for one in projected]


def same(one: BaseGeometry, two: BaseGeometry) -> bool:
    ones, twos = (shapely.get_coordinates(shape.normalize()) for shape in (one, two))
    return len(ones) == len(twos) and shapely.hausdorff_distance(one, two) < MILLIMETRE


@pytest.mark.parametrize("epsg", PLACES)
def test_every_format_that_names_a_system_gives_the_same_shapes(epsg: int, tmp_path: Path) -> None:
    shapes = regions_at(*PLACES[epsg])
    expected = there(shapes, epsg)
    for suffix in PROJECTED:
        reading = read(written(frame(shapes, epsg), suffix, tmp_path))
        assert reading.findings == []
        assert [one.id for one in reading.features] == ["r0", "r1", "r2", "r3"]
        for got, want in zip(shapes_of(reading), expected, strict=True):
            assert same(got, shapely.MultiPolygon(getattr(want, "geoms", [want]))), (suffix, got.wkt, want.wkt)
        if epsg != 4326:
            assert reading.source.crs.startswith(f"EPSG:{epsg}, "), suffix
            assert reading.source.operation


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_keeps_positions_names_and_order(suffix: str, tmp_path: Path) -> None:
    shapes = regions_at(9.123456789, 50.987654321)
    reading = read(written(frame(shapes), suffix, tmp_path))
    for got, want in zip(shapes_of(reading), shapes, strict=True):
        assert same(got, shapely.MultiPolygon(getattr(want, "geoms", [want])))
    assert [(one.row, one.id, one.name) for one in reading.features] == [(n, f"r{n}", f"Ort {n}") for n in range(4)]
    assert (reading.source.id_from, reading.source.name_from) == ("property ID", "property name")
    assert reading.source.guessed
    assert reading.findings == []


def test_names_of_files_are_not_believed(tmp_path: Path) -> None:
    for suffix in FORMATS:
        path = written(frame(regions_at(9, 50)), suffix, tmp_path)
        other = path.rename(tmp_path / "regions.csv")
        assert len(read(other).features) == 4, suffix


def test_a_crs_member_is_honoured_and_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    ring = [[500000, 5538630], [500100, 5538630], [500100, 5538730], [500000, 5538630]]
    for name in ("EPSG:25832", "urn:ogc:def:crs:EPSG::25832", "http://www.opengis.net/def/crs/EPSG/0/25832"):
        path.write_bytes(
            collection(feature(geometry=polygon(ring)), crs={"type": "name", "properties": {"name": name}})
        )
        (west, south), *_ = read(path).features[0].drawing.polygons[0][0]
        assert (round(west, 6), round(south, 6)) == (9.0, 49.999994)
    path.write_bytes(collection(feature(), crs={"type": "link", "properties": {"href": "file:///etc/passwd"}}))
    reading = read(path)
    assert [one.code for one in reading.findings] == ["crs_unknown"]
    assert reading.features == []


def test_lon_comes_first_whatever_the_system_says_of_its_axes(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    for name in ("urn:ogc:def:crs:EPSG::4326", "EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84"):
        path.write_bytes(collection(feature(), crs={"type": "name", "properties": {"name": name}}))
        assert read(path).features[0].drawing.polygons[0][0].tolist() == SQUARE


def test_a_better_operation_whose_grid_is_missing_is_named(tmp_path: Path) -> None:
    source = read(written(frame(regions_at(-1.5, 52.5), 27700), "gpkg", tmp_path)).source
    assert "OSGB36 to WGS 84" in str(source.operation)
    assert "needs uk_os_OSTN15_NTv2_OSGBtoETRS.tif" in str(source.operation)
    assert source.operation_m == 2.0


def test_a_shapefile_without_prj_has_no_features_until_its_system_is_said(tmp_path: Path) -> None:
    path = written(frame(regions_at(9, 50), 25832).set_crs(None, allow_override=True), "zip", tmp_path)
    reading = read(path)
    assert [one.code for one in reading.findings] == ["crs_unknown"]
    assert (reading.features, reading.source.attributes) == ([], ("ID", "name"))
    said = read(path, ReadOptions(crs="EPSG:25832"))
    assert same(shapes_of(said)[0], shapely.MultiPolygon([there(regions_at(9, 50), 25832)[0]]))


@pytest.mark.parametrize("system", [0, -1])
def test_a_geopackage_that_calls_its_system_undefined_has_none(system: int, tmp_path: Path) -> None:
    path = written(frame(regions_at(9, 50)), "gpkg", tmp_path)
    with sqlite3.connect(path) as database:
        for table in ("gpkg_geometry_columns", "gpkg_contents"):
            database.execute(f"UPDATE {table} SET srs_id = ?", (system,))  # noqa: S608
    database.close()
    assert [one.code for one in read(path).findings] == ["crs_unknown"]


@pytest.mark.parametrize("suffix", ["gpkg", "fgb"])
def test_tables_without_a_system_are_not_guessed_at_either(suffix: str, tmp_path: Path) -> None:
    path = written(frame(regions_at(9, 50), 25832).set_crs(None, allow_override=True), suffix, tmp_path)
    reading = read(path)
    assert ([one.code for one in reading.findings], reading.features) == (["crs_unknown"], [])
    assert read(path, ReadOptions(crs="EPSG:25832")).features[0].drawing.polygons[0][0][0, 0] == pytest.approx(9.004)


@pytest.mark.parametrize("suffix", ["geojson", "geojsonl", "gpkg", "fgb", "kml"])
def test_one_file_of_another_format_may_be_in_a_zip(suffix: str, tmp_path: Path) -> None:
    path = written(frame(regions_at(9, 50)), suffix, tmp_path)
    packed = tmp_path / "packed.bin"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, f"a/b/{path.name}")
        archive.writestr("a/readme.txt", "hello")
        archive.writestr("__MACOSX/a/b/._x.gpkg", "hello")
    assert len(read(packed).features) == 4
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(f"other.{suffix}", b"{}")
    with pytest.raises(Unreadable, match="2 region files"):
        read(packed)


@pytest.mark.parametrize(
    ("crs", "told"),
    [
        ("EPSG:4978", "geocentric"),
        ("EPSG:5773", "vertical"),
        ('LOCAL_CS["site",UNIT["metre",1]]', "engineering"),
        ("EPSG:99999", "is not known"),
        ("hello", "is not known"),
        ("+proj=longlat +ellps=bessel +nadgrids=/etc/passwd", "refers to files"),
        ("+init=/etc/passwd:x", "refers to files"),
        ("/etc/passwd", "refers to files"),
        ("EPSG:4326" + " " * 100_000, "too long"),
    ],
)
def test_systems_that_lead_nowhere_are_refused(crs: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_bytes(collection(feature()))
    with pytest.raises(Unreadable, match=told):
        read(path, ReadOptions(crs=crs))


def test_what_a_projection_can_not_invert_stays_infinite_for_the_check(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_bytes(collection(feature(geometry=polygon([[1e30, 0], [1, 0], [1, 1], [1e30, 0]]))))
    ring = read(path, ReadOptions(crs="EPSG:25832")).features[0].drawing.polygons[0][0]
    assert not np.isfinite(ring[0]).all()
    assert np.isfinite(ring[1]).all()


def test_a_long_edge_keeps_its_course_and_neighbours_stay_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    west = [[300000, 5500000], [700000, 5600000], [300000, 5900000], [300000, 5500000]]
    east = [[700000, 5600000], [300000, 5500000], [700000, 5300000], [700000, 5600000]]
    path.write_bytes(collection(feature("w", polygon(west)), feature("e", polygon(east))))
    reading = read(path, ReadOptions(crs="EPSG:25832"))
    one, two = (feature.drawing.polygons[0][0] for feature in reading.features)
    shared = {tuple(position) for position in one.tolist()} & {tuple(position) for position in two.tolist()}
    assert len(shared) > 100
    shapes = shapes_of(reading)
    assert shapes[0].intersection(shapes[1]).area == 0
    assert shapely.coverage_is_valid(shapes)
    on_map = pyproj.Transformer.from_crs(4326, 25832, always_xy=True)
    dense = shapely.get_coordinates(shapely.segmentize(shapely.LineString(one[: len(shared)]), 0.001))
    edge = shapely.LineString(west[:2])
    off = shapely.distance(shapely.points(np.column_stack(on_map.transform(*dense.T))), edge)
    assert off.max() < 1.5 * TOLERANCE_M


def test_short_edges_get_no_positions(tmp_path: Path) -> None:
    reading = read(written(frame(regions_at(9, 50), 25832), "gpkg", tmp_path))
    assert [len(one.drawing.polygons[0][0]) for one in reading.features] == [5, 5, 5, 5]


def test_a_polar_map_is_read_over_its_pole(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    ring = [[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6], [-1e6, -1e6]]
    through = [[0, -1e6], [0, 1e6], [1e5, 1e6], [1e5, -1e6], [0, -1e6]]
    path.write_bytes(collection(feature("round", polygon(ring)), feature("through", polygon(through))))
    for one in read(path, ReadOptions(crs="EPSG:3031")).features:
        positions = one.drawing.polygons[0][0]
        assert 1_000 < len(positions) < 20_000
        assert positions[:, 1].max() < -70


def test_settings_of_our_own_files_are_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_bytes(collection(feature(), geofence={"layer": "zones", "kind": "overlay", "dwell_s": 60}))
    settings = read(path).settings
    assert (settings.layer, settings.kind, settings.dwell_s) == ("zones", Kind.OVERLAY, 60)
    path.write_bytes(collection(feature(), geofence={"kind": "hills"}))
    with pytest.raises(Unreadable, match="member `geofence`"):
        read(path)


def test_of_several_layers_one_must_be_chosen_unless_only_one_has_polygons(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    towns = frame(regions_at(9, 50)[:2])
    towns.to_file(path, layer="towns", driver="GPKG", engine="pyogrio")
    frame([shapely.Point(9, 50)]).to_file(path, layer="halls", driver="GPKG", engine="pyogrio")
    assert read(path).source.inner == "towns"
    towns.to_file(path, layer="parks", driver="GPKG", engine="pyogrio")
    with pytest.raises(Undecided, match="2 layers") as asked:
        read(path)
    assert (asked.value.option, asked.value.choices) == ("inner", ("towns", "parks"))
    assert read(path, ReadOptions(layer="parks")).source.inner == "parks"
    with pytest.raises(Undecided, match="no layer 'lakes'"):
        read(path, ReadOptions(layer="lakes"))


def test_the_sample_layers_are_read_in_about_a_second() -> None:
    data = Path(__file__).parent.parent.parent / "data"
    begun = os.times()
    reading = read(data / "countries.geojson.gz")
    taken_s = os.times().user - begun.user
    assert sum(len(ring) for one in reading.features for part in one.drawing.polygons for ring in part) > 540_000
    assert taken_s < 3
    assert json.dumps(dict(reading.features[0].properties)) == '{"name": "Andorra"}'
