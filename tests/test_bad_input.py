"""Whatever a file contains: no traceback, no other status than 0 or 2, no answer that is wrong in silence."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from commands import Result, layer, run, square
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofence.atlas import Atlas
from geofence.region import Version

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
FEWER = settings(FEW, max_examples=25)
HEADER = "device,time_ms,lon,lat,accuracy_m,source,user,received_ms,confidence,speed_mps,mock\n"
SHAPES = {"a": square(0, 0, 1), "b": square(1, 0, 1), 'ü,"': square(5, 5, 2)}
GOOD_CELLS = ["a", "phone", "0", "1", "0.5", "1.5", "-3", "60000", "1700000000000", "", "gps", "true"]
ODD_CELLS = [
    "nan", "NaN", "inf", "-inf", "1e999", "1_0", "0x10", "200", "91", "-180.0000001", "1e9", "9" * 40, "-1",
    "32503680000000", "1,5", " 1 ", "١٢", "½", "\x00", "\x1b[31m", "a\nb", 'a"b', "\ufeff", "é" * 200, "x" * 300,
]  # fmt: skip
cells = st.sampled_from(GOOD_CELLS + ODD_CELLS) | st.text(max_size=4) | st.floats().map(repr)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three squares, one with an awkward id."""
    path = tmp_path_factory.mktemp("town") / "town.geojson"
    path.write_bytes(layer(**SHAPES))
    return path


@pytest.fixture(autouse=True, scope="module")
def _atlases() -> Iterator[None]:
    """Build each atlas once: thousands of runs take the same few."""
    built: dict[tuple[str, str], Atlas] = {}

    def atlas(version: Version, engine: str = "compiled", arrays: Any = None) -> Atlas:
        key = (version.hash, engine)
        if key not in built:
            built[key] = Atlas(version, engine, arrays)
        return built[key]

    with pytest.MonkeyPatch.context() as patch:
        for module in ("locate", "replay", "compare"):
            patch.setattr(f"service.{module}.Atlas", atlas)
        yield


def check(found: Result) -> Result:
    """What holds of every run."""
    assert found.status in (0, 2)
    assert "Traceback" not in found.err
    assert all(line.isprintable() for line in found.err.splitlines())
    if found.status == 2:
        assert (
            len([line for line in found.err.splitlines() if " rejected" not in line and ": version " not in line]) == 1
        )
    return found


def rejected_of(found: Result) -> list[int]:
    """The numbers of the rows that were rejected."""
    marks = [line for line in found.err.splitlines() if " rejected: " in line]
    return [int(line.split(": row ")[1].split(" ")[0]) for line in marks]


