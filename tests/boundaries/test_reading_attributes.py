"""Ids and names: found where files have them, or where the admin says; and the text of Shapefiles."""

import datetime
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from region_files import collection, feature, frame, written
from shapely import box

from boundaries.errors import Undecided
from boundaries.reading.options import OWN_ID, ReadOptions
from boundaries.reading.read import read
from boundaries.reading.wkb import drawing_of
from geofence.malformed import Malformed

BOXES = [box(9 + at, 50, 9.5 + at, 50.5) for at in range(3)]


def chosen(tmp_path: Path, rows: list[dict[str, Any]], own: list[Any] | None = None, **options: Any) -> tuple[Any, ...]:
    """Where the ids and names are found, and the ids."""
    path = tmp_path / "x.geojson"
    features = [{**feature(), "id": None if own is None else own[at], "properties": row} for at, row in enumerate(rows)]
    path.write_bytes(collection(*features))
    reading = read(path, ReadOptions(**options))
    return reading.source.id_from, reading.source.name_from, [one.id for one in reading.features]


@pytest.mark.parametrize(
    ("rows", "own", "id_from", "ids"),
    [
        ([{"id": 5}, {"id": 5.0}, {"id": "05"}], None, "property id", ["5", "5", "05"]),
        ([{"id": 1, "x": "a"}, {"id": None, "x": "b"}], None, "property id", ["1", None]),
        ([{"GEOID": "01001"}, {"GEOID": "01003"}], None, "property GEOID", ["01001", "01003"]),
        ([{"GEOID": "01001"}, {"GEOID": "01003"}], ["a", "b"], "the feature's id", ["a", "b"]),
        ([{"GEOID": "01001"}, {"GEOID": "01003"}], [0, 1], "property GEOID", ["01001", "01003"]),
        ([{"x": 1}, {"x": 1}], [1, 2], "the feature's id", ["1", "2"]),
        ([{"x": 7}, {"x": 8}], [1, 2], "the feature's id", ["1", "2"]),
        ([{"code": "A"}, {"code": "B"}], ["0", "1"], "property code", ["A", "B"]),
        ([{"code": "A"}, {"code": "B"}], ["zones.1", "zones.2"], "property code", ["A", "B"]),
        ([{"code": "A"}, {"code": "B"}], ["ID_00000", "ID_00001"], "property code", ["A", "B"]),
        ([{"code": "A"}, {"code": "A"}], ["z.1", "z.2"], "the feature's id", ["z.1", "z.2"]),
        ([{"code": "A"}, {"code": "B"}], ["z.2", "z.1"], "the feature's id", ["z.2", "z.1"]),
        ([{"id": "x"}, {"id": "y"}], ["a", None], "the feature's id", ["a", "y"]),
        ([{"fid": 1, "code": "A"}, {"fid": 2, "code": "B"}], None, "property code", ["A", "B"]),
        ([{"fid": 1, "code": "A"}, {"fid": 2, "code": "A"}], None, "property fid", ["1", "2"]),
        ([{"area": 1.5, "label": "A"}, {"area": 2.5, "label": "B"}], None, "property label", ["A", "B"]),
        ([{"x": "A"}, {"x": "A"}], None, "", [None, None]),
        ([{"id": True}, {"id": [1]}, {"id": "a"}], None, "", [None, None, None]),
    ],
)
def test_ids_are_found_where_files_have_them(rows: Any, own: Any, id_from: str, ids: Any, tmp_path: Path) -> None:
    found, _, got = chosen(tmp_path, rows, own)
    if id_from:
        assert (found, got) == (id_from, ids)
    else:
        assert len(set(got)) < len(got)


