"""Files of pings: CSV, GPX and NDJSON, packed or not, with bad rows among good ones."""

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geofence.control import Control, Tick
from geofence.ping import Ping
from geofence.ping import Source as PingSource
from geofence.wire import encode_control, encode_ping
from service import read_csv
from service.read_csv import CsvFile
from service.readers import PingFile
from service.rows import Batch, Misread, Order, Rejected
from service.source import Source, Unusable

HEADER = "device,time_ms,lon,lat,accuracy_m\n"
QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path) -> tuple[list[Ping | Control], list[Rejected]]:
    """Everything a file holds, in its order."""
    found: list[Ping | Control] = []
    rejected: list[Rejected] = []
    with Source(str(path)) as source:
        for part in PingFile(source).batches():
            if isinstance(part, Order):
                found.append(part.control)
            elif isinstance(part, Misread):
                rejected.append(part.rejected)
            else:
                found += [part.pings.ping(row) for row in range(len(part.pings))]
                rejected += part.rejected
    return found, rejected


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write text or bytes to a file and give its path."""

    def written(content: str | bytes, name: str = "pings.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def raws(path: Path) -> list[bytes]:
    with Source(str(path)) as source:
        return [raw for records in CsvFile(source).batches() for raw in records.raws]


class TestSource:
    """Opening files."""

    @pytest.mark.parametrize(
        ("name", "told"), [("none.csv", "no such file"), (".", "is a directory"), ("a\0b", "can't be read")]
    )
    def test_what_cannot_be_opened_is_unusable(self, tmp_path: Path, name: str, told: str) -> None:
        with pytest.raises(Unusable, match=told):
            Source(f"{tmp_path}/{name}")

    def test_gzip_is_known_by_its_bytes(self, write: Any) -> None:
        text = HEADER + "a,1,2,3,4\n"
        assert read(write(gzip.compress(text.encode()), "pings.csv"))[0] == read(write(text, "other.csv"))[0]

    @pytest.mark.parametrize("damage", ["cut", "flip"])
    def test_damaged_gzip_is_unusable(self, write: Any, damage: str) -> None:
        packed = bytearray(gzip.compress(HEADER.encode() + b"a,1,2,3,4\n" * 999))
        if damage == "flip":
            packed[len(packed) // 2] ^= 255
        path = write(bytes(packed[:-9] if damage == "cut" else packed), "pings.csv.gz")
        with pytest.raises(Unusable, match=r"gzip|can't be read"):
            read(path)

    def test_a_packed_bomb_is_unusable(self, write: Any) -> None:
        with (
            Source(str(write(gzip.compress(b" " * 5_000_000)))) as source,
            pytest.raises(Unusable, match="larger"),
        ):
            source.read_all(1 << 20)

    @pytest.mark.parametrize(
        ("name", "stem"),
        [("a.geojson.gz", "a"), ("b.JSON", "b"), ("c.d.csv", "c.d"), (".gz", ".gz"), ("plain", "plain")],
    )
    def test_the_stem_has_no_suffix(self, write: Any, name: str, stem: str) -> None:
        with Source(str(write("x", name))) as source:
            assert source.stem == stem


class TestCsv:
    """Pings as CSV."""

    def test_columns_stand_in_any_order_and_optional_ones_may_be_there(self, write: Any) -> None:
        path = write(
            " LAT ,lon,extra,time_ms,device,accuracy_m,source,user,received_ms,confidence,speed_mps,mock\r\n"
            '2,1,"x,y",3,"a ""b""",,wifi,ada,4,.95,1.5,true\r\n'
        )
        ping = Ping(
            device='a "b"', lon=1.0, lat=2.0, time_ms=3, source=PingSource.WIFI, user="ada", received_ms=4,
            confidence=0.95, speed_mps=1.5, mock=True,
        )  # fmt: skip
        assert read(path) == ([ping], [])

    def test_blank_lines_and_a_missing_last_newline_are_fine(self, write: Any) -> None:
        found, rejected = read(write("\ufeff\n" + HEADER + "\na,1,2,3,4\n\n\nb,1,2,3,4"))
        assert [ping.device for ping in found] == ["a", "b"]  # type: ignore[union-attr]
        assert rejected == []

    def test_a_quoted_cell_may_span_lines(self, write: Any) -> None:
        path = write('device,time_ms,lon,lat,accuracy_m,note\na,1,2,3,4,"x\n,y\n"\nb,1,2,3,4,z\n')
        found, _ = read(path)
        assert [ping.device for ping in found] == ["a", "b"]  # type: ignore[union-attr]
        assert raws(path) == [b'a,1,2,3,4,"x\n,y\n"', b"b,1,2,3,4,z"]

    def test_line_ends_within_a_cell_stay_as_they_are(self, write: Any) -> None:
        path = write('x,y\r\n1,"a\r\nb\nc"\r\n2,d\r\n')
        assert raws(path) == [b'1,"a\r\nb\nc"', b"2,d"]

    @pytest.mark.parametrize(
        ("row", "reason", "told"),
        [
            ("a,1,2,3", "columns", "has 4 cells; allowed: 5"),
            ("a,1,2,3,4,5", "columns", "has 6 cells; allowed: 5"),
            ("a,1,2;5,3,4", "lon_range", "lon is '2;5'"),
            ("a,1,,3,4", "lon_range", "lon is ''"),
            ("a,1,1_0,3,4", "lon_range", "lon is '1_0'"),
            ("a,1,nan,3,4", "lon_range", "lon is 'nan'"),
            ("a,1,2,x,4", "lat_range", "lat is 'x'"),
            ("a,,2,3,4", "time_range", "time_ms is ''"),
            ("a,1.5,2,3,4", "time_range", "time_ms is '1.5'"),
            ("a,2024-01-01,2,3,4", "time_range", "time_ms is '2024-01-01'"),
            ("a,1_0,2,3,4", "time_range", "time_ms is '1_0'"),
            ("a," + "9" * 5000 + ",2,3,4", "time_range", "5000 bytes"),
            ("a,1,2,3,good", "accuracy_range", "accuracy_m is 'good'"),
            ("a,1,2,3,NaN", "accuracy_range", "accuracy_m is 'NaN'"),
            (b"\xff,1,2,3,4", "device_text", "device is '\\\\xff'"),
            ('"a"b,1,2,3,4', "quotes", "Write it twice"),
            ('"a,1,2,3,4', "quotes", "never closed"),
        ],
    )
    def test_a_bad_row_is_told_and_hides_no_other(self, write: Any, row: str | bytes, reason: str, told: str) -> None:
        raw = row if isinstance(row, bytes) else row.encode()
        good = b"good,1,2,3,4\n"
        found, rejected = read(write(HEADER.encode() + good + raw + b"\n" + good))
        assert [ping.device for ping in found] == ["good", "good"]  # type: ignore[union-attr]
        assert [(one.row, one.line, one.reason) for one in rejected] == [(2, 3, reason)]
        assert told in rejected[0].message
        assert rejected[0].message.isprintable()

    @pytest.mark.parametrize(
        ("column", "cell", "reason"),
        [
            ("source", "radar", "source_value"),
            ("received_ms", "-1", "received_range"),
            ("received_ms", "soon", "received_range"),
            ("received_ms", "4102444800000", "received_range"),
            ("received_ms", "9" * 30, "received_range"),
            ("mock", "maybe", "mock_value"),
            ("confidence", "high", "confidence_range"),
            ("speed_mps", "nan", "speed_range"),
        ],
    )
    def test_bad_optional_cells_are_told(self, write: Any, column: str, cell: str, reason: str) -> None:
        found, rejected = read(write(f"{column},{HEADER}{cell},a,1,2,3,4\n,a,1,2,3,4\n"))
        assert len(found) == 1
        assert [one.reason for one in rejected] == [reason]

    @pytest.mark.parametrize("time", [2**63, -(2**63) - 1, 10**30])
    def test_times_beyond_any_column_are_told_as_they_stand(self, write: Any, time: int) -> None:
        found, (rejected,) = read(write(HEADER + f"a,{time},2,3,4\nb,1,2,3,4\n"))
        assert len(found) == 1
        assert (rejected.reason, f"'{time}'" in rejected.message) == ("time_range", True)

    def test_a_stray_quote_costs_its_own_line_only(self, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(read_csv, "RECORD_LINES", 5)
        rows = [f"d{row},1,2,3,4\n" for row in range(20)]
        rows[7] = '"d7,1,2,3,4\n'
        found, rejected = read(write(HEADER + "".join(rows)))
        assert [ping.device for ping in found] == [f"d{row}" for row in range(20) if row != 7]  # type: ignore[union-attr]
        assert [(one.row, one.line) for one in rejected] == [(8, 9)]

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("", "is empty"),
            (" \n\n", "is empty"),
            ("device,lon,lat\n", "there is no column 'time_ms'"),
            ("device;time_ms;lon;lat;accuracy_m\n", "with commas between"),
            ("a,1,2,3,4\n", "the columns are 'a, 1, 2, 3, 4'"),
            (HEADER.replace("lat", "lon"), "there are 2 columns 'lon'"),
            (HEADER.replace("\n", "\ra,1,2,3,4\r"), "lines end with CR alone"),
            (HEADER.encode("utf-16"), "UTF-16"),
            (b"\x00" * 100, "there is no column 'device'"),
            ('[{"device":"a"}]', "one object per line"),
        ],
    )
    def test_no_header_is_unusable(self, write: Any, content: str | bytes, told: str) -> None:
        with pytest.raises(Unusable, match=told):
            read(write(content))

    def test_an_endless_line_is_unusable(self, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(read_csv, "LINE_BYTES", 1 << 20)
        with pytest.raises(Unusable, match="line 2 is longer"):
            read(write(HEADER + "x" * 5_000_000))

    @QUICK
    @given(
        rows=st.lists(st.lists(st.text(st.sampled_from('ab ,"\n1;é'), max_size=4), min_size=3, max_size=3), max_size=6),
        quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
        chunk=st.integers(1, 9),
    )
    def test_rows_are_those_of_the_csv_module(
        self, write: Any, rows: list[list[str]], quoting: Any, chunk: int
    ) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=quoting, lineterminator="\n").writerows([["x", "y", "z"], *rows])
        path = write(text.getvalue())
        with Source(str(path)) as source:
            original = source.read
            source.read = lambda size=chunk: original(chunk)  # type: ignore[method-assign]
            batches = list(CsvFile(source).batches())
        cells = [[cell.decode() for cell in row] for records in batches for row in records.cells]
        assert cells == rows
        assert [one for records in batches for one in records.rejected] == []


