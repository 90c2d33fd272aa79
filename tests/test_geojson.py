"""Region files: what is read, and what each bad one is told."""

import gzip
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.geojson import read_regions
from geofence.region import InvalidRegion, Kind, Version

DATA = Path(__file__).parent.parent / "data"
SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
HOLE = [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 0.5]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings or [SQUARE])}


def feature(ident: Any = "a", geometry: Any = None, **members: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": ident, "geometry": geometry or polygon(), "properties": {}} | members


def collection(*features: Any, **members: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)} | members).encode()


def ids(raw: bytes) -> list[str]:
    return [region.id for region in read_regions(raw, layer="zones").regions]


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidRegion) as refused:
        Version.of("zones", read_regions(raw, layer="zones").regions)
    return str(refused.value)


def test_a_collection_gives_its_polygons_in_order() -> None:
    several = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [[[4, 4], [5, 4], [5, 5], [4, 4]]]]}
    regions = read_regions(collection(feature("b", several), feature("a"), feature("c", several)), layer="x").regions
    assert [region.geometry.geom_type for region in regions] == ["MultiPolygon", "Polygon", "MultiPolygon"]
    assert [region.geometry.area for region in regions] == [4.375, 4.0, 4.375]


@pytest.mark.parametrize(
    ("ident", "text"), [("a", "a"), (5, "5"), (5.0, "5"), (-0.0, "0"), (5.5, "5.5"), (10**19, "1" + "0" * 19)]
)
def test_numeric_ids_become_text(ident: Any, text: str) -> None:
    assert ids(collection(feature(ident))) == [text]
    assert ids(collection({**feature(), "id": None, "properties": {"id": ident}})) == [text]


@pytest.mark.parametrize("ident", [True, None, [1], {"a": 1}, ""])
def test_other_ids_are_refused(ident: Any) -> None:
    message = refusal(collection(feature("ok"), feature(ident)))
    assert "features[1]" in message
    assert "allowed: text or a number" in message


def test_the_name_is_a_property() -> None:
    for key in ("name", "NAME", "Name"):
        (region,) = read_regions(collection(feature(properties={key: "Cook"})), layer="x").regions
        assert region.name == "Cook"
    assert read_regions(collection(feature(properties={"name": 5})), layer="x").regions[0].name == ""


def test_a_bare_geometry_is_a_region_named_as_the_layer() -> None:
    assert ids(json.dumps(polygon()).encode()) == ["zones"]


def test_a_single_feature_keeps_its_id() -> None:
    assert ids(json.dumps(feature(7)).encode()) == ["7"]


def test_third_coordinates_are_dropped() -> None:
    ring = [[x, y, 99] for x, y in SQUARE[:-1]] + [[0, 0]]
    (region,) = read_regions(collection(feature("a", polygon(ring))), layer="x").regions
    assert region.geometry.area == 4
    assert not region.geometry.has_z


def test_a_byte_order_mark_is_fine() -> None:
    assert ids(b"\xef\xbb\xbf" + collection(feature())) == ["a"]


def test_of_duplicate_keys_the_last_counts() -> None:
    assert ids(collection(feature()).replace(b'"id": "a"', b'"id": "a", "id": "b"')) == ["b"]


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326"])
def test_the_worlds_own_crs_is_fine(name: str) -> None:
    assert ids(collection(feature(), crs={"type": "name", "properties": {"name": name}})) == ["a"]


def test_settings_are_read() -> None:
    member = {"layer": "zones", "kind": "overlay", "dwell_s": 300}
    settings = read_regions(collection(feature(), geofence=member), layer="x").settings
    assert (settings.layer, settings.kind, settings.dwell_s) == ("zones", Kind.OVERLAY, 300.0)
    assert settings.nearest_within_m is None


