"""Regions as FlatGeobuf: back as they were, and the same bytes for the same regions."""

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from boundaries.blob import hash_of, read_regions, write_regions
from boundaries.errors import Unreadable
from geofence.geojson import read_regions as read_geojson
from geofence.region import Region

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
NUMBERS = st.floats(-90, 89, allow_subnormal=True)
VALUES: Any = st.recursive(
    st.one_of(
        st.none(), st.booleans(), TEXT, st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def regions(draw: st.DrawFn) -> list[Region]:
    found = []
    for ident in draw(st.lists(TEXT.filter(bool), max_size=6, unique=True)):
        west, south, size = draw(NUMBERS), draw(NUMBERS), draw(st.floats(1e-9, 1))
        shape = box(west, south, west + size, south + size)
        shape = shapely.MultiPolygon([shape]) if draw(st.booleans()) else shape
        found.append(Region(ident, shape, draw(TEXT), draw(st.dictionaries(TEXT, VALUES, max_size=3))))
    return found


@given(regions())
def test_regions_come_back_as_they_were_and_give_the_same_bytes(regions: list[Region]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder, "one.fgb"), Path(folder, "two.fgb")
        name = write_regions(regions, one)
        back = read_regions(one)
        assert [(region.id, region.name, region.properties) for region in back] == [
            (region.id, region.name, region.properties) for region in regions
        ]
        assert [region.geometry.wkb for region in back] == [region.geometry.wkb for region in regions]
        assert write_regions(back, two) == name == hash_of(two)


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    data = Path(__file__).parent.parent.parent / "data" / "us-counties.geojson.gz"
    counties = read_geojson(gzip.decompress(data.read_bytes()), layer="x").regions
    path = tmp_path / "counties.fgb"
    name = write_regions(counties, path)
    again = (
        "import sys; from pathlib import Path; from boundaries.blob import *; "
        "print(write_regions(read_regions(Path(sys.argv[1])), Path(sys.argv[2])))"
    )
    run = subprocess.run(
        [sys.executable, "-c", again, path, tmp_path / "again.fgb"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == name
    assert [region.id for region in read_regions(path)] == [region.id for region in counties]


def test_the_order_of_properties_does_not_matter_and_that_of_regions_does(tmp_path: Path) -> None:
    path, shape = tmp_path / "x.fgb", box(0, 0, 1, 1)
    one, two = Region("a", shape, "", {"x": 1, "y": 2}), Region("a", shape, "", {"y": 2, "x": 1})
    other = Region("b", shape)
    assert write_regions([one], path) == write_regions([two], path)
    assert write_regions([one, other], path) != write_regions([other, one], path)


def test_other_programs_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "x.fgb"
    write_regions([Region("ä", box(0, 0, 1, 1), "Ä", {"n": [1]})], path)
    frame = geopandas.read_file(path)
    assert frame.crs == "EPSG:4326"
    assert (frame["id"][0], frame["name"][0], json.loads(frame["properties"][0])) == ("ä", "Ä", {"n": [1]})


def test_what_is_no_blob_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.fgb"
    for raw in (b"", b"hello", b"fgb\x03fgb\x00" + bytes(100)):
        path.write_bytes(raw)
        with pytest.raises(Unreadable, match=r"x\.fgb can't be read"):
            read_regions(path)
    geopandas.GeoDataFrame({"other": [1]}, geometry=[box(0, 0, 1, 1)], crs=4326).to_file(path, engine="pyogrio")
    with pytest.raises(Unreadable, match="id"):
        read_regions(path)
