"""What time brings: dwells, forgetting, consent; and the ticks by which a worker tells itself of it."""

import dataclasses
from pathlib import Path

from runs import SETTINGS, Faults, World, device_partition
from worlds import DAY_S, at, consent, erase, overlay, partition, ping, walk

from geofence.control import Tick
from geofence.wire import decode_control
from geofence.wire_events import decode_event
from ingest.ticking import Ticking
from ingest.topics import PINGS, PRESENCE, TRACKS

ROW, FENCES = partition(), overlay(dwell_s=100)


def world(folder: Path, *versions, **settings) -> World:
    return World(folder / "log.db", list(versions) or [ROW], settings=dataclasses.replace(SETTINGS, **settings))


def causes(lines: list[bytes]) -> list[str]:
    return [decode_event(line).data.cause for line in lines]


def ticks(its: World) -> int:
    return sum(dict(headers).get("kind") == b"tick" for _, _, _, headers in its.records(PINGS))


def test_a_dwell_is_told_though_the_device_sends_nothing_more(tmp_path: Path) -> None:
    its = world(tmp_path, FENCES)
    its.pour(walk("A 0 A 30 A 60"))
    its.work()
    assert ticks(its) == 0
    its.now_ms = at(161)
    its.work()
    told = its.check_against_replay(tmp_path)["d"]
    assert [decode_event(line).type.rpartition(".")[2] for line in told].count("dwelled") == 3
    assert ticks(its) >= 1


def test_a_silent_device_is_forgotten_once_whether_or_not_others_ping(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour([*walk("A 0 A 60"), *walk("B 61 B 120", "e")])
    its.work()
    its.now_ms = at(31 * DAY_S)
    its.work()
    its.work()
    told = its.check_against_replay(tmp_path)
    assert causes(told["d"]) == causes(told["e"]) == ["first_fix", "expired"]
    assert its.presence() == {}
    its.now_ms = at(40 * DAY_S)
    its.work()
    assert list(its.restored(device_partition("d")).devices()) == [], "the bar has ended too"
    its.check_against_replay(tmp_path)


def test_ticks_are_few_and_stop(tmp_path: Path) -> None:
    """One is enough for all that is due at a time; nothing more is due, nothing more is appended."""
    its = world(tmp_path, FENCES)
    its.pour(walk("A 0 A 30 A 60"))
    its.now_ms = at(1000)
    its.work()
    many = ticks(its)
    its.now_ms = at(2000)
    its.work()
    assert ticks(its) == many == 1


def test_withdrawn_consent_leaves_no_track_no_presence_and_one_event(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour([*walk("A 0 A 60"), consent("d", False, 70), *walk("B 120 B 180")])
    its.work()
    told = its.check_against_replay(tmp_path)["d"]
    assert causes(told) == ["first_fix", "consent"]
    assert its.presence() == {}
    assert its.letters() == [], "a ping without consent is kept nowhere"
    assert its.status.of(device_partition("d"), 0).counts["no_consent"] == 2


def test_where_consent_is_required_nothing_is_known_before_it(tmp_path: Path) -> None:
    its = world(tmp_path, consent="required")
    its.pour([*walk("A 0 A 60"), consent("d", True, 70), *walk("B 120 B 180"), ping("A", 200, "e")])
    its.work()
    told = its.check_against_replay(tmp_path)
    assert causes(told["d"]) == ["first_fix"]
    assert set(told) == {"d"}
    assert its.letters() == []
    assert {key for _, key, _, _ in its.records(TRACKS)} == {b"d", b"\x00partition"}


def test_erasing_makes_tombstones_even_of_who_was_nowhere(tmp_path: Path) -> None:
    its = world(tmp_path)
    its.pour([ping("A", 0), erase("d", 60)])
    its.work()
    its.check_against_replay(tmp_path)
    assert [value is None for _, _, value, _ in its.records(PRESENCE)][-1]
    assert its.presence() == {}


def test_presence_is_told_at_crossings_and_once_an_hour(tmp_path: Path) -> None:
    its = world(tmp_path, batch_records=1)
    its.pour([ping("A", 60 * minute) for minute in range(180)])
    its.work()
    assert 3 <= len(its.records(PRESENCE)) <= 6
    its.check_against_replay(tmp_path)


class _Due:
    """A fence that is due something at a time."""

    clock_ms = 0

    def __init__(self, due_ms: int | None) -> None:
        self.due, self.asked = due_ms, 0

    def due_ms(self) -> int | None:
        self.asked += 1
        return self.due


def test_a_tick_is_appended_when_due_and_not_again_before_it_is_read() -> None:
    now = [1000]
    fence = _Due(1500)
    ticking = Ticking(fence, 0.1, lambda: now[0])  # type: ignore[arg-type]
    assert ticking.tick() is None
    assert ticking.wait_s() == 0.1
    assert ticking.tick() is None
    assert fence.asked == 1
    now[0] = 1500
    assert ticking.tick() == Tick(at_ms=1500)
    now[0] = 1700
    assert ticking.tick() is None
    fence.clock_ms, now[0] = 1500, 1900
    assert ticking.tick() == Tick(at_ms=1900)


def test_very_many_that_are_due_at_once_are_told_in_many_commits(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("geofence.fence.TICK_MOST", 3)
    its = world(tmp_path, ROW, FENCES)
    devices = [f"d{number:02d}" for number in range(40)]
    its.pour([step for device in devices for step in walk("A 0 A 30 A 60", device)])
    its.work()
    its.now_ms = at(31 * DAY_S)
    faults = Faults(range(3, 60, 5), only=("before commit", "after commit"))
    its.work(faults)
    told = its.check_against_replay(tmp_path)
    assert all(causes(told[device]).count("expired") == 4 for device in devices), "one of the row, three of the fences"
    assert ticks(its) > 2 * 40 / 3
    assert sum(faults.struck.values()) > 5


def test_a_tick_in_the_log_is_a_control_record_like_any_other(tmp_path: Path) -> None:
    its = world(tmp_path, FENCES)
    its.pour(walk("A 0 A 30 A 60"))
    its.now_ms = at(1000)
    its.work()
    [value] = [value for _, _, value, headers in its.records(PINGS) if headers]
    assert isinstance(decode_control(value or b""), Tick)


def test_a_clock_that_is_put_back_silences_no_tick() -> None:
    now, fence = [90_000_000], _Due(None)
    ticking = Ticking(fence, 0.1, lambda: now[0])  # type: ignore[arg-type]
    assert ticking.tick() is None
    fence.due, now[0] = 1500, 2000
    assert ticking.tick() == Tick(at_ms=2000)


def test_a_clock_that_is_behind_the_partition_s_appends_a_tick_once_in_a_while() -> None:
    now, fence = [1000], _Due(1500)
    fence.clock_ms = 2000
    ticking = Ticking(fence, 0.1, lambda: now[0])  # type: ignore[arg-type]
    assert [ticking.tick() for _ in range(3)] == [Tick(at_ms=1000), None, None]
    now[0] = 1100
    assert [ticking.tick() for _ in range(3)] == [Tick(at_ms=1100), None, None]
