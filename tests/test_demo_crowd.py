"""The pretend phones: what the core makes of an hour of them, over the sample layers around their ways."""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from geofence.atlas import Atlas
from geofence.crossing import Change, Crossing
from geofence.fence import Fence
from geofence.library import Library
from geofence.ping import Ping, Pings
from geofence.region import Version
from geofence.report import Report
from geofence.wire_events import event_of
from service.demo.beside import Beside
from service.demo.crowd import SEED, Crowd
from service.demo.districts import DESK, drawings
from service.demo.driving import LATE_MS, drive
from service.demo.phones import phones
from service.demo.ways import DEGREE_M
from service.layers import versions_of

DATA = Path(__file__).parent.parent / "data"
LAYERS = ("countries", "provinces", "us-counties", "fences")
BEGIN_MS = 1_769_847_300_250
HOUR_MS = 3_600_000
AROUND_DEGREES = 0.5  # wider than any way, and than any margin that matters
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"


@cache
def atlases() -> dict[str, Atlas]:
    """The sample layers, cut to what lies around the phones: the whole world takes ten seconds to compile."""
    spots = [shapely.Point(phone.way.lon, phone.way.lat) for phone in phones()]
    around = shapely.union_all([shapely.box(*spot.buffer(AROUND_DEGREES).bounds) for spot in spots])
    cut = [_cut(version, around) for version in versions_of([str(DATA / f"{name}.geojson.gz") for name in LAYERS])]
    return {version.layer: Atlas(version) for version in cut}


def _cut(version: Version, around: shapely.Geometry) -> Version:
    kept = []
    for region in version.regions:
        shape = shapely.intersection(region.geometry, around)
        parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty]
        if parts:
            kept.append(replace(region, geometry=shapely.MultiPolygon(parts)))
    settings = {"kind": version.kind, "dwell_s": version.dwell_s, "nearest_within_m": version.nearest_within_m}
    return Version.of(version.layer, kept, **settings)


def fence() -> Fence:
    its = {atlas.version.hash: atlas for atlas in atlases().values()}
    versions = [atlas.version for atlas in its.values()]
    return Fence(versions, library=Library(atlases=its), keeps_time=True)


@cache
def hour() -> tuple[list[Ping], Report]:
    """The pings of an hour, and what the core makes of them."""
    pings = Crowd(SEED, BEGIN_MS).pings_until(BEGIN_MS + HOUR_MS)
    return pings, fence().observe(Pings.of(pings))


def moves(report: Report) -> list[Crossing]:
    return [one for one in report.crossings if one.cause == "moved" and one.change is not Change.DWELLED]


def test_the_first_country_crossing_is_confirmed_within_15_seconds() -> None:
    for seed in range(1, 9):
        pings = Crowd(seed, BEGIN_MS).pings_until(BEGIN_MS + 15_000)
        crossed = [one for one in moves(fence().observe(Pings.of(pings))) if one.layer == "countries"]
        assert crossed[0].device == "train-1", seed
        assert (crossed[0].origin.id, crossed[0].target.id) == ("DE", "FR")


def test_an_hour_has_crossings_of_every_kind_in_every_layer() -> None:
    told = Counter((one.layer, str(one.change), str(one.cause)) for one in hour()[1].crossings)
    for layer in ("countries", "provinces", "us-counties"):
        assert told[layer, "changed", "moved"] >= 20, layer
    for change in ("entered", "exited", "dwelled"):
        assert told["fences", change, "moved"] >= 20, change


def test_whoever_has_a_border_on_the_way_crosses_it_every_twenty_minutes_at_least() -> None:
    crossed = Counter((one.device, one.layer) for one in moves(hour()[1]))
    for phone in phones():
        if phone.passes is not None:
            assert crossed[phone.name, phone.passes] >= 4, phone.name


def test_no_ping_is_rejected_late_or_implausible() -> None:
    pings, report = hour()
    assert report.rejected == []
    for layer, counts in report.counts.items():
        assert sum(counts.values()) == len(pings)
        assert set(counts) == {"confirmed", "quiet", "pending"}, layer