def as_csv(header: str, rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    text.write(header)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


class TestLocate:
    """Fuzzing `geofence locate`."""

    @FEW
    @given(rows=st.lists(st.lists(cells, min_size=3, max_size=3), max_size=8))
    def test_each_row_is_located_as_by_brute_force_or_rejected(self, town: Path, rows: list[list[str]]) -> None:
        found = check(run("locate", "--regions", town, "--cap-m", "100", "-", stdin=as_csv("lon,lat,note\n", rows)))
        assert found.status == 0
        located = list(csv.reader(io.StringIO(found.out.decode("utf-8", "surrogatepass"), newline="")))[1:]
        assert len(located) + len(rejected_of(found)) == len(rows)
        kept = [row for place, row in enumerate(rows, 1) if place not in rejected_of(found)]
        for row, answer in zip(kept, located, strict=True):
            assert answer[:3] == row
            point = shapely.Point(float(row[0]), float(row[1]))
            covering = [ident for ident, shape in sorted(SHAPES.items()) if shapely.geometry.shape(shape).covers(point)]
            assert answer[4] == (covering[0] if covering else "")
            assert 0 <= float(answer[5]) <= 100

    @FEW
    @given(content=st.binary(max_size=80), header=st.sampled_from([b"", b"lon,lat\n", b"\xef\xbb\xbflat,lon\r\n"]))
    def test_any_bytes(self, town: Path, content: bytes, header: bytes) -> None:
        check(run("locate", "--regions", town, "-", stdin=header + content))

    def test_wild_options_are_refused(self, town: Path) -> None:
        for options in (["--cap-m", "1e9"], ["--cap-m", "x"], ["--kind", "="], ["--nearest-within", "town=inf"]):
            assert check(run("locate", "--regions", town, *options, "-", stdin=b"lon,lat\n")).status == 2


class TestReplay:
    """Fuzzing `geofence replay`."""

    @FEW
    @given(rows=st.lists(st.lists(cells, min_size=11, max_size=11), max_size=6))
    def test_each_row_of_a_csv_has_one_outcome(self, town: Path, rows: list[list[str]]) -> None:
        found = check(run("replay", "--regions", town, "--stats", "-", stdin=as_csv(HEADER, rows)))
        assert found.status == 0
        numbers = found.err.splitlines()[-2].split()[1:]
        assert int(numbers[-1]) == len(rows)
        assert int(numbers[-2]) == len(rejected_of(found))
        assert sum(map(int, numbers[:-1])) == len(rows)
        for event in found.events:
            assert event["data"]["to"]["id"] in SHAPES

    @FEW
    @given(
        records=st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "kind": st.sampled_from(["tick", "erase", "consent", "version", "x", 5]),
                    "device": st.sampled_from(["a", "b", "", 5, None, "a\u0007"]) | st.text(max_size=3),
                    "lon": st.floats(-0.5, 2.5) | st.sampled_from([200, None, "1", True]),
                    "lat": st.floats(-0.5, 1.5) | st.sampled_from([91, None, []]),
                    "time_ms": st.integers(0, 10**7) | st.sampled_from([-1, 4 * 10**12, 10**30, 1.5, "1", None]),
                    "at_ms": st.integers(0, 10**13) | st.sampled_from([-1, 10**30, None]),
                    "accuracy_m": st.floats(0, 100) | st.sampled_from([None, -5, 0, 1e9, 1e300, "good"]),
                    "received_ms": st.none() | st.integers(-1, 10**13),
                    "confidence": st.floats(0, 1) | st.none(),
                    "source": st.sampled_from(["gps", "radar", None, 1]),
                    "given": st.sampled_from([True, False, None]),
                    "layer": st.sampled_from(["town", "x"]),
                    "version": st.sampled_from(["", "x"]),
                    "v": st.sampled_from([1, 2, None, "1"]),
                },
            ),
            max_size=12,
        ),
        consent=st.sampled_from(["assumed", "required"]),
        overlay=st.booleans(),
    )
    def test_any_records_of_a_dump(
        self, town: Path, records: list[dict[str, Any]], consent: str, overlay: bool
    ) -> None:
        options = ["--kind", "overlay", "--dwell", "60"] if overlay else []
        dump = "\n".join(map(json.dumps, records)).encode()
        found = check(run("replay", "--regions", town, "--consent", consent, "--stats", *options, "-", stdin=dump))
        if records:
            assert found.status == 0
            assert found.err.splitlines()[-1].startswith(f"{len(records)} rows, ")

    @FEW
    @given(
        content=st.binary(max_size=80) | st.text('<>/="gpx trkt{}[]:,\n1', max_size=80).map(str.encode),
        start=st.sampled_from([b"", HEADER.encode(), b"{", b"<gpx>", b"\x1f\x8b\x08", b"\xff\xfe"]),
    )
    def test_any_bytes(self, town: Path, content: bytes, start: bytes) -> None:
        check(run("replay", "--regions", town, "-", stdin=start + content))

    @FEWER
    @given(
        minutes=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 120), st.floats(1.9, 2.1)), max_size=30),
        cut=st.integers(20, 200),
    )
    def test_where_batches_end_makes_no_difference_to_ticks(
        self, town: Path, minutes: list[tuple[str, int, float]], cut: int
    ) -> None:
        rows = "".join(f"{device},{minute * 60_000},{lon!r},0.5,10,,,,,,\n" for device, minute, lon in minutes)
        options = ("replay", "--regions", town, "--kind", "overlay", "--dwell", "600", "-")
        whole = run(*options, stdin=(HEADER + rows).encode())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("service.source.Source.read.__defaults__", (cut,))
            assert run(*options, stdin=(HEADER + rows).encode()) == whole


