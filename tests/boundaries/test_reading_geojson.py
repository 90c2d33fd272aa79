"""GeoJSON as it comes: what is wrong with one feature is a finding, what is wrong with the file a sentence."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from region_files import HOLE, SQUARE, collection, feature, polygon
from shapely.geometry import box

from boundaries.drawing import Drawing
from boundaries.errors import Unreadable
from boundaries.geojson import geojson_of
from boundaries.reading.contents import Contents
from boundaries.reading.geojson import read_geojson
from boundaries.reading.kept import from_bytes, to_bytes
from boundaries.reading.options import Reading, ReadOptions
from boundaries.reading.positions import quick_drawing, slow_drawing
from boundaries.reading.read import read
from geofence.malformed import Malformed
from geofence.region import Region

GOOD = feature("good")
NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**6), 10**6))
POSITIONS = st.lists(NUMBERS, min_size=2, max_size=2)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=5), NUMBERS),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=20,
)


def of(tmp_path: Path, raw: bytes, **options: Any) -> Reading:
    path = tmp_path / "x.geojson"
    path.write_bytes(raw)
    return read(path, ReadOptions(**options))


def whats(reading: Reading) -> list[tuple[str, int | None, str]]:
    return [(one.code, one.row, one.what) for one in reading.findings]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (feature(geometry=polygon([["9.0", 50], [9, 51]])), "position ['9.0', 50]"),
        (feature(geometry=polygon([[9], [9, 51]])), "position [9]"),
        (feature(geometry=polygon([None, [9, 51]])), "position None"),
        (feature(geometry=polygon([[None, 50], [9, 51]])), "position [None, 50]"),
        (feature(geometry=polygon([[True, 50], [9, 51]])), "position [True, 50]"),
        (feature(geometry={"type": "Polygon", "coordinates": SQUARE}), "too few brackets"),
        (feature(geometry=polygon([SQUARE])), "too many brackets"),
        (feature(geometry={"type": "MultiPolygon", "coordinates": [SQUARE]}), "too few brackets"),
        (feature(geometry={"type": "Polygon", "coordinates": "here"}), "coordinates are 'here'"),
        (feature(geometry={"type": "Polygon"}), "coordinates are None"),
        (feature(geometry={"type": "Hexagon", "coordinates": []}), "type 'Hexagon'"),
        (feature(geometry="POLYGON((0 0))"), "geometry is 'POLYGON((0 0))'"),
        (feature(properties=[1]), "properties are [1]"),
        (feature(crs={"type": "name"}), "coordinate system of its own"),
        (polygon(), "type 'Polygon'; allowed: Feature"),
        (5, "it is 5"),
        (None, "it is None"),
    ],
)
def test_a_malformed_feature_is_left_out_with_its_reason_and_the_others_stay(
    bad: Any, told: str, tmp_path: Path
) -> None:
    reading = of(tmp_path, collection(bad, GOOD))
    assert [(one.row, one.id) for one in reading.features] == [(1, "good")]
    ((code, row, what),) = whats(reading)
    assert (code, row) == ("feature_malformed", 0)
    assert told in what


@pytest.mark.parametrize(
    "member", ['"id": "b"', '"geometry": null', '"properties": {}', '"properties": {"x": 1, "x": 2}']
)
def test_a_member_that_is_there_twice_is_not_guessed_at(member: str, tmp_path: Path) -> None:
    text = json.dumps(feature())[:-1] + f", {member}}}"
    reading = of(tmp_path, f'{{"type": "FeatureCollection", "features": [{text}, {json.dumps(GOOD)}]}}'.encode())
    assert [one.id for one in reading.features] == ["good"]
    assert "twice" in reading.findings[0].what
    with pytest.raises(Unreadable, match="'type' twice"):
        of(tmp_path, b'{"type": "FeatureCollection", "features": [], "type": "FeatureCollection"}')


def test_numbers_that_are_none_are_kept_for_the_check(tmp_path: Path) -> None:
    for text in ("NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400):
        raw = collection(feature(name="NaN and Infinity")).replace(b"[[[9.0, 50.0]", f"[[[{text}, 50.0]".encode())
        ring = of(tmp_path, raw).features[0].drawing.polygons[0][0]
        assert not np.isfinite(ring[0, 0]), text
        assert ring[1:].tolist() == SQUARE[1:]


def test_rings_come_as_they_are_drawn(tmp_path: Path) -> None:
    open_, short, empty = SQUARE[:-1], SQUARE[:1], []
    reading = of(tmp_path, collection(feature(geometry=polygon(SQUARE, HOLE, open_, short, empty))))
    (rings,) = reading.features[0].drawing.polygons
    assert [ring.tolist() for ring in rings] == [SQUARE, HOLE, open_, short, empty]


@pytest.mark.parametrize(
    ("geometry", "kind", "polygons", "others", "heights"),
    [
        (None, "", 0, 0, False),
        ({"type": "Point", "coordinates": [1, 2]}, "Point", 0, 1, False),
        ({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}, "MultiPoint", 0, 2, False),
        ({"type": "Polygon", "coordinates": []}, "Polygon", 0, 0, False),
        ({"type": "MultiPolygon", "coordinates": [[], [SQUARE]]}, "MultiPolygon", 1, 0, False),
        (polygon([[*one, 5] for one in SQUARE]), "Polygon", 1, 0, True),
        (polygon([[*one, 5, 6] for one in SQUARE]), "Polygon", 1, 0, True),
        (
            {"type": "GeometryCollection", "geometries": [polygon(), {"type": "Point", "coordinates": [1, 2]}]},
            "GeometryCollection",
            1,
            1,
            False,
        ),
    ],
)
def test_every_kind_of_geometry_is_named(
    geometry: Any, kind: str, polygons: int, others: int, heights: bool, tmp_path: Path
) -> None:
    one = {"type": "Feature", "id": "a", "properties": None, "geometry": geometry}
    drawing = of(tmp_path, collection(one)).features[0].drawing
    assert (drawing.kind, len(drawing.polygons), drawing.others, drawing.heights) == (kind, polygons, others, heights)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (collection(GOOD)[:-9], "ends too early"),
        (b'{"type": "FeatureCollection"}', "Expected"),
        (b'{"type": "FeatureCollection", "features": {}}', "Expected"),
        (b'{"type": "Topology", "objects": {}}', "TopoJSON"),
        (b'{"geometryType": "esriGeometryPolygon", "features": []}', "Esri JSON"),
        (b'{"hello": 1}', "JSON of the type None"),
        (b"[1, 2]", "Expected"),
        (b"{'type': 1}", "JSON quotes"),
        (b"hello", "none that can be read"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\x00\x00\x27\x0a" + bytes(100), ".shp alone"),
    ],
)
def test_a_file_that_is_no_geojson_says_what_it_is(raw: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=told):
        of(tmp_path, raw)


@pytest.mark.parametrize("many", [1, 2, 3, 9])
def test_a_document_with_a_feature_on_each_line_is_a_document(many: int, tmp_path: Path) -> None:
    regions = [Region(f"r{place}", box(place, 0, place + 1, 1), f"R{place}") for place in range(many)]
    for raw in (geojson_of(regions), geojson_of(regions).replace(b"1.0", b"NaN", 1)):
        found = of(tmp_path, raw)
        assert found.source.format == "GeoJSON"
        assert [one.id for one in found.features] == [one.id for one in regions]


def test_lines_that_are_no_features_are_findings(tmp_path: Path) -> None:
    lines = [json.dumps(GOOD), "{broken", "", json.dumps(feature("b")), '{"type": "FeatureCollection", "features": []}']
    for text in ("\n".join(lines), "\r\n".join(lines), "".join(f"\x1e{one}\n" for one in lines if one)):
        reading = of(tmp_path, text.encode())
        assert [one.id for one in reading.features] == ["good", "b"]
        assert [(code, row) for code, row, _ in whats(reading)] == [("feature_malformed", 1), ("feature_malformed", 3)]
    assert of(tmp_path, json.dumps(GOOD, indent=1).encode()).source.format == "GeoJSON"
    assert len(of(tmp_path, json.dumps(json.loads(collection(GOOD)), indent=1).encode()).features) == 1
    assert [one.id for one in of(tmp_path, json.dumps(polygon()).encode()).features] == [None]


def test_other_encodings_are_seen_or_said(tmp_path: Path) -> None:
    text = collection(feature(properties={"name": "Zürich – Łódź"})).decode()
    plain = json.dumps(json.loads(text), ensure_ascii=False)
    for raw, encoding in (
        (plain.encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + plain.encode(), "UTF-8"),
        (plain.encode("utf-16"), "UTF-16"),
        (plain.encode("utf-16-be"), "UTF-16"),
    ):
        reading = of(tmp_path, raw)
        assert (reading.features[0].name, reading.source.encoding) == ("Zürich – Łódź", encoding)
        assert reading.findings == []
    polish = of(tmp_path, plain.encode("cp1250"), encoding="cp1250")
    assert (polish.features[0].name, polish.source.encoding) == ("Zürich – Łódź", "CP1250")
    guessed = of(tmp_path, plain.replace("Łódź", "Köln").encode("cp1252"))
    assert (guessed.features[0].name, guessed.source.encoding) == ("Zürich – Köln", "Windows-1252 (guessed)")
    assert [one.code for one in guessed.findings] == ["text_garbled"]
    with pytest.raises(Unreadable, match="no encoding 'klingon'"):
        of(tmp_path, plain.encode(), encoding="klingon")
    with pytest.raises(Unreadable, match="can't be ASCII"):
        of(tmp_path, plain.encode(), encoding="ascii")


def test_attributes_stay_what_json_can_have(tmp_path: Path) -> None:
    values = {"a": [1, {"b": None}], "c": 1.5, "d": 10**30, "e": True, "f": "x\u0000y"}
    raw = collection(feature(properties=values)).replace(b'"e": true', b'"e": true, "h": NaN')
    reading = of(tmp_path, raw)
    want = {**values, "d": str(10**30), "f": "x\ufffdy", "h": None}
    assert reading.features[0].properties == want
    assert from_bytes(to_bytes(reading)).features[0].properties == want


@given(st.lists(st.lists(st.lists(POSITIONS, max_size=6), max_size=3), max_size=3))
def test_the_quick_and_the_slow_way_agree(coordinates: list[Any]) -> None:
    raw = msgspec.json.encode(coordinates)
    quick = quick_drawing("MultiPolygon", raw)
    slow = slow_drawing({"type": "MultiPolygon", "coordinates": json.loads(raw)})
    assert quick is not None
    assert repr(quick) == repr(slow)


@given(st.sampled_from(["Polygon", "MultiPolygon", "Point", "GeometryCollection"]), ANYTHING)
def test_any_coordinates_give_a_drawing_or_a_reason(kind: str, coordinates: Any) -> None:
    with suppress(Malformed):
        assert isinstance(slow_drawing({"type": kind, "coordinates": coordinates, "geometries": coordinates}), Drawing)


@given(st.binary(max_size=200))
def test_any_bytes_are_contents_or_a_sentence(raw: bytes) -> None:
    for text in (raw, b'{"type": "FeatureCollection", "features": [' + raw + b"]}"):
        with suppress(Unreadable):
            assert isinstance(read_geojson(text, ReadOptions(), lambda *_: None), Contents)
