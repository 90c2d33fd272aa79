"""`geofence replay`, as a user meets it."""

import gzip
import json
from pathlib import Path

import pytest
from commands import HEADER, MINUTE, as_dump, layer, rows, run, square

from geofence.control import Consent, Switch, Tick
from geofence.geojson import read_regions
from geofence.ping import Ping
from geofence.region import Version
from geofence.wire import encode_control, encode_ping
from geofence.wire_events import decode_event


def test_it_prints_cloudevents_in_the_order_of_confirmation(town: Path, walk: Path) -> None:
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


def test_every_format_gives_the_same_events(town: Path, walk: Path, tmp_path: Path) -> None:
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


def test_engines_and_batches_make_no_difference(town: Path, walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run("replay", "--regions", town, walk)
    assert run("replay", "--engine", "rtree", "--regions", town, walk).out == plain.out
    monkeypatch.setattr("service.source.Source.read.__defaults__", (100,))
    assert run("replay", "--regions", town, walk).out == plain.out
    assert run("replay", "--regions", town, "-", stdin=as_dump(walk)).out == plain.out


def test_statistics_add_up(town: Path, walk: Path, tmp_path: Path) -> None:
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


def test_rejected_rows_are_reported_in_the_order_of_the_file(town: Path) -> None:
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


def test_tracks_are_written_readably(town: Path, walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "tracks.ndjson"
    assert run("replay", "--regions", town, "--tracks", out, walk).status == 0
    tracks = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(track["device"], track["layer"], track["sequence"]) for track in tracks] == [
        ("one", "town", 2),
        ("two", "town", 2),
    ]
    assert [[place["region"] for place in track["places"]] for track in tracks] == [["b"], ["b"]]


def test_tracks_that_cannot_be_written_are_told_first(town: Path, walk: Path) -> None:
    found = run("replay", "--regions", town, "--tracks", "/no/where/tracks", walk)
    assert (found.status, found.out) == (2, b"")
    assert found.err == "geofence: /no/where/tracks: No such file or directory. Check the path.\n"


def test_rules_are_presets_or_files(town: Path, walk: Path, tmp_path: Path) -> None:
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
def test_a_bad_rule_ends_with_status_2(town: Path, tmp_path: Path, content: str | bytes, told: str) -> None:
    rule = tmp_path / "rule.toml"
    rule.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = run("replay", "--regions", town, "--rule", rule, "-")
    assert found.status == 2
    assert told in found.err


def test_a_silent_device_gets_its_dwell_before_the_next_record(town: Path) -> None:
    minutes = [("one", 0, 1.95), ("one", 1, 1.95), ("two", 4, 5)]
    minutes += [("one", minute, 2.05) for minute in (9, 10, 11)]
    content = HEADER + "".join(f"{device},{minute * MINUTE},{lon},0.5,10\n" for device, minute, lon in minutes)
    found = run("replay", "--regions", town, "--kind", "overlay", "--dwell", "300", "-", stdin=content.encode())
    told = [(event["type"].split(".")[-1], event["data"]["confirmed_at"][14:19]) for event in found.events]
    assert told[:2] == [("entered", "00:00"), ("dwelled", "05:00")]
    assert told[2][0] == "exited"


def test_a_dump_with_its_ticks_gives_the_same(town: Path) -> None:
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


def test_consent_may_be_required(town: Path) -> None:
    ping = encode_ping(Ping(device="one", lon=0.5, lat=0.5, time_ms=5, accuracy_m=5.0))
    given = encode_control(Consent(device="one", given=True, at_ms=4))
    taken = encode_control(Consent(device="one", given=False, at_ms=6))
    dump = b"\n".join([ping, given, ping, taken, ping])
    required = run("replay", "--consent", "required", "--regions", town, "-", stdin=dump)
    assert [event["data"]["cause"] for event in required.events] == ["first_fix", "consent"]
    assert [line.split(": ")[2] for line in required.err.splitlines()[:2]] == ["no_consent", "no_consent"]
    assumed = run("replay", "--regions", town, "-", stdin=dump)
    assert len(assumed.err.splitlines()) == 2


def test_a_dump_may_switch_to_another_file_of_the_layer(town: Path, tmp_path: Path) -> None:
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


def test_a_control_record_that_cannot_be_read_is_no_ping(town: Path) -> None:
    ping = encode_ping(Ping(device="one", lon=0.5, lat=0.5, time_ms=5, accuracy_m=5.0))
    dump = b"\n".join([ping, b'{"kind":"tock","at_ms":6}', b'{"kind":"version","layer":"x","version":"y","at_ms":7}'])
    found = run("replay", "--stats", "--regions", town, "-", stdin=dump)
    assert "kind; allowed: the kinds consent (device, given), erase (device), tick, version" in found.err
    assert found.err.splitlines()[-1] == "3 rows, 1 pings, 1 events"


@pytest.mark.parametrize("source", ["", "a b", "x" * 1025, "caf\u00e9", "a\nb"])
def test_a_source_that_no_event_may_have_is_refused(town: Path, walk: Path, source: str) -> None:
    found = run("replay", "--regions", town, "--source", source, walk)
    assert (found.status, found.out) == (2, b"")
    assert "--source is" in found.err


def test_the_same_version_twice_is_refused(town: Path, walk: Path) -> None:
    found = run("replay", "--regions", town, "--regions", town, walk)
    assert (found.status, "is given twice, and alike" in found.err) == (2, True)
