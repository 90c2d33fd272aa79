"""The worker on the embedded log: a replay of its input is the judge, whatever happens on the way."""

import asyncio
import dataclasses
import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from runs import SETTINGS, Faults, World
from worlds import (
    SHIFTED,
    at,
    consent,
    erase,
    overlay,
    partition,
    ping,
    scripts,
    switch,
    tick,
    walk,
)

from geofence.instant import text_of
from geofence.wire_events import decode_event
from ingest.outgoing import state_records
from ingest.settings import WorkerSettings
from ingest.topics import CHANGES, PARTITION_KEY
from stream.port import Unavailable
from stream.sqlite.claim import SqliteGrip

ROW, FENCES = partition(), overlay(dwell_s=100)
MOVED, GONE = partition(SHIFTED), overlay({})
POINTS = ("before take", "after take", "before restore", "amid restore", "after restore", "batch", "before commit",
          "after commit")  # fmt: skip


def world(folder: Path, **more) -> World:
    return World(folder / "log.db", [ROW, FENCES], [MOVED, GONE], **more)


def script() -> list:
    devices = [f"d{number}" for number in range(12)]
    crowd = [one for device in devices for one in walk("A 0 A 60 A 120 B 180 B 240 B 300 B 360", device)]
    crowd.sort(key=lambda one: one.time_ms)
    some, rest = crowd[:50], crowd[50:]
    return [
        consent("d1", True, 0), *some, erase("d2", 250), switch(MOVED, 260), *rest, tick(400), switch(GONE, 410),
        consent("d3", False, 420), ping("C", 500, "d4"), ping((200.0, 0.0), 501, "d5"),
        switch(ROW, 510), *walk("C 600 C 660 C 720", "d6"),
    ]  # fmt: skip


def test_a_run_tells_what_a_replay_of_its_input_tells(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour(script())
    its.work()
    told = its.check_against_replay(tmp_path)
    causes = {decode_event(line).data.cause for lines in told.values() for line in lines}
    assert causes == {"first_fix", "moved", "boundary", "consent"}
    assert [letter.reason for letter in its.letters()] == ["lon_range"]


@pytest.mark.parametrize("point", POINTS)
def test_whatever_fails_the_same_is_told_once(tmp_path: Path, point: str) -> None:
    its = world(tmp_path, settings=dataclasses.replace(SETTINGS, batch_records=7))
    its.pour(script())
    faults = Faults(range(1, 200, 3), only=(point, "after commit"))  # a life before, so that there is what to restore
    its.work(faults)
    its.check_against_replay(tmp_path)
    assert faults.struck[point]


def test_a_cancellation_that_nobody_asked_for_is_a_failure_like_any_other(tmp_path: Path) -> None:
    visits = count(1)

    def cancelled(point: str) -> None:
        if point == "after commit" and next(visits) in (1, 4):
            raise asyncio.CancelledError

    its = world(tmp_path, settings=dataclasses.replace(SETTINGS, batch_records=7))
    its.pour(script())
    its.work(cancelled)
    assert next(visits) > 5
    its.check_against_replay(tmp_path)


@settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # each run takes a while
@given(
    script=scripts(library=[ROW, MOVED, FENCES, GONE]),
    visits=st.sets(st.integers(1, 80), max_size=12),
    batch=st.integers(1, 20),
    required=st.booleans(),
)
def test_any_run_with_any_faults_is_as_its_replay(script, visits, batch, required) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        more = WorkerSettings(
            backoff_s=0.001, backoff_most_s=0.01, tick_s=0.001, batch_records=batch, sweep_devices=1,
            consent="required" if required else "assumed",
        )  # fmt: skip
        its = world(folder, settings=more)
        its.pour(script)
        its.work(Faults(visits))
        its.check_against_replay(folder)


def test_what_has_been_taken_is_not_told_again_by_the_next_worker(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour(walk("A 0 A 60 A 120"))
    its.work()
    before = its.check_against_replay(tmp_path)
    its.work()
    assert its.events() == before
    its.pour(walk("B 180 B 240 B 300"))
    its.work()
    after = its.check_against_replay(tmp_path)
    assert after["d"][: len(before["d"])] == before["d"]
    assert len(after["d"]) > len(before["d"])


def test_an_idle_partition_commits_nothing(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour(walk("A 0 A 60"))
    its.work()
    before = its.records("tracks")
    its.work()
    assert its.records("tracks") == before


def test_event_times_come_from_the_log(tmp_path: Path) -> None:
    """The device's clock says when it was where, the log's when that was received."""
    its = world(tmp_path)
    its.pour(walk("A 0 A 60"), times=[at(1000), at(1001)])
    its.work()
    event = decode_event(its.events()["d"][0])
    assert event.data.received_at == text_of(at(1000))


def test_settings_refuse_what_can_not_be() -> None:
    for bad in ({"consent": "maybe"}, {"max_age_s": 9e9}, {"batch_records": 0}, {"source": ""}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            WorkerSettings(**bad)
    assert SETTINGS.consent == "assumed"


def test_the_judge_finds_out_a_worker_that_keeps_only_important_rows(tmp_path: Path, monkeypatch) -> None:
    def important(fence):
        slots = fence._devices.told.listed[: int(fence._devices.told.many[0])].tolist()
        told = {fence._devices.name(slot).encode() for slot in slots if fence._devices.roster.holds(slot)}
        tracks, presence = state_records(fence)
        return [row for row in tracks if row.key in {*told, PARTITION_KEY} or row.value is None], presence

    monkeypatch.setattr("ingest.pipeline.state_records", important)
    its = world(tmp_path, settings=dataclasses.replace(SETTINGS, batch_records=7))
    its.pour(script())
    its.work(Faults(range(1, 200, 3), only=("after commit",)))
    with pytest.raises(AssertionError):
        its.check_against_replay(tmp_path)


def test_the_judge_finds_out_a_worker_that_commits_its_events_on_their_own(tmp_path: Path, monkeypatch) -> None:
    both, counter = SqliteGrip.commit, count(1)

    async def one_by_one(self, outgoing, offset) -> None:
        await both(self, [some for some in outgoing if some.topic == CHANGES], self.offset)
        if next(counter) in (1, 3, 6):
            raise Unavailable("made up, between the two")
        await both(self, [some for some in outgoing if some.topic != CHANGES], offset)

    monkeypatch.setattr(SqliteGrip, "commit", one_by_one)
    its = world(tmp_path, settings=dataclasses.replace(SETTINGS, batch_records=7))
    its.pour(script())
    its.work()
    with pytest.raises(AssertionError):
        its.check_against_replay(tmp_path)