GPX = """<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:t="urn:t">
 <metadata><name>not a track</name><time>2001-01-01T00:00:00Z</time></metadata>
 <wpt lat="1" lon="2"><time>2001-01-01T00:00:00Z</time></wpt>
 <trk><name> Walk
   home </name><trkseg>
  <trkpt lat="2" lon="1"><ele>5</ele><time>1970-01-01T00:00:01Z</time><hdop>3</hdop></trkpt>
  <trkpt lat="2" lon="1"><time>1970-01-01T01:00:02+01:00</time>
   <extensions><t:x><t:hacc>7.5</t:hacc></t:x></extensions></trkpt>
 </trkseg></trk>
 <trk><trkseg><trkpt lat="3" lon="4"><time>1970-01-01T00:00:03.25</time></trkpt></trkseg></trk>
</gpx>"""


class TestGpx:
    """Pings as GPX."""

    def test_track_points_are_pings_of_the_track(self, write: Any) -> None:
        assert read(write(GPX, "day.gpx")) == (
            [
                Ping(device="Walk home", lon=1.0, lat=2.0, time_ms=1000),
                Ping(device="Walk home", lon=1.0, lat=2.0, time_ms=2000, accuracy_m=7.5),
                Ping(device="day", lon=4.0, lat=3.0, time_ms=3250),
            ],
            [],
        )

    @pytest.mark.parametrize(
        ("point", "reason"),
        [
            ('<trkpt lat="2" lon="1"></trkpt>', "time_range"),
            ('<trkpt lat="2" lon="1"><time>noon</time></trkpt>', "time_range"),
            ('<trkpt lat="2" lon="1"><time>1970-01-01</time></trkpt>', "time_range"),
            ('<trkpt lat="2"><time>1970-01-01T00:00:01Z</time></trkpt>', "lon_range"),
            ('<trkpt lat="north" lon="1"><time>1970-01-01T00:00:01Z</time></trkpt>', "lat_range"),
            ('<trkpt lat="nan" lon="1"><time>1970-01-01T00:00:01Z</time></trkpt>', "lat_range"),
            (
                '<trkpt lat="2" lon="1"><time>1970-01-01T00:00:01Z</time><accuracy>x</accuracy></trkpt>',
                "accuracy_range",
            ),
        ],
    )
    def test_a_bad_point_is_told_and_hides_no_other(self, write: Any, point: str, reason: str) -> None:
        found, rejected = read(write(GPX.replace("<trkseg>", "<trkseg>" + point, 1), "day.gpx"))
        assert len(found) == 3
        assert [(one.row, one.line, one.reason) for one in rejected] == [(1, 6, reason)]

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (GPX[:-6], "is not XML: no element found at line 12"),
            ("<gpx><trk></gpx>", "mismatched tag at line 1, column 13"),
            ("<kml></kml>", "with the root 'kml'; allowed: gpx"),
            ("<gpx></gpx>", "no track points"),
            ('<!DOCTYPE gpx [<!ENTITY a "b">]><gpx>&a;</gpx>', "document type"),
            (b"<gpx>\xff</gpx>", "is not XML"),
            ("<gpx>" * 100_000, "is not XML"),
        ],
    )
    def test_what_is_no_gpx_is_unusable(self, write: Any, content: str | bytes, told: str) -> None:
        with pytest.raises(Unusable, match=told):
            read(write(content, "day.gpx"))


