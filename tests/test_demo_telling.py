"""What is printed of the pretend phones: one line for each crossing, columns under each other, parts that add up."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import islice

import click
import pytest
from msgspec.structs import replace
from shapely import box

from geofence.atlas import Atlas
from geofence.ping import Ping
from geofence.region import Region, Version
from service.demo.beside import Beside, Tally
from service.demo.phones import Neighbour
from service.demo.scenarios import BEGIN_MS, STORIES, events_of, phone_events
from service.demo.telling import Flow, beside_line, event_line, status_line
from service.showing import outcomes_once


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def lines(story: str) -> list[str]:
    told = (event_line(event) for event in phone_events(story, "phone-1", source="demo"))
    return [line for line in told if line is not None]


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("move", ["08:03:20  phone-1    West Side → East Side                     2 pings, 20 s"]),
        ("flap", []),
        ("boundary", ["08:02:00  phone-1    region redrawn: West Side → East Side, without a ping"]),
        ("consent", ["08:02:00  phone-1    forgotten: districts is told no more"]),
        ("silent", ["09:01:00  phone-1    silent for too long: last in West Side"]),
    ],
)
def test_a_crossing_is_one_line(story: str, told: list[str]) -> None:
    assert lines(story) == told


def test_a_fence_is_entered_stayed_in_and_left() -> None:
    told = [re.sub(r"^\S+  \S+ +(.*?)(  .*)?$", r"\1", line) for line in lines("fence")]
    assert told == ["entered City Park", "stays in City Park", "left City Park"]


def test_where_a_device_was_first_seen_is_no_news() -> None:
    firsts = [event for event in islice(events_of("move", source="demo"), 20) if event.data.cause == "first_fix"]
    assert len(firsts) == 10
    assert {event_line(event) for event in firsts} == {None}


def test_colour_adds_nothing_but_colour() -> None:
    for story in STORIES:
        for event in phone_events(story, "phone-1", source="demo"):
            plain, coloured = event_line(event), event_line(event, colour=True)
            assert (plain is None) == (coloured is None)
            if plain is not None and coloured is not None:
                assert plain != coloured
                assert click.unstyle(coloured).rstrip() == plain


def test_control_characters_of_a_name_do_not_reach_the_terminal() -> None:
    moved = list(phone_events("move", "phone-1", source="demo"))[-1]
    line = event_line(replace(moved, subject="a\x1b[31m"))
    assert line is not None
    assert line.isprintable()


def test_a_home_beside_a_border_says_how_often_raw_switching_told() -> None:
    home = Neighbour("home-1", "us-counties", 9.0)
    told = beside_line(Tally(home, 61, 0), at_ms=BEGIN_MS)
    assert told == "08:00:00  home-1     lies 9 m from a border: raw switching 61 events, here 0"
    assert "raw switching 1 event, here 0" in beside_line(Tally(home, 1, 0), at_ms=BEGIN_MS)


def test_news_of_a_home_come_seldom_and_never_twice() -> None:
    home = Neighbour("home-1", "us-counties", 9.0)
    beside, told = Counting(home), []
    for raw in range(1, 121):
        beside.raw = raw
        told += [tally.raw for tally in beside.news()]
    assert told == [2, 5, 10, 20, 50, 100]


@pytest.mark.parametrize(
    ("flow", "told"),
    [
        (Flow(1.0, {"confirmed": 3, "quiet": 36, "pending": 2}, 18.2),
         "in 41/s = confirmed 3 + quiet 36 + pending 2 · p99 18 ms"),
        (Flow(10.0, {"quiet": 28, "confirmed": 1}), "in 2.9/s = confirmed 0.1 + quiet 2.8 + pending 0.0"),
        (Flow(1.0, {"quiet": 20, "late": 3, "rejected": 0}), "in 23/s = confirmed 0 + quiet 20 + pending 0 + late 3"),
        (Flow(10.0, {}), "in 0.0/s = confirmed 0.0 + quiet 0.0 + pending 0.0"),
    ],
)  # fmt: skip
def test_the_flow_is_one_line(flow: Flow, told: str) -> None:
    assert status_line(flow) == told


@pytest.mark.parametrize("seconds", [0.7, 3.0, 7.0, 30.0])
@pytest.mark.parametrize("counts", [(1, 1, 1), (5, 118, 7), (1, 2, 30), (333, 334, 335)])
def test_the_parts_of_the_flow_add_up_as_printed(seconds: float, counts: tuple[int, int, int]) -> None:
    told = status_line(Flow(seconds, dict(zip(("confirmed", "quiet", "pending"), counts, strict=True))))
    whole, *parts = (float(number) for number in re.findall(r"\d+\.?\d*", told))
    assert whole == pytest.approx(sum(parts))
    assert whole == pytest.approx(sum(counts) / seconds, abs=0.5 if sum(counts) >= 10 * seconds else 0.05)


def test_raw_switching_and_ours_are_counted_of_neighbours_alone() -> None:
    home = Neighbour("phone-1", "districts", 9.0)
    other = Neighbour("phone-2", "no-such-layer", 9.0)
    districts = Version.of("districts", [Region("west", box(0, 0, 1, 1)), Region("east", box(1, 0, 2, 1))])
    beside = Beside([home, other], {"districts": Atlas(districts)})
    for device in ("phone-1", "phone-2", "phone-3"):
        lons = (0.9999, 0.9998, 1.0001, 1.0002, 0.9999)
        beside.see([Ping(device=device, lon=lon, lat=0.5, time_ms=BEGIN_MS) for lon in lons])
        for event in phone_events("move", device, source="demo"):
            beside.hear(event)
    assert beside.tallies() == [Tally(home, raw=2, ours=1)]


class Counting(Beside):
    """Counts that the test sets."""

    def __init__(self, neighbour: Neighbour) -> None:
        super().__init__([neighbour], {})
        self.neighbour, self.raw = neighbour, 0
        self._told = {neighbour.name: 0}

    def tallies(self) -> list[Tally]:
        return [Tally(self.neighbour, self.raw, 0)]


def test_pings_are_counted_once_though_layers_come_while_they_are_counted() -> None:
    counted = Counter({(0, "old", "quiet"): 7, (0, "old", "confirmed"): 3, (0, "a-new-one", "quiet"): 2})
    counted.update({(1, "a-new-one", "pending"): 5, (1, "old", "quiet"): 5})
    assert outcomes_once(counted) == {"quiet": 7, "confirmed": 3, "pending": 5}