BAD_FILES = {
    "empty": (b"", "ends too early"),
    "cut off": (collection(feature())[:-20], "ends too early"),
    "not JSON": (b'{"type": "FeatureCollection",\n "features": [,]}', "line 2, column 15"),
    "NaN": (collection(feature("a", polygon([[0, float("nan")], *SQUARE]))), "JSON has no NaN"),
    "Infinity": (collection(feature("a", polygon([[0, float("inf")], *SQUARE]))), "JSON has no Infinity"),
    "too large a number": (collection(feature()).replace(b"[2, 0]", b"[2e999, 0]"), "Number out of range"),
    "broken UTF-8": (collection(feature()).replace(b'"a"', b'"\xff"'), "byte 0xff at line 1, column"),
    "UTF-16": (collection(feature()).decode().encode("utf-16"), "UTF-16"),
    "a lone surrogate": (collection(feature()).replace(b'"a"', b'"\\ud800"'), "not JSON"),
    "deep nesting": (b'{"type":"FeatureCollection","features":' + b"[" * 200_000, "nested too deeply"),
    "deep properties": (
        collection(feature()).replace(b'"properties": {}', b'"properties": {"a":' + b"[" * 9000 + b"]" * 9000 + b"}"),
        "nested too deeply",
    ),
    "an array": (b"[1, 2]", "Expected object, got array"),
    "no type": (b"{}", "allowed: FeatureCollection, Feature, Polygon or MultiPolygon"),
    "no features": (collection(), "no features"),
    "features not a list": (b'{"type":"FeatureCollection","features":{}}', "Expected array, got object"),
    "features missing": (b'{"type":"FeatureCollection"}', "Expected array, got null"),
    "a feature that is null": (collection(feature(), None), "features[1]"),
    "a geometry as feature": (collection(polygon()), "Wrap the geometry in a Feature"),
    "no geometry": (collection({**feature(), "geometry": None}), "has no geometry"),
    "a point": (collection(feature("a", {"type": "Point", "coordinates": [0, 0]})), "is a Point"),
    "a collection": (
        collection(feature("a", {"type": "GeometryCollection", "geometries": [polygon()]})),
        "is a GeometryCollection",
    ),
    "an empty polygon": (collection(feature("a", {"type": "Polygon", "coordinates": []})), "empty geometry"),
    "an empty part": (
        collection(feature("a", {"type": "MultiPolygon", "coordinates": [[SQUARE], []]})),
        "empty",
    ),
    "no coordinates": (collection(feature("a", {"type": "Polygon"})), "Expected array, got null"),
    "an empty ring": (collection(feature("a", polygon([]))), "ring 0 has 0 positions"),
    "three positions": (collection(feature("a", polygon(SQUARE, SQUARE[:3]))), "ring 1 has 3 positions"),
    "an unclosed ring": (
        collection(feature("x"), feature("a", polygon(SQUARE[:-1]))),
        "features[1] (id 'a'): ring 0 is not closed: it begins at [0.0, 0.0] and ends at [0.0, 2.0]",
    ),
    "an unclosed part": (
        collection(feature("a", {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE[:-1]]]})),
        "ring 0 of polygon 1 is not closed",
    ),
    "a bow tie": (collection(feature("a", polygon([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]))), "[1 1]"),
    "no area": (collection(feature("a", polygon([[0, 0], [1, 1], [2, 2], [0, 0]]))), "not a valid polygon"),
    "lon 200": (collection(feature("a", polygon([[200, 0], [2, 0], [2, 2], [200, 0]]))), "[200.0, 0.0]"),
    "lat 91": (collection(feature("a", polygon([[0, 91], [2, 0], [2, 2], [0, 91]]))), "[0.0, 91.0]"),
    "text for a number": (
        collection(feature("a", polygon([["0", 0], [2, 0], [2, 2]]))),
        "Expected float, got str",
    ),
    "true for a number": (
        collection(feature("a", polygon([[True, 0], [2, 0], [2, 2]]))),
        "got bool at [0][0][0]",
    ),
    "one coordinate": (collection(feature("a", polygon([[0], [2, 0], [2, 2], [0]]))), "the position [0.0]"),
    "another crs": (
        collection(feature(), crs={"type": "name", "properties": {"name": "EPSG:3857"}}),
        "Reproject to WGS 84",
    ),
    "a crs without a name": (collection(feature(), crs={"type": "link"}), "allowed: none, CRS84"),
    "two of one id": (collection(feature(5), feature("b"), feature("5")), "has the id of features[0]"),
    "control characters in an id": (collection(feature("a\u0007")), "printable"),
    "an id of 1 MB": (collection(feature("a" * 2**20)), "1 to 256 printable bytes"),
    "a name of 1 MB": (collection(feature(properties={"name": "a" * 2**20})), "1048576 bytes"),
    "an unknown setting": (collection(feature(), geofence={"dwell": 3}), "unknown field dwell"),
    "a wrong kind": (collection(feature(), geofence={"kind": "both"}), "partition or overlay"),
    "settings of a wrong type": (collection(feature(), geofence=[1]), "allowed: layer"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_the_place(case: str) -> None:
    raw, told = BAD_FILES[case]
    message = refusal(raw)
    assert told in message
    assert message.startswith("layer 'zones': ")
    assert "\n" not in message
    assert len(message) < 500


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
positions = st.lists(st.floats() | st.integers(-200, 200), min_size=1, max_size=3)
geometries = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Polygon", "MultiPolygon", "Point", None]),
        "coordinates": st.lists(st.lists(positions, max_size=6) | json_like, max_size=3) | json_like,
    }
)
features = st.fixed_dictionaries(
    {"type": st.just("Feature"), "id": json_like, "geometry": geometries | json_like, "properties": json_like}
)
documents = st.fixed_dictionaries(
    {
        "type": st.just("FeatureCollection"),
        "features": st.lists(features | json_like, max_size=3) | json_like,
    },
    optional={"geofence": json_like, "crs": json_like},
)


@given(documents | features | geometries | json_like)
def test_whatever_the_json_it_is_read_or_refused(document: Any) -> None:
    with suppress(InvalidRegion):
        Version.of("zones", read_regions(json.dumps(document).encode(), layer="zones").regions)


@given(st.binary())
def test_whatever_the_bytes_they_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRegion):
        read_regions(raw, layer="zones")


@pytest.mark.parametrize(("name", "most_s"), [("us-counties", 1.0), ("countries", 4.0)])
def test_real_layers_are_read_quickly(name: str, most_s: float) -> None:
    raw = gzip.decompress((DATA / f"{name}.geojson.gz").read_bytes())
    start = time.process_time()
    assert len(read_regions(raw, layer=name).regions) > 200
    assert time.process_time() - start < most_s