class TestNdjson:
    """Pings as NDJSON."""

    def test_pings_and_control_records_keep_their_order(self, write: Any) -> None:
        ping = Ping(device="a", lon=1.0, lat=2.0, time_ms=3, received_ms=5)
        raw = [encode_ping(ping), encode_ping(ping), b"", encode_control(Tick(at_ms=6)), encode_ping(ping)]
        assert read(write(b"\n".join(raw), "dump.ndjson")) == ([ping, ping, Tick(at_ms=6), ping], [])

    def test_rows_and_lines_lead_to_the_place(self, write: Any) -> None:
        ping = encode_ping(Ping(device="a", lon=1.0, lat=2.0, time_ms=3))
        tick = encode_control(Tick(at_ms=6))
        content = b"\n".join([ping, b"", b"{", b'{"kind":"tock"}', tick, b'{"v":3,"kind":"tick"}', ping])
        path = write(content, "dump.ndjson")
        with Source(str(path)) as source:
            parts = list(PingFile(source).batches())
        assert [type(part) for part in parts] == [Batch, Misread, Order, Misread, Batch]
        _, rejected = read(path)
        assert [(one.row, one.line, one.reason) for one in rejected] == [
            (2, 3, "malformed"),
            (3, 4, "malformed"),
            (5, 6, "version_newer"),
        ]
        assert isinstance(parts[-1], Batch)
        assert (parts[-1].rows.tolist(), parts[-1].lines.tolist()) == ([6], [7])

    @pytest.mark.parametrize("more", [b"}", b',"kind":null}'])
    def test_the_word_kind_in_a_ping_is_no_control_record(self, write: Any, more: bytes) -> None:
        ping = Ping(device='"kind"', lon=1.0, lat=2.0, time_ms=3)
        assert read(write(encode_ping(ping)[:-1] + more, "dump.ndjson"))[0] == [ping]

    def test_a_region_file_is_told_apart_from_pings(self, write: Any) -> None:
        with pytest.raises(Unusable, match="is GeoJSON; allowed: pings"):
            read(write('{"features": [],\n "type": "FeatureCollection"}', "town.geojson"))

    def test_an_endless_line_is_unusable(self, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("service.read_ndjson.LINE_BYTES", 1 << 20)
        with pytest.raises(Unusable, match="line 1 is longer"):
            read(write('{"a":"' + "x" * 5_000_000, "dump.ndjson"))
        with pytest.raises(Unusable, match="line 2 is longer"):
            read(write('{}\n{"a":"' + "x" * 5_000_000 + '"}\n', "dump.ndjson"))


@QUICK
@given(content=st.binary(max_size=60) | st.text('{}[]":,\n <>/ab1', max_size=60).map(str.encode))
def test_whatever_the_bytes_they_are_read_or_unusable(write: Any, content: bytes) -> None:
    for start in (b"", HEADER.encode(), b"{", b"<gpx>", b"\x1f\x8b"):
        path = write(start + content)
        try:
            read(path)
        except Unusable as fault:
            assert "\n" not in str(fault).replace(str(path), "")  # noqa: PT017 (nearly all of them are)
