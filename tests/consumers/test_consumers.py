"""The consumers in examples/ on a real broker with a real worker's events: killed and shared out, each effect once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from broker import Cluster, running, tied
from commands import run
from consuming import EXAMPLES, LANGUAGES, Program, built, complaints_of_typescript, stop
from runs import World
from test_worker import FENCES, ROW
from test_worker_kafka import OnKafka
from worlds import erase, walk

from geofence.crossing import Cause, Change, Crossing, Place
from geofence.presence import LayerPresence, Presence, Stay
from geofence.wire_events import encode_binary, event_of
from ingest.topics import CHANGES, PRESENCE
from stream.port import Record

DAY_MS = 86_400_000
CROWD = 600
COUNT = "SELECT count(*) FROM moved"


def event(device: str, region: str, sequence: int, *, ago_ms: int = 0, kind: str = "geofence.region.changed") -> Record:
    """An event of the layer `town`, as a worker writes it; no region: out of `a`."""
    now_ms = time.time_ns() // 1_000_000 - ago_ms
    crossing = Crossing(
        device=device, layer="town", change=Change.CHANGED, cause=Cause.MOVED,
        origin=None if region else Place("a"), target=Place(region) if region else None,
        born_ms=1, sequence=sequence, occurred_ms=now_ms, confirmed_ms=now_ms, received_ms=now_ms,
    )  # fmt: skip
    headers, data = encode_binary(event_of(crossing, source="test"))
    told = tuple((name, text.encode()) for name, text in (headers | {"ce_type": kind}).items())
    return Record(device.encode(), data, told, now_ms)


def presence(device: str, region: str) -> Record:
    """A device in a region of the layer `town`."""
    now = "2026-01-31T08:00:00.000Z"
    layers = {"town": LayerPresence((Stay(now, region),), 1, "v")}
    return Record(device.encode(), msgspec.json.encode(Presence(device=device, seen=now, layers=layers)))


def identity(record: Record) -> str:
    """The id of an event."""
    return dict(record.headers)["ce_id"].decode()


class Story:
    """What happens on the log, and what the programs make of it: `programs` has them when all is over."""

    def __init__(self, its: World, bootstrap: str, programs: dict[str, Program]) -> None:
        self._its, self.bootstrap, self.programs = its, bootstrap, programs
        self.crowd = [event(f"d{number % 7}", "ab"[number % 2], number + 1) for number in range(CROWD)]
        self.ended: dict[str, list[int]] = {language: [] for language in programs}
        self.at_first: dict[str, list[str]] = {}

    def happen(self) -> None:
        """From the first record to the last process."""
        self._before()
        self._killed_midway()
        self._meanwhile()
        self._shared_out()

    def _before(self) -> None:
        self._its.pour([])
        self.append(CHANGES, [event("old", "a", 1, ago_ms=DAY_MS), event("gone", "", 2)])
        self._its.pour([*walk("A 0 A 60 A 120", "stays"), *walk("A 0 A 60 B 180 B 240 B 300", "moves")])
        self._its.pour([*walk("A 0 A 60 A 120", "erased"), *walk("A 0 A 60 far 9000 far 9060 far 9120", "outside")])
        self._its.work()
        self.append(PRESENCE, [presence("old", "a"), presence("gone", "a"), Record(b"gone", None)])
        self.abort()

    def _killed_midway(self) -> None:
        processes = {language: program.start() for language, program in self.programs.items()}
        known = len(self.told()) - 1  # the one of yesterday is known from `presence` alone
        try:
            for language, program in self.programs.items():
                program.wait(COUNT, least=known)
                self.at_first[language] = program.column("SELECT device FROM inside WHERE layer = 'town'")
            self.append(CHANGES, self.crowd[: CROWD // 2])
            for language, program in self.programs.items():
                program.wait(COUNT, least=known + 1)
                processes[language].kill()
        finally:
            for process in processes.values():
                process.kill()
                process.wait()

    def _meanwhile(self) -> None:
        self.abort()
        self.append(CHANGES, [self.crowd[0], event("d1", "moon", 9999, kind="geofence.region.orbited")])
        self._its.pour([*walk("B 9600 A 9660 A 9720 A 9780", "moves"), erase("erased", 9800), erase("outside", 9801)])
        self._its.work()

    def _shared_out(self) -> None:
        """Two instances of each, of which one is stopped while events come."""
        pairs = {language: [program.start(), program.start()] for language, program in self.programs.items()}
        try:
            middle, last = CROWD // 2, 3 * CROWD // 4
            self.append(CHANGES, self.crowd[middle:last])
            for program in self.programs.values():
                program.wait(COUNT, least=len(self.told()) - 2)
            for language, (one, _) in pairs.items():
                self.ended[language].append(stop(one))
            self.append(CHANGES, self.crowd[last:])
            self.append(PRESENCE, [presence(f"d{number}", self.region_of(f"d{number}")) for number in range(7)])
            for language, (_, other) in pairs.items():
                self.programs[language].wait(COUNT, least=len(self.told()) - 2)
                self.programs[language].wait(_BLANK, least=self.erased())
                self.ended[language].append(stop(other, signal.SIGINT))
        finally:
            for process in (process for pair in pairs.values() for process in pair):
                process.kill()
                process.wait()

    def told(self) -> set[str]:
        """The ids of all events that were committed."""
        return {dict(headers)["ce_id"].decode() for *_, headers in self._its.records(CHANGES)}

    def erased(self) -> int:
        """How many events there were of those of whom nothing may be left."""
        subjects = (dict(headers)["ce_subject"] for *_, headers in self._its.records(CHANGES))
        return sum(one in (b"erased", b"outside", b"gone") for one in subjects)

    def region_of(self, device: str) -> str:
        """Where the crowd's last event has a device."""
        return [json.loads(one.value or b"")["to"]["id"] for one in self.crowd if one.key == device.encode()][-1]

    def append(self, topic: str, records: Sequence[Record]) -> None:
        """Write records."""

        async def append() -> None:
            async with self._its.open() as log:
                await log.append(topic, records)

        asyncio.run(append())

    def abort(self) -> None:
        """Write as a worker does that dies, twice with the same name: an event, and who is where."""

        async def abort() -> None:
            for number in range(2):
                producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, transactional_id="dies")
                await producer.start()
                try:
                    await producer.begin_transaction()
                    for topic, one in ((CHANGES, event("d0", "never", number)), (PRESENCE, presence("never", "a"))):
                        headers = list(one.headers)
                        await producer.send_and_wait(topic, one.value, key=one.key, headers=headers, partition=0)
                    await producer.abort_transaction()
                finally:
                    await producer.stop()

        asyncio.run(abort())