class TestRegions:
    """Fuzzing region files."""

    json_like = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers(-300, 300) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=10,
    )
    position = st.lists(st.integers(-3, 3) | st.floats(-200, 200), min_size=2, max_size=3)
    ring = st.lists(position, min_size=3, max_size=6).map(lambda ring: [*ring, ring[0]])
    geometry = (
        st.builds(lambda rings: {"type": "Polygon", "coordinates": rings}, st.lists(ring, min_size=1, max_size=2))
        | st.builds(square, st.integers(-180, 179), st.integers(-90, 89), st.sampled_from([1, 0, 0.001, 500]))
        | json_like
    )
    feature = st.fixed_dictionaries(
        {"type": st.just("Feature"), "id": st.sampled_from(["a", "b", 1, 1.0, None, True]), "geometry": geometry}
    )

    @FEW
    @given(features=st.lists(feature, max_size=3), member=st.none() | json_like, overlay=st.booleans())
    def test_any_geojson(self, tmp_path: Path, features: list[Any], member: Any, overlay: bool) -> None:
        path = tmp_path / "odd.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features, "geofence": member}))
        kind = ["--kind", "overlay"] if overlay else []
        found = check(run("locate", "--regions", path, *kind, "-", stdin=b"lon,lat\n0.5,0.5\n180,90\n-180,-90\n"))
        if found.status == 2:
            assert found.out == b""
            assert "odd.geojson" in found.err

    @FEW
    @given(content=st.binary(max_size=60))
    def test_any_bytes(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "odd.geojson"
        path.write_bytes(content)
        assert check(run("locate", "--regions", path, "-", stdin=b"lon,lat\n0.5,0.5\n")).status == 2

    @FEWER
    @given(content=st.binary(max_size=40) | st.text("ab_=.[]'\"\n0123456789", max_size=40).map(str.encode))
    def test_any_rule(self, town: Path, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "rule.toml"
        path.write_bytes(content)
        check(run("replay", "--regions", town, "--rule", path, "-", stdin=HEADER.encode()))


@FEWER
@given(rows=st.lists(st.lists(cells, min_size=11, max_size=11), max_size=6))
def test_compare_survives_any_csv(town: Path, tmp_path: Path, rows: list[list[str]]) -> None:
    check(run("compare", "--regions", town, "--no-picture", "-", stdin=as_csv(HEADER, rows)))


ANSWERS = [
    ("a", "0", "nan", "0", "5", "lon_range"),
    ("a", "0", "inf", "0", "5", "lon_range"),
    ("a", "0", "200", "0", "5", "lon_range"),
    ("a", "0", "0", "91", "5", "lat_range"),
    ("a", "0", "0", "-inf", "5", "lat_range"),
    ("a", "-1", "0", "0", "5", "time_range"),
    ("a", "32503680000000", "0", "0", "5", "time_range"),
    ("a", "0", "0", "0", "nan", "accuracy_range"),
    ("a", "0", "0", "0", "inf", "accuracy_range"),
    ("a", "0", "0", "0", "-5", None),
    ("a", "0", "0", "0", "0", None),
    ("a", "0", "0", "0", "", None),
    ("a", "0", "0", "0", "1e9", None),
    ("", "0", "0", "0", "5", "device_missing"),
    ("a" * 2**20, "0", "0", "0", "5", "device_too_long"),
    ("a\x07", "0", "0", "0", "5", "device_text"),
    ("a\ud800", "0", "0", "0", "5", "device_text"),
    ("a", "zero", "0", "0", "5", "time_range"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: " ".join(answer[:5])[-20:].encode("ascii", "replace"))
def test_every_answer_is_the_documented_one(town: Path, answer: tuple[str, ...]) -> None:
    content = as_csv("device,time_ms,lon,lat,accuracy_m\n", [[*answer[:5]]])
    found = check(run("replay", "--regions", town, "-", stdin=content))
    assert found.status == 0
    reasons = [line.split(": ")[2] for line in found.err.splitlines() if " rejected: " in line]
    assert reasons == ([answer[5]] if answer[5] else [])
    documented = (Path(__file__).parent.parent / "docs" / "input.md").read_text()
    assert all(f"`{reason}`" in documented for reason in reasons)


@pytest.mark.parametrize("received", ["9223372036854775807", "4102444800000", "-1", "9" * 40, "soon"])
def test_an_impossible_time_of_receipt_moves_no_clock_and_crashes_nothing(town: Path, received: str) -> None:
    rows = f"a,0,0.5,0.5,10,0\nb,1,0.5,0.5,10,{received}\na,60000,0.5,0.5,10,60000\nc,1,0.5,0.5,10, \n"
    header = "device,time_ms,lon,lat,accuracy_m,received_ms\n"
    found = check(run("replay", "--regions", town, "-", stdin=(header + rows).encode()))
    assert (found.status, rejected_of(found)) == (0, [2])
    assert "rejected: received_range: received_ms is" in found.err
    assert [event["data"]["cause"] for event in found.events] == ["first_fix", "first_fix"]


def test_an_accuracy_beyond_reason_says_nothing(town: Path) -> None:
    rows = "".join(f"a,{minute * 60_000},0.5,0.5,1e9\n" for minute in range(50))
    found = run("replay", "--regions", town, "-", stdin=("device,time_ms,lon,lat,accuracy_m\n" + rows).encode())
    assert found.out == b""


def test_the_clock_is_not_moved_by_what_is_refused(town: Path) -> None:
    rows = "a,0,0.5,0.5,10\nb,4000000000000,200,0,5\nb,4200000000000,0,0,5\na,60000,0.5,0.5,10\n"
    found = run("replay", "--regions", town, "-", stdin=("device,time_ms,lon,lat,accuracy_m\n" + rows).encode())
    assert [event["data"]["cause"] for event in found.events] == ["first_fix"]
