"""The commands that work on a log, as they are typed."""

import asyncio
import dataclasses
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from commands import ROOT, as_dump, layer, run, square

from geofence.wire_events import decode_event
from ingest.topics import PARTITIONS_EMBEDDED, PINGS, TRACKS, topics
from stream.sqlite import open_log


@pytest.fixture
def log(town: Path, walk: Path, tmp_path: Path) -> str:
    """A log with a walk in it that a worker has taken, and two records that it could not use."""
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("topics", "create", "--log", url, "--partitions", "1").status == 0
    assert run("append", "--log", url, "--keep-times", walk).status == 0
    bad = b'{"device": "one", "lon": 200, "lat": 0, "time_ms": 1}\n'
    bad += b'{"device": "\\u0001", "lon": 0, "lat": 0, "time_ms": 1}'
    assert run("append", "--log", url, "-", stdin=bad).status == 0
    assert run("worker", "--log", url, "--regions", town, "--until-idle").status == 0
    return url


def test_tail_tells_what_replay_tells(log: str, town: Path, walk: Path) -> None:
    told = run("tail", "--log", log, "--from", "beginning", "--json", "--no-follow")
    assert told.status == 0
    expected = run("replay", "--regions", town, walk, "--until", "2099-01-01")

    def core(event: dict) -> tuple:
        return event["id"], event["type"], event["data"]["from"], event["data"]["to"], event["time"]

    assert [core(one) for one in told.events][:4] == [core(one) for one in expected.events]


def test_a_dump_replayed_tells_the_same_bytes(log: str, town: Path) -> None:
    dumped = run("log", "dump", "--log", log, "--partition", "0")
    assert dumped.status == 0
    replayed = run("replay", "--regions", town, "-", stdin=dumped.out)
    told = run("tail", "--log", log, "--from", "beginning", "--json", "--no-follow")
    assert sorted(replayed.out.splitlines()) == sorted(told.out.splitlines())


def test_tail_is_readable_and_filters(log: str) -> None:
    tail = ("tail", "--log", log, "--no-follow", "--from")
    lines = run(*tail, "beginning").lines
    assert any("one  town  - -> a (A)  first_fix" in line for line in lines)
    assert any("one  town  a (A) -> b (B)  moved" in line for line in lines)
    assert all("  two  " in line for line in run(*tail, "beginning", "--device", "two").lines)
    assert run(*tail, "beginning", "--layer", "elsewhere").lines == []
    assert run(*tail, "beginning", "--type", "changed").lines == lines
    assert run(*tail, "beginning", "--type", "entered").lines == []
    assert run(*tail, "now").lines == []
    assert run(*tail, "2020-01-01T00:00:00Z").lines == lines


def test_tail_refuses_what_is_no_time(log: str) -> None:
    for bad in ("yesterday", "2099-01-01T00:00:00Z"):
        found = run("tail", "--log", log, "--from", bad)
        assert found.status == 2
        assert "--from" in found.err


def test_tail_refuses_a_type_that_there_is_not(log: str) -> None:
    for good in ("changed", "geofence.region.changed"):
        assert run("tail", "--log", log, "--no-follow", "--type", good).status == 0
    found = run("tail", "--log", log, "--no-follow", "--type", "enterd")
    assert found.status == 2
    assert "--type is 'enterd'; allowed: changed, entered, exited, dwelled" in found.err