_BLANK = "SELECT count(DISTINCT id) FROM moved WHERE device IS NULL"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How each program is started, by language; those that can't be built are left out."""
    made: dict[str, Any] = {}
    for language in LANGUAGES:
        try:
            made[language] = built(language, tmp_path_factory.mktemp(language))
        except pytest.skip.Exception as reason:
            made[language] = reason
    return made


@pytest.fixture(scope="module")
def cluster_of_module() -> Iterator[Cluster]:
    """A broker whose topics nobody else writes to."""
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def story(commands: dict[str, Any], cluster_of_module: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """All of it, over."""
    folder, bootstrap = tmp_path_factory.mktemp("story"), cluster_of_module.bootstrap
    programs = {
        language: Program(command("kafka"), folder / f"{language}.db", {"KAFKA": bootstrap, "GROUP": language})
        for language, command in commands.items()
        if callable(command)
    }
    its = Story(OnKafka(folder, [ROW, FENCES], bootstrap=bootstrap), bootstrap, programs)
    its.happen()
    return its


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, commands: dict[str, Any]) -> str:
    """One after the other."""
    if not callable(commands[request.param]):
        raise commands[request.param]
    return str(request.param)


def test_each_event_has_had_its_effect_once_though_the_program_was_killed(story: Story, language: str) -> None:
    program, old = story.programs[language], identity(event("old", "a", 1))
    orbited = identity(event("d1", "moon", 9999))
    assert sorted(program.column("SELECT id FROM moved")) == sorted(story.told() - {old, orbited})
    attempts = Counter(program.column("SELECT id FROM attempts"))
    again = {one: times for one, times in attempts.items() if times > 1}
    assert again == {identity(story.crowd[0]): 2}, "only what was written twice may come twice"


def test_what_was_aborted_is_not_seen(story: Story, language: str) -> None:
    program = story.programs[language]
    assert program.column("SELECT count(*) FROM moved WHERE went_to = 'never'") == [0]
    assert program.column("SELECT count(*) FROM inside WHERE device = 'never'") == [0]


def test_who_is_where_begins_from_presence_and_ends_as_presence_says(story: Story, language: str) -> None:
    assert story.at_first[language] == ["old"], "known from presence alone; who is gone is not"
    expected = [
        (device, layer, stay.id)
        for device, value in story._its.presence().items()
        for layer, its in msgspec.json.decode(value, type=Presence).layers.items()
        for stay in its.stays
        if stay.id is not None
    ]
    assert {device for device, *_ in expected} >= {"stays", "moves", "old", "d0", "d6"}
    assert story.programs[language].rows("SELECT * FROM inside ORDER BY 1, 2, 3") == sorted(expected)


