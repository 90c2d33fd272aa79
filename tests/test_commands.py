"""The three commands, as a user meets them."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from commands import layer, run, square

from geofence.control import Consent, Switch, Tick
from geofence.geojson import read_regions
from geofence.ping import Ping
from geofence.region import Version
from geofence.wire import encode_control, encode_ping
from geofence.wire_events import decode_event
from service.peers import UNKNOWN, Peer, Seen, accuracy_filter, flips_back, raw_switching, three_in_a_row

ROOT = Path(__file__).parent.parent
COUNTIES = ROOT / "data" / "us-counties.geojson.gz"
TOWN = layer(a=square(0, 0, 1), b=square(1, 0, 1), c=square(3, 0, 1))
MINUTE = 60_000
HEADER = "device,time_ms,lon,lat,accuracy_m\n"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Three squares: a and b side by side, c apart."""
    path = tmp_path / "town.geojson"
    path.write_bytes(TOWN)
    return path


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """Two phones that cross from a to b, one ping a minute."""
    rows = [
        f"{device},{minute * MINUTE},{lon:.4f},{0.5 + 0.01 * place},10\n"
        for minute, lon in enumerate(np.linspace(0.7, 1.3, 30))
        for place, device in enumerate(("one", "two"))
    ]
    path = tmp_path / "walk.csv"
    path.write_text(HEADER + "".join(rows))
    return path


def rows(out: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out.decode(), newline="")))


def as_dump(path: Path) -> bytes:
    """A CSV file of pings as NDJSON."""
    pings = [
        Ping(
            device=row["device"],
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            time_ms=int(row["time_ms"]),
            accuracy_m=float(row["accuracy_m"]),
        )
        for row in rows(path.read_bytes())
    ]
    return b"\n".join(map(encode_ping, pings))


class TestLocate:
    """`geofence locate`."""

    def test_every_row_comes_out_with_three_cells_more(self, town: Path) -> None:
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

    def test_cells_stay_byte_for_byte(self, town: Path) -> None:
        points = b'"lon",lat,note\r\n"0.5",0.5,"a ""b"", \xff\r\nc"\r\n1.50,+0.5,\xe9\r\n'
        found = run("locate", "--regions", town, "--cap-m", "9", "-", stdin=points)
        assert found.out == (
            b'"lon",lat,note,layer,region,margin_m\r\n'
            b'"0.5",0.5,"a ""b"", \xff\r\nc",town,a,9\r\n'
            b"1.50,+0.5,\xe9,town,b,9\r\n"
        )

    def test_layers_come_one_after_the_other_and_an_overlay_gives_every_fence(self, town: Path, tmp_path: Path) -> None:
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

    def test_rejected_rows_are_reported_by_row_and_counted(self, town: Path) -> None:
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
    def test_an_option_that_cannot_be_used_ends_with_status_2(self, town: Path, options: list[str], told: str) -> None:
        found = run("locate", "--regions", town, *options, "-", stdin=b"lon,lat\n1,2\n")
        assert found.status == 2
        assert told in found.err
        assert found.out == b""

    def test_one_file_for_two_layers_needs_two_names(self, town: Path) -> None:
        twice = run("locate", "--regions", town, "--regions", town, "-", stdin=b"lon,lat\n")
        assert (twice.status, "is given 2 times" in twice.err) == (2, True)
        named = run("locate", "--regions", town, "--regions", f"other={town}", "-", stdin=b"lon,lat\n0.5,0.5\n")
        assert [row["layer"] for row in rows(named.out)] == ["town", "other"]

    def test_columns_that_are_there_already_are_refused(self, town: Path) -> None:
        found = run("locate", "--regions", town, "-", stdin=b"lon,lat,region\n1,2,x\n")
        assert (found.status, found.err) == (
            2, "geofence: standard input: there is a column 'region' already. Rename or remove it.\n",
        )  # fmt: skip

    def test_nearest_within_reaches_off_the_coast(self, town: Path) -> None:
        points = b"lon,lat\n2.001,0.5\n"
        assert rows(run("locate", "--regions", town, "-", stdin=points).out)[0]["region"] == ""
        found = run("locate", "--regions", town, "--nearest-within", "town=500", "-", stdin=points)
        assert rows(found.out)[0]["region"] == "b"

    @pytest.mark.parametrize("engine", ["compiled", "rtree"])
    def test_the_answers_are_those_of_brute_force(self, engine: str) -> None:
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