def test_what_the_admin_says_goes_first(tmp_path: Path) -> None:
    rows = [{"id": 1, "Kennung": "a", "name": "A", "titel": "T"}, {"id": 2, "Kennung": "b", "name": "B", "titel": "U"}]
    assert chosen(tmp_path, rows, ["x", "y"]) == ("the feature's id", "property name", ["x", "y"])
    assert chosen(tmp_path, rows, ["x", "y"], id="kennung", name="titel") == (
        "property Kennung",
        "property titel",
        ["a", "b"],
    )
    assert chosen(tmp_path, rows, ["x", "y"], id=OWN_ID)[2] == ["x", "y"]
    with pytest.raises(Undecided, match="No feature has an attribute 'nr'") as asked:
        chosen(tmp_path, rows, id="nr")
    assert (asked.value.option, asked.value.choices) == ("id", ("id", "Kennung", "name", "titel"))


def test_attributes_of_tables_come_as_they_are(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "ID": ["007", "008", "009"],
        "whole": [1, None, 3],
        "part": [1.5, None, 2.0],
        "yes": [True, False, True],
        "day": [datetime.date(2024, 2, 29)] * 3,
    }
    for suffix in ("gpkg", "fgb", "zip"):
        reading = read(written(frame(BOXES, **columns), suffix, tmp_path))
        rows = [dict(one.properties) for one in reading.features]
        assert [row["ID"] for row in rows] == ["007", "008", "009"]
        assert [row["whole"] for row in rows] == [1, None, 3]
        assert [row["part"] for row in rows] == [1.5, None, 2.0]
        assert [str(row["day"])[:10].replace("/", "-") for row in rows] == ["2024-02-29"] * 3
        assert reading.source.attributes[:2] == ("ID", "whole")


def _shapefile(folder: Path, encoding: str, *, cpg: str | None, text: str, language: int = 0) -> Path:
    """A Shapefile whose .cpg and .dbf say what they are told to say."""
    plain = written(frame(BOXES[:1], ID=["a"], name=["x" * 20]), "zip", folder)
    path = folder / "encoded.zip"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.namelist():
            raw = bytearray(source.read(entry))
            if entry.endswith(".dbf"):
                raw[29] = language
                raw = raw.replace(b"x" * 20, text.encode(encoding).ljust(20))
            if not entry.endswith(".cpg"):
                target.writestr(entry.upper(), bytes(raw))
        if cpg is not None:
            target.writestr("SOME FOLDER/REGIONS.CPG", cpg)
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg", "language", "text", "said", "told"),
    [
        ("utf-8", "UTF-8", 0, "Zürich Łódź", None, "UTF-8"),
        ("utf-8", None, 0, "Zürich Łódź", None, "UTF-8"),
        ("cp1252", None, 0, "Zürich Köln", None, "Windows-1252"),
        ("latin-1", "88591", 0, "Zürich Köln", None, "ISO-8859-1"),
        ("cp1250", "ANSI 1250\n", 0, "Zürich Łódź", None, "CP1250"),
        ("cp1251", "1251", 0, "Москва", None, "CP1251"),
        ("cp850", None, 2, "Zürich Köln", None, "CP850"),
        ("cp866", None, 0x65, "Москва", None, "CP866"),
        ("cp437", "klingon", 1, "Zürich", None, "CP437"),
        ("cp1253", "UTF-8", 0, "Αθήνα", "cp1253", "CP1253"),
        ("shift_jis", "932", 0, "東京", None, "CP932"),
    ],
)
def test_text_of_a_shapefile_is_read_as_it_says_or_shows(
    encoding: str, cpg: str | None, language: int, text: str, said: str | None, told: str, tmp_path: Path
) -> None:
    path = _shapefile(tmp_path, encoding, cpg=cpg, text=text, language=language)
    reading = read(path, ReadOptions(encoding=said))
    assert (reading.features[0].name, reading.source.encoding) == (text, told)
    assert reading.findings == []


def test_a_shapefile_that_says_utf_8_and_is_not_is_told(tmp_path: Path) -> None:
    reading = read(_shapefile(tmp_path, "cp1252", cpg="UTF-8", text="Köln"))
    assert (reading.features[0].name, reading.source.encoding) == ("Köln", "Windows-1252")
    assert [one.code for one in reading.findings] == ["text_garbled"]