def test_of_who_was_erased_nothing_is_left_but_ids(story: Story, language: str) -> None:
    program = story.programs[language]
    assert program.column("SELECT count(*) FROM moved WHERE device IN ('erased', 'outside', 'gone')") == [0]
    blank = program.rows("SELECT DISTINCT device, layer, came_from, went_to, cause FROM moved WHERE device IS NULL")
    assert blank == [(None, None, None, None, None)]
    assert program.column(_BLANK) == [story.erased()]


def test_positions_that_have_expired_or_lie_beyond_the_end_are_not_gone_on_from(
    story: Story, commands: dict[str, Any], language: str, tmp_path: Path
) -> None:
    its = story.programs[language]
    for where in ("-1", "1000000000"):
        words = {**its.words, "GROUP": f"{language}-lost-{where}"}
        lost = Program(commands[language]("kafka"), tmp_path / f"{where}.db", words)
        places = [(place, where) for place in its.column("SELECT place FROM position")]
        with closing(sqlite3.connect(lost.database)) as database, database:
            database.executemany("INSERT INTO position VALUES (?, ?)", places)
        process = lost.start()
        try:
            lost.wait(f"SELECT count(*) = 0 FROM position WHERE next = '{where}'", least=1)  # noqa: S608
        finally:
            process.kill()
            process.wait()
        assert "begun from presence" in lost.said.read_text()


def test_the_view_of_presence_has_what_holds_now(story: Story) -> None:
    words = {**os.environ, "KAFKA": story.bootstrap, "LAYER": "town"}
    expected: dict[str, list[str]] = {"a": ["old"], "b": []}
    for number in range(7):
        expected[story.region_of(f"d{number}")].append(f"d{number}")
    view = [*tied(), sys.executable, str(EXAMPLES / "python" / "who_is_where.py")]
    with subprocess.Popen(view, env=words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            seen = json.loads(process.stdout.readline())
        finally:
            process.kill()
    assert seen == {region: sorted(devices) for region, devices in expected.items()}


def test_asked_to_end_the_programs_end_well(story: Story, language: str) -> None:
    of_signals = [128 + signal.SIGTERM, 128 + signal.SIGINT]  # a JVM ends so, however well
    assert story.ended[language] == (of_signals if language == "java" else [0, 0])
    assert "Traceback" not in (said := story.programs[language].said.read_text())
    assert language != "java" or said.count("stopped") == 2


def test_the_demos_events_have_the_stated_outcome(commands: dict[str, Any], language: str, tmp_path: Path) -> None:
    fed = run("demo", "events", "--scenario", "move", "--twice").out
    program = Program(commands[language]("lines"), tmp_path / "own.db", {})
    assert program.fed(fed) == [
        "phone-1 changed in districts: - to west (first_fix)",
        "phone-1 changed in districts: west to east (moved)",
        "phone-1 is in east of districts",
    ]
    assert len(program.column("SELECT id FROM attempts")) == 4


def test_a_fence_is_entered_and_left_and_who_withdraws_is_nowhere(
    commands: dict[str, Any], language: str, tmp_path: Path
) -> None:
    fed = run("demo", "events", "--scenario", "fence").out
    fed += run("demo", "events", "--scenario", "erase", "--begin", "2026-02-01T00:00:00Z").out
    told = Program(commands[language]("lines"), tmp_path / "own.db", {}).fed(fed)
    assert [line.split(" in ")[0] for line in told] == [
        "phone-1 changed", "phone-1 entered", "phone-1 dwelled", "phone-1 exited",
        "phone-1 changed", "phone-1 entered", "phone-1 changed", "phone-1 exited",
    ]  # fmt: skip


def test_the_compiler_finds_nothing_in_typescript(tmp_path: Path) -> None:
    assert complaints_of_typescript(tmp_path) == ""


def test_an_event_of_a_newer_kind_stops_the_program(commands: dict[str, Any], language: str, tmp_path: Path) -> None:
    fed = run("demo", "events", "--scenario", "flap").out.replace(b"region-change:1", b"region-change:2")
    program = Program(commands[language]("lines"), tmp_path / "own.db", {})
    assert "this program knows urn:geofence:region-change:1" in "\n".join(program.fed(fed, status=1))
    assert program.column(COUNT) == [0]
