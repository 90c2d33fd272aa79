"""Presence: who is told of, when, and what is said."""

from dataclasses import replace

from worlds import FENCES, SHIFTED, at, consent, fence, overlay, partition, ping, play, switch, tick, walk

from geofence.hysteresis import BALANCED
from geofence.presence import Presence, decode_presence

ROW, OVER, MOVED = partition(names={"A": "Alpha"}), overlay(), partition(SHIFTED)
HOUR_S = 3600


def told(its) -> dict[str, Presence | None]:
    return {device: value and decode_presence(value) for device, value in its.presences()}


def test_a_presence_tells_each_layer_in_its_own_way() -> None:
    its = fence(ROW, overlay({"inner": FENCES["inner"]}))
    play(its, walk("A 0 A 60", user="u"))
    found = told(its)["d"]
    assert found is not None
    assert (found.device, found.user) == ("d", "u")
    assert at(0) // 3_600_000 == at(60) // 3_600_000
    [stay] = found.layers["row"].stays
    assert (stay.id, stay.name) == ("A", "Alpha")
    assert found.layers["row"].sequence == 1
    assert [stay.id for stay in found.layers["fences"].stays] == ["inner"]


def test_outside_is_a_stay_and_unknown_is_none() -> None:
    its = fence(ROW)
    play(its, walk("A 0 A 60 sea 120 sea 180 sea 240 sea 300"), ping("A", 301, "e", 30_000.0))
    found = told(its)
    assert found["d"].layers["row"].stays[0].id is None
    assert found["e"].layers["row"].stays == ()


def test_nothing_new_is_not_told_again_within_the_hour() -> None:
    its = fence(ROW)
    begin = (-at(0) // 1000) % HOUR_S  # a full hour
    play(its, [ping("A", begin + second) for second in (0, 60, 120)])
    assert list(told(its)) == ["d"]
    play(its, ping("A", begin + 180))
    assert told(its) == {}
    play(its, ping("A", begin + HOUR_S))
    assert list(told(its)) == ["d"]
    play(its, ping("A", begin + HOUR_S + 1, user="another"))
    assert list(told(its)) == ["d"]


def test_who_is_moved_by_a_switch_is_told_of() -> None:
    its = fence(ROW, library=[MOVED])
    play(its, walk("A 0 A 60"), walk("N 0 N 60", "north"))
    told(its)
    play(its, switch(MOVED, 70))
    found = told(its)
    assert set(found) == {"d", "north"}
    assert {one.layers["row"].version for one in found.values()} == {MOVED.hash}


def test_nothing_is_left_of_who_withdraws() -> None:
    its = fence(ROW, OVER)
    play(its, walk("A 0 A 60"), consent("d", False, 70), tick(80))
    assert told(its) == {"d": None}


def test_what_becomes_known_without_a_crossing_is_told() -> None:
    coarse = replace(BALANCED, ignore_worse_than_m=100.0)
    its = fence(ROW, overlay({"inner": FENCES["inner"]}, rule=coarse))
    play(its, ping("sea", 0, accuracy_m=2000.0))
    found = told(its)["d"]
    assert found is not None
    assert found.layers["row"].stays == ()
    assert "fences" not in found.layers
    play(its, walk("sea 60 sea 120 sea 180 sea 240 sea 300 sea 360"))
    found = told(its)["d"]
    assert found is not None
    assert found.layers["row"].stays[0].id is None
    assert found.layers["fences"].stays == ()