class TestReplay:
    """`geofence replay`."""

    def test_it_prints_cloudevents_in_the_order_of_confirmation(self, town: Path, walk: Path) -> None:
        found = run("replay", "--regions", town, "--source", "here", walk)
        assert (found.status, found.err) == (0, "")
        told = [(event["subject"], event["data"]["cause"], event["data"]["to"]["id"]) for event in found.events]
        assert told == [
            ("one", "first_fix", "a"),
            ("two", "first_fix", "a"),
            ("one", "moved", "b"),
            ("two", "moved", "b"),
        ]
        confirmed = [event["data"]["confirmed_at"] for event in found.events]
        assert confirmed == sorted(confirmed)
        assert all(event["source"] == "here" for event in found.events)
        assert found.events[2]["data"]["from"] == {"id": "a", "name": "A"}
        for line in found.out.splitlines():
            decode_event(line)

    def test_every_format_gives_the_same_events(self, town: Path, walk: Path, tmp_path: Path) -> None:
        plain = run("replay", "--regions", town, walk)
        packed = tmp_path / "packed.csv.gz"
        packed.write_bytes(gzip.compress(walk.read_bytes()))
        points = "".join(
            f"<trk><name>{device}</name><trkseg>"
            + "".join(
                f'<trkpt lat="{row["lat"]}" lon="{row["lon"]}">'
                f"<time>1970-01-01T00:{int(row['time_ms']) // MINUTE:02d}:00Z</time>"
                "<extensions><accuracy>10</accuracy></extensions></trkpt>"
                for row in rows(walk.read_bytes())
                if row["device"] == device
            )
            + "</trkseg></trk>"
            for device in ("one", "two")
        )
        gpx = tmp_path / "walk.gpx"
        gpx.write_text(f"<gpx>{points}</gpx>")
        assert run("replay", "--regions", town, packed).out == plain.out
        assert run("replay", "--regions", town, "-", stdin=walk.read_bytes()).out == plain.out
        assert run("replay", "--regions", town, "-", stdin=as_dump(walk)).out == plain.out
        by_device = sorted(plain.out.splitlines())
        assert sorted(run("replay", "--regions", town, gpx).out.splitlines()) == by_device

    def test_engines_and_batches_make_no_difference(
        self, town: Path, walk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = run("replay", "--regions", town, walk)
        assert run("replay", "--engine", "rtree", "--regions", town, walk).out == plain.out
        monkeypatch.setattr("service.source.Source.read.__defaults__", (100,))
        assert run("replay", "--regions", town, walk).out == plain.out
        assert run("replay", "--regions", town, "-", stdin=as_dump(walk)).out == plain.out

    def test_statistics_add_up(self, town: Path, walk: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad.csv"
        bad.write_text(walk.read_text() + "three,1,200,0,5\nthree,x,0,0,5\none,0,0.5,0.5,5\n")
        found = run("replay", "--regions", town, "--stats", bad)
        head, numbers, total = found.err.splitlines()[-3:]
        counts = dict(zip(head.split(), numbers.split(), strict=True))
        assert counts["layer"] == "town"
        assert counts["rejected"] == "2"
        assert counts["late"] == "1"
        assert counts["total"] == "63"
        names = ("confirmed", "quiet", "pending", "late", "repeated", "implausible", "rejected")
        assert sum(int(counts[name]) for name in names) == 63
        assert total == "63 rows, 63 pings, 4 events"

    def test_rejected_rows_are_reported_in_the_order_of_the_file(self, town: Path) -> None:
        content = HEADER + "a,1,200,0,5\na,x,0,0,5\n,1,0,0,5\na,-1,0,0,5\na,1,0,0,inf\n"
        found = run("replay", "--regions", town, "-", stdin=content.encode())
        assert found.status == 0
        assert [line.split(": ")[1:4] for line in found.err.splitlines()[:-1]] == [
            ["row 1 (line 2) rejected", "lon_range", "lon is 200.0; allowed"],
            ["row 2 (line 3) rejected", "time_range", "time_ms is 'x'; allowed"],
            ["row 3 (line 4) rejected", "device_missing", "device is ''; allowed"],
            ["row 4 (line 5) rejected", "time_range", "time_ms is -1; allowed"],
            ["row 5 (line 6) rejected", "accuracy_range", "accuracy_m is inf; allowed"],
        ]
        assert found.err.splitlines()[-1].startswith("-: rejected 5 of 5 rows")

    def test_tracks_are_written_readably(self, town: Path, walk: Path, tmp_path: Path) -> None:
        out = tmp_path / "tracks.ndjson"
        assert run("replay", "--regions", town, "--tracks", out, walk).status == 0
        tracks = [json.loads(line) for line in out.read_text().splitlines()]
        assert [(track["device"], track["layer"], track["sequence"]) for track in tracks] == [
            ("one", "town", 2),
            ("two", "town", 2),
        ]
        assert [[place["region"] for place in track["places"]] for track in tracks] == [["b"], ["b"]]

    def test_tracks_that_cannot_be_written_are_told_first(self, town: Path, walk: Path) -> None:
        found = run("replay", "--regions", town, "--tracks", "/no/where/tracks", walk)
        assert (found.status, found.out) == (2, b"")
        assert found.err == "geofence: /no/where/tracks: No such file or directory. Check the path.\n"

    def test_rules_are_presets_or_files(self, town: Path, walk: Path, tmp_path: Path) -> None:
        rule = tmp_path / "patient.toml"
        rule.write_text('preset = "strict"\nmin_dwell_s = 3600\n')
        assert len(run("replay", "--regions", town, "--rule", "responsive", walk).events) == 4
        patient = run("replay", "--regions", town, "--rule", f"town={rule}", walk)
        assert not any(event["data"]["cause"] == "moved" for event in patient.events)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("preset = 'bold'", "no preset is called 'bold'"),
            ("courage = 5", "there is no knob 'courage'"),
            ("evidence_to_cross = 'much'", "must be a number"),
            ("evidence_to_cross = nan", "evidence_to_cross is nan"),
            ("= 5", "Invalid statement"),
            (b"\xff", "can't decode byte 0xff"),
        ],
    )
    def test_a_bad_rule_ends_with_status_2(self, town: Path, tmp_path: Path, content: str | bytes, told: str) -> None:
        rule = tmp_path / "rule.toml"
        rule.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = run("replay", "--regions", town, "--rule", rule, "-")
        assert found.status == 2
        assert told in found.err

    def test_a_silent_device_gets_its_dwell_before_the_next_record(self, town: Path) -> None:
        minutes = [("one", 0, 1.95), ("one", 1, 1.95), ("two", 4, 5)]
        minutes += [("one", minute, 2.05) for minute in (9, 10, 11)]
        content = HEADER + "".join(f"{device},{minute * MINUTE},{lon},0.5,10\n" for device, minute, lon in minutes)
        found = run("replay", "--regions", town, "--kind", "overlay", "--dwell", "300", "-", stdin=content.encode())
        told = [(event["type"].split(".")[-1], event["data"]["confirmed_at"][14:19]) for event in found.events]
        assert told[:2] == [("entered", "00:00"), ("dwelled", "05:00")]
        assert told[2][0] == "exited"

    def test_a_dump_with_its_ticks_gives_the_same(self, town: Path) -> None:
        minutes = [("one", 0, 0.5), ("one", 1, 0.5), ("two", 9, 5)]
        content = HEADER + "".join(f"{device},{minute * MINUTE},{lon},0.5,10\n" for device, minute, lon in minutes)
        options = ("replay", "--regions", town, "--kind", "overlay", "--dwell", "300", "-")
        live = run(*options, stdin=content.encode())
        records = [
            encode_ping(Ping(device=device, lon=lon, lat=0.5, time_ms=minute * MINUTE, accuracy_m=10.0))
            for device, minute, lon in minutes
        ]
        records.insert(2, encode_control(Tick(at_ms=5 * MINUTE)))
        assert run(*options, stdin=b"\n".join(records)).out == live.out
        del records[2]
        assert run(*options, stdin=b"\n".join(records)).out != live.out

    def test_consent_may_be_required(self, town: Path) -> None:
        ping = encode_ping(Ping(device="one", lon=0.5, lat=0.5, time_ms=5, accuracy_m=5.0))
        given = encode_control(Consent(device="one", given=True, at_ms=4))
        taken = encode_control(Consent(device="one", given=False, at_ms=6))
        dump = b"\n".join([ping, given, ping, taken, ping])
        required = run("replay", "--consent", "required", "--regions", town, "-", stdin=dump)
        assert [event["data"]["cause"] for event in required.events] == ["first_fix", "consent"]
        assert [line.split(": ")[2] for line in required.err.splitlines()[:2]] == ["no_consent", "no_consent"]
        assumed = run("replay", "--regions", town, "-", stdin=dump)
        assert len(assumed.err.splitlines()) == 2

    def test_a_dump_may_switch_to_another_file_of_the_layer(self, town: Path, tmp_path: Path) -> None:
        other = tmp_path / "new.geojson"
        other.write_bytes(layer(a=square(0, 0, 0.4), z=square(0.4, 0, 0.6)))
        version = Version.of("town", read_regions(other.read_bytes(), layer="town").regions)
        ping = encode_ping(Ping(device="one", lon=0.5, lat=0.5, time_ms=5, accuracy_m=5.0))
        switch = encode_control(Switch(layer="town", version=version.hash, at_ms=9))
        lost = encode_control(Switch(layer="town", version="lost", at_ms=9))
        dump = b"\n".join([ping, switch, lost])
        found = run("replay", "--regions", town, "--regions", f"town={other}", "-", stdin=dump)
        assert [event["data"]["to"]["id"] for event in found.events] == ["a", "z"]
        assert found.events[1]["data"]["cause"] == "boundary"
        assert f"{version.hash} waits for a switch" in found.err
        assert "row 3 (line 3) rejected: version_unknown" in found.err


