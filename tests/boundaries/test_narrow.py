"""Regions too narrow to decide: what is asked of them is what the rule itself then grants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from partitions import offset
from shapely import MultiPolygon, Point, box
from shapes import circle
from worlds import START_MS

from boundaries.checking.between import check_between
from boundaries.checking.narrow import need_of, pings_from
from boundaries.layer import LayerSettings
from geofence.atlas import Engine
from geofence.fence import Fence
from geofence.ping import Ping, Pings
from geofence.region import Kind, Region, Version
from geofence.rule import Rule

LAT = 0.005


def strip_of(width_m):
    """A region so wide along the border of another one, with nothing behind it."""
    east = offset(0.01, LAT, width_m, 0.0)[0]
    return {"home": box(0, 0, 0.01, 0.01), "strip": box(0.01, 0, east, 0.01)}


def pings_until_confirmed(rule, accuracy_m, width_m, most=40, kind=Kind.PARTITION):
    """A phone that rests at home, then in the middle of the strip: how many pings it takes there; None: too many."""
    regions = [Region(ident, shape) for ident, shape in strip_of(width_m).items()]
    fence = Fence([Version.of("layer", regions, rule=rule, kind=kind)], engine=Engine.RTREE)
    rng = np.random.default_rng(5)

    def ping(number, east_m):
        lon, lat = offset(0.01, LAT, east_m, float(rng.uniform(-3, 3)))
        time_ms = START_MS + round(number * rule.stationary_s * 1000)
        return Ping(device="d", lon=lon, lat=lat, time_ms=time_ms, accuracy_m=accuracy_m)

    home = [ping(number, -4.0 * accuracy_m) for number in range(-30, 0)]
    assert fence.observe(Pings.of(home)).crossings[-1].target.id == "home"
    for number in range(most):
        crossings = fence.observe(Pings.of([ping(number, 0.5 * width_m)])).crossings
        if any(crossing.target and crossing.target.id == "strip" for crossing in crossings):
            return number + 1
    return None


@pytest.mark.parametrize("name", ["responsive", "balanced", "strict"])
@pytest.mark.parametrize("accuracy_m", [8.0, 20.0, 60.0])
def test_from_the_width_told_on_so_many_pings_are_enough(name, accuracy_m):
    rule = Rule.preset(name)
    need = need_of(rule, accuracy_m)
    assert pings_until_confirmed(rule, accuracy_m, need.width_m * 1.01) <= need.pings


@pytest.mark.parametrize("name", ["responsive", "balanced", "strict"])
@pytest.mark.parametrize("accuracy_m", [8.0, 20.0, 60.0])
def test_below_the_width_told_so_many_pings_are_not_enough(name, accuracy_m):
    rule = Rule.preset(name)
    need = need_of(rule, accuracy_m)
    few = pings_until_confirmed(rule, accuracy_m, need.width_m * 0.8)
    assert few is None or few > need.pings


@pytest.mark.parametrize("part", [0.75, 0.9, 1.0, 1.5])
def test_the_pings_told_of_a_width_are_those_it_takes(part):
    need = need_of(Rule(), 20.0)
    told = pings_from(Rule(), need, part * need.width_m)
    assert pings_until_confirmed(Rule(), 20.0, part * need.width_m) == pytest.approx(told, abs=2)


def test_where_no_number_is_enough_none_is():
    need = need_of(Rule(), 20.0)
    assert pings_from(Rule(), need, 15.0) is None
    assert pings_until_confirmed(Rule(), 20.0, 15.0, most=200) is None


def test_a_gate_of_depth_needs_twice_its_width():
    assert need_of(replace(Rule(), min_margin_m=100.0), 20.0).width_m == 200.0


def test_a_gate_of_accuracy_leaves_only_better_pings():
    assert need_of(replace(Rule(), ignore_worse_than_m=10.0), 50.0) == need_of(Rule(), 10.0)


def test_a_rule_that_wants_more_than_ten_pings_can_give_is_given_more():
    need = need_of(replace(Rule(), evidence_when_still=100.0), 20.0)
    assert need.pings > 10
    assert need.width_m < 200.0


@pytest.mark.parametrize("kind", list(Kind))
def test_a_narrow_region_is_told_with_what_it_needs(kind):
    settings = LayerSettings(name="layer", kind=kind)
    (one,) = check_between([Region(k, v) for k, v in strip_of(30.0).items()], settings)
    need = need_of(Rule(), 20.0)
    assert (one.code, one.region) == ("too_narrow", "strip")
    assert one.figures["width_m"] == pytest.approx(30.0, rel=0.01)
    assert one.figures["needed_m"] == need.width_m
    assert "30 m" in one.what
    assert 0.01 < one.lon < offset(0.01, LAT, 30.0, 0.0)[0]


def test_a_region_wide_enough_is_not_told_however_long_and_thin():
    need = need_of(Rule(), 20.0)
    assert (
        check_between([Region(k, v) for k, v in strip_of(need.width_m * 1.02).items()], LayerSettings(name="a")) == []
    )


def test_better_pings_need_less():
    fine = LayerSettings(name="layer", accuracy_m=8.0)
    wide = need_of(Rule(), 8.0).width_m * 1.1
    assert check_between([Region(k, v) for k, v in strip_of(wide).items()], fine) == []
    assert wide < need_of(Rule(), 20.0).width_m


def test_one_wide_part_is_enough():
    parts = [circle(10 + k * 0.01, 60, 5.0) for k in range(5)]
    settings = LayerSettings(name="layer", kind=Kind.OVERLAY)
    assert [one.code for one in check_between([Region("a", MultiPolygon(parts))], settings)] == ["too_narrow"]
    assert check_between([Region("a", MultiPolygon([*parts, circle(11, 60, 100.0)]))], settings) == []


def test_a_rock_in_the_sea_is_as_wide_as_nearest_within_makes_it():
    rock = [Region("rock", circle(10, 60, 5.0))]
    assert [one.code for one in check_between(rock, LayerSettings(name="layer"))] == ["too_narrow"]
    assert check_between(rock, LayerSettings(name="layer", nearest_within_m=500.0)) == []


def test_nearest_within_does_not_widen_a_strip_between_two():
    shapes = strip_of(20.0) | {"away": box(offset(0.01, LAT, 20.0, 0.0)[0], 0, 0.02, 0.01)}
    regions = [Region(ident, shape) for ident, shape in shapes.items()]
    settings = LayerSettings(name="layer", nearest_within_m=15.0)
    assert [(one.code, one.region) for one in check_between(regions, settings)] == [("too_narrow", "strip")]


def test_the_place_told_is_the_widest():
    keyhole = box(0, 0, 0.01, 0.0001).union(Point(0.008, 0).buffer(0.0002))
    (one,) = check_between([Region("a", keyhole)], LayerSettings(name="layer", kind=Kind.OVERLAY))
    assert one.lon == pytest.approx(0.008, abs=1e-4)
