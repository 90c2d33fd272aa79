"""`geofence locate`, as a user meets it."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import shapely
from commands import ROOT, layer, rows, run, square

from geofence.geojson import read_regions
from geofence.region import Version

COUNTIES = ROOT / "data" / "us-counties.geojson.gz"


def test_every_row_comes_out_with_three_cells_more(town: Path) -> None:
    points = b"id,lon,lat,note\n1,0.5,0.5,x\n2,-1,0.5,\n3, 3.5 ,1e-1,  y\n"
    found = run("locate", "--regions", town, "-", stdin=points)
    assert found.status == 0
    assert found.err == ""
    assert found.lines == [
        "id,lon,lat,note,layer,region,margin_m",
        "1,0.5,0.5,x,town,a,50000",
        "2,-1,0.5,,town,,50000",
        "3, 3.5 ,1e-1,  y,town,c,11057.4277",
    ]


def test_cells_stay_byte_for_byte(town: Path) -> None:
    points = b'"lon",lat,note\r\n"0.5",0.5,"a ""b"", \xff\r\nc"\r\n1.50,+0.5,\xe9\r\n'
    found = run("locate", "--regions", town, "--cap-m", "9", "-", stdin=points)
    assert found.out == (
        b'"lon",lat,note,layer,region,margin_m\r\n'
        b'"0.5",0.5,"a ""b"", \xff\r\nc",town,a,9\r\n'
        b"1.50,+0.5,\xe9,town,b,9\r\n"
    )


def test_layers_come_one_after_the_other_and_an_overlay_gives_every_fence(town: Path, tmp_path: Path) -> None:
    zones = tmp_path / "zones.json.gz"
    zones.write_bytes(gzip.compress(layer(big=square(0, 0, 2), small=square(0.4, 0.4, 0.2))))
    found = run(
        "locate", "--regions", town, "--regions", f"z, 1={zones}", "--kind", "z, 1=overlay", "-",
        stdin=b"lon,lat\n0.5,0.5\n5,5\n",
    )  # fmt: skip
    located = [(row["lon"], row["layer"], row["region"]) for row in rows(found.out)]
    assert located == [
        ("0.5", "town", "a"),
        ("0.5", "z, 1", "big"),
        ("0.5", "z, 1", "small"),
        ("5", "town", ""),
        ("5", "z, 1", ""),
    ]


def test_rejected_rows_are_reported_by_row_and_counted(town: Path) -> None:
    points = b"lon,lat\n0.5,0.5\n200,0.5\n0.5,91\n0.5\n\nx,0.5\n0.5,nan\n1.5,0.5\n"
    found = run("locate", "--regions", town, "-", stdin=points)
    assert found.status == 0
    assert [row["region"] for row in rows(found.out)] == ["a", "b"]
    assert [line.split(". ")[0] for line in found.err.splitlines()] == [
        "-: row 2 (line 3) rejected: lon_range: lon is '200'; allowed: -180 to 180 degrees",
        "-: row 3 (line 4) rejected: lat_range: lat is '91'; allowed: -90 to 90 degrees",
        "-: row 4 (line 5) rejected: columns: has 1 cells; allowed: 2, as in the header",
        "-: row 5 (line 7) rejected: lon_range: lon is 'x'; allowed: -180 to 180 degrees",
        "-: row 6 (line 8) rejected: lat_range: lat is 'nan'; allowed: -90 to 90 degrees",
        "-: rejected 5 of 7 rows (columns 1, lat_range 2, lon_range 2)",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cap-m", "0"], "--cap-m is 0; allowed: more than 0 and at most 50000 metres"),
        (["--cap-m", "nan"], "--cap-m is nan"),
        (["--kind", "both"], "kind is 'both'; allowed: partition or overlay"),
        (["--kind", "city=overlay"], "there is no layer 'city'; the layers are town"),
        (["--nearest-within", "-1"], "nearest_within_m is -1.0; allowed: 0 to 50000"),
        (["--nearest-within", "far"], "'far' is not a number"),
        (["--kind", "overlay", "--nearest-within", "5"], "only a partition can use it"),
        (["--regions", "town=x"], "x: no such file"),
        (["--regions", "=x"], "names no layer or no file"),
        (["--engine", "magic"], "'magic' is not one of 'compiled', 'rtree'"),
    ],
)
def test_an_option_that_cannot_be_used_ends_with_status_2(town: Path, options: list[str], told: str) -> None:
    found = run("locate", "--regions", town, *options, "-", stdin=b"lon,lat\n1,2\n")
    assert found.status == 2
    assert told in found.err
    assert found.out == b""


def test_one_file_for_two_layers_needs_two_names(town: Path) -> None:
    twice = run("locate", "--regions", town, "--regions", town, "-", stdin=b"lon,lat\n")
    assert (twice.status, "is given 2 times" in twice.err) == (2, True)
    named = run("locate", "--regions", town, "--regions", f"other={town}", "-", stdin=b"lon,lat\n0.5,0.5\n")
    assert [row["layer"] for row in rows(named.out)] == ["town", "other"]


def test_columns_that_are_there_already_are_refused(town: Path) -> None:
    found = run("locate", "--regions", town, "-", stdin=b"lon,lat,region\n1,2,x\n")
    assert (found.status, found.err) == (
        2, "geofence: standard input: there is a column 'region' already. Rename or remove it.\n",
    )  # fmt: skip


def test_nearest_within_reaches_off_the_coast(town: Path) -> None:
    points = b"lon,lat\n2.001,0.5\n"
    assert rows(run("locate", "--regions", town, "-", stdin=points).out)[0]["region"] == ""
    found = run("locate", "--regions", town, "--nearest-within", "town=500", "-", stdin=points)
    assert rows(found.out)[0]["region"] == "b"


@pytest.mark.parametrize("engine", ["compiled", "rtree"])
def test_the_answers_are_those_of_brute_force(engine: str) -> None:
    version = Version.of("x", read_regions(gzip.decompress(COUNTIES.read_bytes()), layer="x").regions)
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(-125, -66, 300).round(4), rng.uniform(24, 49, 300).round(4)
    text = "lon,lat\n" + "".join(f"{x},{y}\n" for x, y in zip(lon, lat, strict=True))
    found = run(
        "locate", "--engine", engine, "--nearest-within", "0", "--cap-m", "100", "--regions", COUNTIES, "-",
        stdin=text.encode(),
    )  # fmt: skip
    shapes = [region.geometry for region in version.regions]
    for row in rows(found.out):
        covering = np.flatnonzero(shapely.covers(shapes, shapely.Point(float(row["lon"]), float(row["lat"]))))
        assert row["region"] == (version.regions[covering[0]].id if len(covering) else "")