class TestCompare:
    """`geofence compare`."""

    def test_it_prints_a_table_and_draws_a_picture(self, town: Path, walk: Path, tmp_path: Path) -> None:
        picture = tmp_path / "walk.svg"
        found = run("compare", "--regions", town, "--events", "1", "--picture", picture, walk)
        assert (found.status, found.err) == (0, "")
        assert found.lines[0] == "60 pings of 2 devices"
        table = [line for line in found.lines if line.startswith("town ")]
        assert [line[6:22].strip() for line in table] == ["raw switching", "three in a row", "accuracy filter", "ours"]
        assert sum("... and 3 more" in line for line in found.lines) == 4
        assert b"<svg" in picture.read_bytes()
        before = picture.read_bytes()
        run("compare", "--regions", town, "--picture", picture, walk)
        assert picture.read_bytes() == before

    def test_overlays_are_compared_fence_by_fence(self, town: Path, walk: Path, tmp_path: Path) -> None:
        found = run("compare", "--regions", town, "--kind", "overlay", "--picture", tmp_path / "a.png", walk)
        assert found.status == 0
        assert Counter(line.split()[-1] for line in found.lines if line.startswith("  19"))["B"] >= 4

    def test_names_cannot_break_the_picture(self, tmp_path: Path) -> None:
        regions = tmp_path / "odd.geojson"
        regions.write_bytes(layer(**{"$\\frac{1}$ 東京": square(0, 0, 1)}))
        content = HEADER + "$x$ \u6771,1,0.5,0.5,5\n"
        options = ("--picture", tmp_path / "odd.svg")
        assert run("compare", "--regions", regions, *options, "-", stdin=content.encode()).status == 0

    def test_a_trace_without_pings_is_unusable(self, town: Path) -> None:
        found = run("compare", "--regions", town, "--no-picture", "-", stdin=HEADER.encode() + b"a,1,999,0,5\n")
        assert found.status == 2
        assert "no valid ping" in found.err

    def test_a_picture_that_cannot_be_drawn_is_refused_first(self, town: Path, walk: Path) -> None:
        nowhere = run("compare", "--regions", town, "--picture", "/no/where/a.svg", walk)
        assert (nowhere.status, nowhere.out) == (2, b"")
        found = run("compare", "--regions", town, "--picture", "a.jpg", walk)
        assert (found.status, found.out) == (2, b"")
        assert "allowed: .svg, .png, .pdf" in found.err