def test_tail_ends_where_one_partition_can_not_be_read_any_more(town: Path, walk: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("append", "--log", url, walk).status == 0
    assert run("worker", "--log", url, "--regions", town, "--until-idle").status == 0
    with closing(sqlite3.connect(tmp_path / "log.db")) as other, other:
        of = "SELECT part.id FROM part JOIN topic ON topic.id = part.topic WHERE name = 'region-changes'"
        other.execute(f"UPDATE batch SET sum = sum + 1 WHERE id >> 44 IN ({of})")  # noqa: S608
    command = [sys.executable, "-m", "service.cli", "tail", "--log", url, "--from", "beginning"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert found.returncode == 2
    assert "the file is damaged" in found.stderr


def test_rejected_records_are_listed_shown_and_sent_again(log: str, town: Path) -> None:
    listed = run("rejected", "list", "--log", log)
    assert ["lon_range" in line or "device_text" in line for line in listed.lines] == [True, True]
    assert "2 rejected, device_text 1, lon_range 1" in listed.err
    [line] = run("rejected", "list", "--log", log, "--reason", "lon_range").lines
    name = line.split()[0]
    shown = run("rejected", "show", "--log", log, name)
    assert "reason: lon_range" in shown.lines
    assert any(line.startswith("hint: lon is 200.0") for line in shown.lines)
    assert json.loads(shown.lines[-1])["lon"] == 200
    assert run("rejected", "replay", "--log", log, name).status == 0
    assert run("worker", "--log", log, "--regions", town, "--until-idle").status == 0
    assert len(run("rejected", "list", "--log", log, "--reason", "lon_range").lines) == 2
    assert run("rejected", "show", "--log", log, "9:9").status == 2
    assert run("rejected", "replay", "--log", log).status == 2


def test_a_file_of_control_records_can_be_appended(town: Path, walk: Path, tmp_path: Path) -> None:
    url, moved = f"sqlite:{tmp_path / 'log.db'}", tmp_path / "moved.geojson"
    moved.write_bytes(layer(a=square(0, 0, 1), b=square(5, 0, 1), c=square(3, 0, 1)))
    regions = ("--regions", town, "--regions", f"town={moved}")
    said = run("replay", *regions, walk).err
    version = said.split("is in force, ")[1].split()[0]
    order = json.dumps({"kind": "version", "layer": "town", "version": version, "at_ms": 1_800_001}).encode()
    assert run("append", "--log", url, "-", stdin=as_dump(walk) + b"\n" + order).status == 0
    assert run("worker", "--log", url, *regions, "--until-idle").status == 0
    told = run("tail", "--log", url, "--from", "beginning", "--json", "--no-follow")
    causes = [decode_event(line).data.cause for line in told.out.splitlines()]
    assert sorted(causes) == ["boundary", "boundary", "first_fix", "first_fix", "moved", "moved"]


def test_a_blocked_partition_ends_a_worker_that_was_to_stop_when_idle(town: Path, walk: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    order = json.dumps({"kind": "version", "layer": "town", "version": "00" * 32, "at_ms": 1_800_001}).encode()
    assert run("append", "--log", url, "-", stdin=order).status == 0
    found = run("worker", "--log", url, "--regions", town, "--until-idle")
    assert found.status == 2
    assert "is blocked: UnknownVersion" in found.err.splitlines()[-1]
    assert run("worker", "--log", url, "--regions", town, "--until-idle", "--skip-version", "00" * 32).status == 0


def test_what_was_for_a_whole_partition_is_sent_to_that_partition_again(town: Path, tmp_path: Path) -> None:
    url, strange = f"sqlite:{tmp_path / 'log.db'}", "00" * 32
    order = json.dumps({"kind": "version", "layer": "town", "version": strange, "at_ms": 1_800_001}).encode()
    assert run("append", "--log", url, "-", stdin=order).status == 0
    assert run("worker", "--log", url, "--regions", town, "--until-idle", "--skip-version", strange).status == 0
    assert len(run("rejected", "list", "--log", url).lines) == PARTITIONS_EMBEDDED
    assert run("rejected", "replay", "--log", url, "--all").status == 0
    for partition in range(PARTITIONS_EMBEDDED):
        dumped = run("log", "dump", "--log", url, "--partition", str(partition))
        assert [strange in line for line in dumped.lines] == [True, True]


def test_topics_are_made_once_and_checked(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert "pings" in run("topics", "create", "--log", url, "--partitions", "3").err
    assert "none" in run("topics", "create", "--log", url, "--partitions", "3").err
    assert run("topics", "check", "--log", url, "--partitions", "3").status == 0
    found = run("topics", "check", "--log", url, "--partitions", "5")
    assert found.status == 2
    assert "partitions" in found.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tail", "--log", "mysql:x"), "--log"),
        (("tail", "--log", "sqlite:/nowhere/at/all.db"), "/nowhere/at/all.db"),
        (("log", "dump", "--log", "sqlite:/nowhere/at/all.db", "--partition", "0"), "/nowhere"),
        (("worker", "--log", "sqlite:x.db", "--regions", "nothing.geojson"), "nothing.geojson"),
    ],
)
def test_what_can_not_be_opened_is_one_line_and_status_2(arguments: tuple[str, ...], said: str) -> None:
    found = run(*arguments)
    assert found.status == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 1


def test_topics_with_different_numbers_of_partitions_stop_a_worker_s_start(town: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"

    async def make() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([one for one in topics(1) if one.name == TRACKS])

    asyncio.run(make())
    assert run("topics", "create", "--log", url, "--partitions", "2").status == 0
    found = run("worker", "--log", url, "--regions", town, "--until-idle")
    assert found.status == 2
    assert "tracks: partitions is 1; it must be 2" in found.err


def test_a_topic_that_is_set_otherwise_is_a_warning_with_the_fix(town: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"

    async def make() -> None:
        async with open_log(tmp_path / "log.db") as log:
            await log.create([dataclasses.replace(one, keep_ms=1000) for one in topics(1) if one.name == PINGS])

    asyncio.run(make())
    assert run("topics", "create", "--log", url, "--partitions", "1").status == 0
    found = run("worker", "--log", url, "--regions", town, "--until-idle")
    assert found.status == 0
    assert "WARNING topic topic=pings setting=keep_ms found=1000 wanted=86400000 fix=" in found.err


def test_sigterm_ends_a_worker_in_order_within_five_seconds(town: Path, walk: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("append", "--log", url, walk).status == 0
    command = [sys.executable, "-m", "service.cli", "worker", "--log", url, "--regions", str(town)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while " ready " not in said:
            said = process.stderr.readline()
            assert said, "the worker ended"
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait() == 0
    assert time.monotonic() - begun < 5
    assert "drained" in rest
    assert "cut_off" not in rest


def test_sigterm_ends_a_worker_within_five_seconds_though_its_log_hangs(town: Path, walk: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("append", "--log", url, walk).status == 0
    command = [sys.executable, "-m", "service.cli", "worker", "--log", url, "--regions", str(town)]
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        while " restoring " not in process.stderr.readline():
            pass
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert time.monotonic() - begun < 5
    assert "WARNING late" in said


def test_a_log_that_somebody_owns_is_refused_with_the_owner(town: Path, walk: Path, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("append", "--log", url, walk).status == 0
    command = [sys.executable, "-m", "service.cli", "worker", "--log", url, "--regions", str(town)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while " ready " not in process.stderr.readline():
            pass
        found = run("append", "--log", url, walk)
        assert found.status == 2
        assert str(process.pid) in found.err
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