def test_of_several_shapefiles_in_a_zip_one_must_be_chosen(tmp_path: Path) -> None:
    plain, path = written(frame(BOXES), "zip", tmp_path), tmp_path / "two.zip"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.namelist():
            for name in ("towns", "parks"):
                target.writestr(entry.replace("regions", name), source.read(entry))
    with pytest.raises(Undecided) as asked:
        read(path)
    assert asked.value.choices == ("some folder/towns", "some folder/parks")
    assert read(path, ReadOptions(layer="some folder/parks")).source.inner == "some folder/parks"


KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Plan</name>
<Folder><name>Zonen</name><Placemark id="z1"><name>Zone &amp; 1</name><description>d</description>
<ExtendedData><SchemaData><SimpleData name="Nr">001</SimpleData></SchemaData></ExtendedData><MultiGeometry><Point>
<coordinates>1,2</coordinates></Point><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0,7 1, 0,7
1,1,7 0,0,7</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark></Folder>
<Folder><name>Orte</name><Placemark><name>Ort</name><Point><coordinates>1,2</coordinates></Point></Placemark>
<Placemark><name>kaputt</name><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 x,1 1,1</coordinates></LinearRing>
</outerBoundaryIs></Polygon></Placemark></Folder></Document></kml>"""


def test_placemarks_of_all_folders_are_features_or_of_one_if_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.kml"
    path.write_text(KML)
    reading = read(path, ReadOptions(id=OWN_ID))
    zone, place = reading.features
    assert (zone.id, zone.name, zone.drawing.kind) == ("z1", "Zone & 1", "GeometryCollection")
    assert (zone.drawing.others, zone.drawing.heights, len(zone.drawing.polygons[0][0])) == (1, True, 4)
    assert zone.properties == {"name": "Zone & 1", "description": "d", "Nr": "001", "folder": "Zonen"}
    assert (place.drawing.kind, place.drawing.others, place.properties["folder"]) == ("Point", 1, "Orte")
    assert [(one.code, one.row) for one in reading.findings] == [("feature_malformed", 2)]
    assert [one.name for one in read(path, ReadOptions(layer="Zonen")).features] == ["Zone & 1"]
    with pytest.raises(Undecided) as asked:
        read(path, ReadOptions(layer="Seen"))
    assert asked.value.choices == ("Plan", "Zonen", "Orte")


@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("byte_order", [0, 1])
def test_well_known_binary_of_both_kinds_is_read(flavor: Any, byte_order: int) -> None:
    for text, kind, polygons, others, heights in (
        (
            "POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1), (0.1 0.1 1, 0.2 0.1 1, 0.2 0.2 1, 0.1 0.1 1))",
            "Polygon",
            1,
            0,
            True,
        ),
        ("MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))", "MultiPolygon", 2, 0, False),
        (
            "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 1 1), POLYGON ((0 0, 1 0, 1 1, 0 0)))",
            "GeometryCollection",
            1,
            2,
            False,
        ),
        ("POINT (1 1)", "Point", 0, 1, False),
        ("POLYGON EMPTY", "Polygon", 0, 0, False),
    ):
        wkb = shapely.to_wkb(shapely.from_wkt(text), byte_order=byte_order, flavor=flavor)
        drawing = drawing_of(wkb)
        assert (drawing.kind, len(drawing.polygons), drawing.others, drawing.heights) == (
            kind,
            polygons,
            others,
            heights,
        )
        for cut in range(len(wkb) if kind in ("Polygon", "MultiPolygon") else 0):
            with pytest.raises(Malformed):
                drawing_of(wkb[:cut])


def test_what_only_numbers_the_rows_of_a_container_is_no_property(tmp_path):
    path = tmp_path / "areas.gpkg"
    areas = geopandas.GeoDataFrame({"code": ["a", "b"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs="EPSG:4326")
    areas.to_file(path, layer="areas")
    reading = read(path)
    assert [dict(one.properties) for one in reading.features] == [{"code": "a"}, {"code": "b"}]
    areas[["geometry"]].to_file(tmp_path / "bare.gpkg", layer="areas")
    bare = read(tmp_path / "bare.gpkg")
    assert [(one.id, dict(one.properties)) for one in bare.features] == [("1", {"fid": 1}), ("2", {"fid": 2})]