def test_one_or_two_or_three_pings_a_second_come_from_forty_phones() -> None:
    pings, _ = hour()
    assert len({ping.device for ping in pings}) == 40
    assert 1.0 <= len(pings) / 3600 <= 3.5
    assert {ping.source.name for ping in pings} == {"GPS", "WIFI", "CELL", "FUSED"}
    gaps_s = np.array([gap for device in _by_device(pings).values() for gap in np.diff([p.time_ms for p in device])])
    assert gaps_s.min() >= 800
    assert gaps_s.max() <= 73_000


def test_homes_beside_a_border_make_raw_switching_flap_dozens_of_times_and_us_not_once() -> None:
    pings, report = hour()
    beside = Beside(Crowd(SEED, BEGIN_MS).neighbours(), atlases())
    beside.see(pings)
    for crossing in report.crossings:
        beside.hear(event_of(crossing, source="test"))
    tallies = {tally.neighbour.name: tally for tally in beside.tallies()}
    assert set(tallies) == {"home-1", "home-2", "home-3", "home-4"}
    for name, tally in tallies.items():
        assert tally.raw >= 24, name
        assert tally.ours == 0, name


def test_homes_lie_as_near_to_their_border_as_is_said() -> None:
    ways = {phone.name: phone.way for phone in phones()}
    for neighbour in Crowd(SEED, BEGIN_MS).neighbours():
        lon, lat = ways[neighbour.name].place(0.0)
        margin_m = float(atlases()[neighbour.layer].locate([lon], [lat]).margin_m[0])
        assert margin_m == pytest.approx(neighbour.away_m, abs=0.5), neighbour.name
        assert ways[neighbour.name].place(1e6) == (lon, lat)


def test_desks_and_homes_never_cross_a_border() -> None:
    assert {one.device for one in moves(hour()[1]) if one.device.startswith(("home", "desk"))} == set()


def test_a_desk_lies_in_another_district_of_each_drawing_far_from_every_border() -> None:
    desk, found = next(one for one in phones() if one.name == DESK), list[str]()
    lon, lat = desk.way.place(0.0)
    for drawing in drawings():
        features = json.loads(drawing)["features"]
        shapes = {one["properties"]["name"]: shapely.from_geojson(json.dumps(one["geometry"])) for one in features}
        inside = {name: shape for name, shape in shapes.items() if shape.contains(shapely.Point(lon, lat))}
        found += inside
        assert min(shape.exterior.distance(shapely.Point(lon, lat)) for shape in inside.values()) * DEGREE_M > 700
    assert found == ["North", "Centre"]


def test_nobody_is_faster_than_a_train() -> None:
    for phone in phones():
        places = [phone.way.place(float(second)) for second in range(1300)]
        for (lon, lat), (next_lon, next_lat) in pairwise(places):
            east_m = (next_lon - lon) * DEGREE_M * math.cos(math.radians(lat))
            metres = math.hypot(east_m, (next_lat - lat) * DEGREE_M)
            assert metres <= (2.0 if phone.name.startswith("walker") else 70.0), phone.name


def test_the_same_seed_gives_the_same_pings_in_any_steps_and_another_seed_others() -> None:
    at_once = Crowd(SEED, BEGIN_MS).pings_until(BEGIN_MS + 60_000)
    crowd = Crowd(SEED, BEGIN_MS)
    stepwise = [ping for step in range(61) for ping in crowd.pings_until(BEGIN_MS + step * 1000)]
    assert stepwise == at_once
    assert [ping.time_ms for ping in at_once] == sorted(ping.time_ms for ping in at_once)
    assert Crowd(SEED + 1, BEGIN_MS).pings_until(BEGIN_MS + 60_000) != at_once