def seen(*pings: tuple[float, int]) -> list[Seen]:
    """Pings a minute apart: metres east of the border, and the region."""
    return [
        Seen(metres / 111_195.0802, 0.0, 10.0, minute * MINUTE, region) for minute, (metres, region) in enumerate(pings)
    ]


class TestPeers:
    """The rules that ours is compared with."""

    @pytest.mark.parametrize(
        ("rule", "pings", "told"),
        [
            (raw_switching, [(0, 1), (0, 2), (0, 1)], [(UNKNOWN, 1, 0, 0), (1, 2, 1, 1), (2, 1, 2, 2)]),
            (three_in_a_row, [(0, 1), (0, 2), (0, 2), (0, 1)], [(UNKNOWN, 1, 0, 0)]),
            (three_in_a_row, [(0, 1), (0, 2), (0, 2), (0, 2)], [(UNKNOWN, 1, 0, 0), (1, 2, 1, 3)]),
            (three_in_a_row, [(0, 1), (0, 2), (0, 3), (0, 3), (0, 3)], [(UNKNOWN, 1, 0, 0), (1, 3, 2, 4)]),
            (accuracy_filter, [(0, 1), (19, 2)], [(UNKNOWN, 1, 0, 0)]),
            (accuracy_filter, [(0, 1), (21, 2)], [(UNKNOWN, 1, 0, 0), (1, 2, 1, 1)]),
            (accuracy_filter, [(0, 1), (15, 2), (30, 2)], [(UNKNOWN, 1, 0, 0), (1, 2, 2, 2)]),
            (raw_switching, [], []),
        ],
    )
    def test_each_does_what_it_says(self, rule: Peer, pings: list[tuple[float, int]], told: list[Any]) -> None:
        moves = [(move.origin, move.target, move.entered_ms, move.confirmed_ms) for move in rule(seen(*pings))]
        assert moves == [(origin, target, one * MINUTE, two * MINUTE) for origin, target, one, two in told]

    def test_pings_out_of_order_are_left_out(self) -> None:
        first, second, third = seen((0, 1), (0, 2), (0, 3))
        assert raw_switching([first, third, second]) == raw_switching([first, third])

    def test_a_missing_accuracy_counts_as_none(self) -> None:
        near = [Seen(0, 0, None, 0, 1), Seen(0, 0.00001, None, 1, 2)]
        assert len(accuracy_filter(near)) == 2

    def test_a_flip_returns_to_the_region_just_left(self) -> None:
        moves = raw_switching(seen((0, 1), (0, 2), (0, 1), (0, 3), (0, 2)))
        assert (flips_back(moves, 59), flips_back(moves, 60)) == (0, 1)