@pytest.mark.parametrize("pause_s", [3.0, 60.0, 1234.5])
def test_after_a_restart_they_go_on_without_a_jump(pause_s: float) -> None:
    stop_ms = BEGIN_MS + 400_000
    again_ms = stop_ms + round(pause_s * 1000)
    before = Crowd(SEED, BEGIN_MS).pings_until(stop_ms)
    after = Crowd(SEED, BEGIN_MS, since_ms=again_ms).pings_until(again_ms + 400_000)
    assert {ping.device for ping in after if ping.time_ms < again_ms + 2_000} >= set(Crowd(SEED, BEGIN_MS).names())
    report = fence().observe(Pings.of([*before, *after]))
    for counts in report.counts.values():
        assert set(counts) == {"confirmed", "quiet", "pending"}
    countries = [one for one in report.crossings if one.layer == "countries"]
    first_fixes = Counter(one.device for one in countries if one.cause == "first_fix")
    assert set(first_fixes.values()) == {1}


def test_after_a_restart_a_crossing_comes_within_twenty_seconds_nearly_always() -> None:
    times_s = np.unique([one.confirmed_ms for one in moves(hour()[1])]) / 1000.0
    gaps_s = np.diff(times_s)
    assert np.clip(gaps_s - 20.0, 0.0, None).sum() / gaps_s.sum() < 0.03
    assert gaps_s.max() < 45.0


def test_driving_sends_each_ping_once_when_it_is_due_and_leaves_out_what_a_sleep_missed() -> None:
    asleep_ms = BEGIN_MS + 60_000
    sent, now = _drive(Crowd(SEED, BEGIN_MS), until_ms=BEGIN_MS + 400_000, sleeps_at_ms=asleep_ms, for_ms=200_000)
    assert now >= BEGIN_MS + 400_000
    awake = [(at, ping) for at, ping in sent if at < asleep_ms]
    assert [ping for _, ping in awake] == Crowd(SEED, BEGIN_MS).pings_until(max(ping.time_ms for _, ping in awake))
    assert all(0 <= at - ping.time_ms <= LATE_MS for at, ping in sent)
    missed = range(asleep_ms + 1_000, asleep_ms + 200_000)
    assert not [ping for _, ping in sent if ping.time_ms in missed]
    assert len([ping for _, ping in sent if ping.time_ms >= asleep_ms + 200_000]) > 300


def test_a_crowd_that_set_out_long_ago_begins_now_and_what_sending_raises_ends_the_drive() -> None:
    now = BEGIN_MS + 5 * HOUR_MS
    sent: list[Ping] = []

    async def send(pings: list[Ping]) -> None:
        sent.extend(pings)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        asyncio.run(drive(Crowd(SEED, BEGIN_MS), send, lambda: now))
    assert [ping.time_ms for ping in sent] == [now]


@pytest.mark.skipif(not LONG, reason="six hours of five crowds; HYPOTHESIS_PROFILE=torture runs it")
@pytest.mark.parametrize("seed", range(1, 6))
def test_homes_stay_where_they_are_for_six_hours(seed: int) -> None:
    report = fence().observe(Pings.of(Crowd(seed, BEGIN_MS).pings_until(BEGIN_MS + 6 * HOUR_MS)))
    assert Counter(one.device for one in moves(report) if one.device.startswith(("home", "desk"))).total() <= 1
    assert all(set(counts) == {"confirmed", "quiet", "pending"} for counts in report.counts.values())


def _by_device(pings: list[Ping]) -> dict[str, list[Ping]]:
    found: dict[str, list[Ping]] = {}
    for ping in pings:
        found.setdefault(ping.device, []).append(ping)
    return found


def _drive(crowd: Crowd, *, until_ms: int, sleeps_at_ms: int, for_ms: int) -> tuple[list[tuple[int, Ping]], int]:
    """Drive on a clock of its own that jumps once: what was sent when."""
    now = crowd.begin_ms
    sent: list[tuple[int, Ping]] = []

    async def send(pings: list[Ping]) -> None:
        sent.extend((now, ping) for ping in pings)

    async def sleep(seconds: float) -> None:
        nonlocal now
        before, now = now, now + max(1, round(seconds * 1000))
        if before < sleeps_at_ms <= now:
            now += for_ms
        if now >= until_ms:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(drive(crowd, send, lambda: now, sleep=sleep))
    return sent, now