class TestCommandLine:
    """The process itself."""

    @staticmethod
    def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-m", "service.cli", *arguments], cwd=ROOT, **options)

    def test_help_answers_at_once_and_loads_no_numbers(self) -> None:
        code = "import sys, service.cli; sys.exit(any(name in sys.modules for name in ('numpy', 'numba', 'shapely')))"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
        best = min(self.seconds("--help") for _ in range(3))
        assert best < 0.4

    def seconds(self, *arguments: str) -> float:
        start = time.perf_counter()
        assert self.start(*arguments, stdout=subprocess.DEVNULL).wait() == 0
        return time.perf_counter() - start

    def test_a_reader_that_goes_away_is_no_error(self, town: Path, tmp_path: Path) -> None:
        points = tmp_path / "points.csv"
        points.write_text("lon,lat\n" + "0.5,0.5\n" * 100_000)
        with self.start(
            "locate", "--regions", str(town), str(points), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0

    def test_help_has_examples(self) -> None:
        for command in ("locate", "replay", "compare"):
            found = run(command, "--help")
            assert found.status == 0
            assert f"geofence {command} --regions" in found.out.decode()

    @pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
    def test_a_terminal_sees_progress(self, town: Path, walk: Path) -> None:
        ours, theirs = os.openpty()
        with self.start(
            "replay", "--regions", str(town), str(walk), stdout=subprocess.DEVNULL, stderr=theirs
        ) as process:
            os.close(theirs)
            seen = os.read(ours, 10_000)
        os.close(ours)
        assert process.returncode == 0
        assert b"\x1b[" in seen
