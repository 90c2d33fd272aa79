"""When a crossing is a crossing: tables of timed pings in a world of strips, each 1 km wide."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.hysteresis import (
    BALANCED,
    CROSSING,
    EVIDENCE,
    MOTION,
    OUTSIDE,
    SCORED,
    TRAIL,
    TRAIL_LENGTH,
    Rule,
    forget_pending,
    move,
    new_evidence,
    new_motion,
    settle,
    weigh,
)
from tests.strips import NAN, Device, at_rest, driven, rows

HOME = at_rest(500.0)  # ten minutes in the middle of strip 0, until half a minute before 0


def test_one_good_first_fix_names_the_region() -> None:
    device = Device()
    assert device.ping(0, 500, 10) == "confirmed"
    assert device.told == [(0, None, 0, "first_fix", 0)]


def test_a_coarse_first_fix_waits_for_more() -> None:
    device = Device().pings([(0, 500, 200)])
    assert (device.outcomes, device.told) == (["pending"], [])


def test_a_driver_crosses_within_seconds_and_once_per_border() -> None:
    device = Device().pings(HOME).pings(driven(500, 2900, since_s=0, speed_mps=15, every_s=1))
    assert device.moves == [(None, 0), (0, 1), (1, 2)]
    for border_m, crossing in zip((1000, 2000), device.told[1:], strict=True):
        assert 0 < crossing.at_s - (border_m - 500) / 15 < 20


def test_a_driver_seen_every_two_minutes_is_told_of_each_region_by_its_first_ping() -> None:
    device = Device().pings(HOME).pings(driven(500, 6000, since_s=0, speed_mps=8, every_s=120))
    assert device.moves == [(None, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_a_phone_lying_beside_a_border_stays_where_it_is() -> None:
    errors_m = np.random.default_rng(3).normal(0, 12, 2880)
    device = Device().pings((30.0 * i, 985.0 + error_m, 15.0) for i, error_m in enumerate(errors_m))
    assert device.moves == [(None, 0)]


def test_a_jump_that_claims_much_and_then_ages_is_no_crossing() -> None:
    device = Device().pings(HOME).pings([(0, 3500, 90), (30, 3500, 502), (60, 3500, 916), (90, 3500, 1333)])
    assert device.pings([(120, 510), (150, 505)]).moves == [(None, 0)]
    assert device.outcomes[-1] == "quiet"


def test_one_jump_of_a_walker_to_a_place_off_the_way_is_no_crossing() -> None:
    walked = driven(1050, 1500, since_s=0, speed_mps=1.5, every_s=30)
    device = Device().pings(at_rest(1050.0)).pings(walked).pings([(330, 900, 12), (360, 1540), (390, 1585)])
    assert device.moves == [(None, 1)]


def test_an_impossible_jump_is_counted_as_implausible() -> None:
    device = Device().pings(HOME)
    assert device.ping(0, 30_500, 80) == "implausible"
    assert device.ping(30, 30_540, 80) == "implausible"


def test_ten_minutes_at_a_moved_access_point_move_nobody() -> None:
    elsewhere = [(15.0 * i, 30_500.0 + 7 * (i % 5), 70.0) for i in range(40)]
    device = Device().pings(HOME).pings(elsewhere).pings([(610, 505), (640, 500), (670, 503)])
    assert device.moves == [(None, 0)]


def test_a_flight_is_believed_once_it_has_landed() -> None:
    landed = [(7200 + 30.0 * i, 1_500_500 + 60.0 * i) for i in range(4)]
    device = Device().pings(HOME).pings(landed)
    assert device.moves == [(None, 0), (0, 1500)]
    assert device.told[-1].at_s <= 7230


def test_what_seems_impossible_is_believed_within_a_quarter_of_an_hour() -> None:
    device = Device().pings(HOME).pings((30.0 * i, 150_500 + 40.0 * (i % 3)) for i in range(40))
    assert device.moves == [(None, 0), (0, 150)]
    assert 300 <= device.told[-1].at_s <= 930


def test_a_region_passed_between_two_sightings_is_told_in_order_with_its_own_time() -> None:
    device = Device().pings(HOME).pings([(60, 1500, 300), (120, 2500, 10), (180, 3500, 10)])
    assert device.moves == [(None, 0), (0, 1), (1, 2), (2, 3)]
    assert [crossing.occurred_s for crossing in device.told[1:]] == [60, 120, 180]


def test_several_crossings_may_be_confirmed_by_one_ping() -> None:
    device = Device().pings(HOME).pings([(60, 1500, 300), (120, 2500, 10)])
    assert [crossing[:3] for crossing in device.told[1:]] == [(120, 0, 1), (120, 1, 2)]


def test_going_back_drops_what_was_pending() -> None:
    device = Device().pings(HOME).pings([(0, 1060, 60)])
    assert device.outcomes[-1] == "pending"
    assert device.pings([(60, 500), (120, 505)]).outcomes[-1] == "quiet"
    assert device.evidence[0].entries == 0
    assert device.evidence[0].score == 0


def test_a_fix_that_repeats_itself_adds_next_to_nothing() -> None:
    device = Device().pings(HOME).pings([(0, 1060, 60)])
    once = float(device.evidence[0].score)
    device.pings((float(i), 1060, 60) for i in range(1, 30))
    assert once < device.evidence[0].score < once * 1.1


@pytest.mark.parametrize(
    ("ping", "outcome"),
    [((-40, 2500), "late"), ((-30, 2500), "late"), ((-30, HOME[-1][1]), "repeated"), ((-9999, 500), "late")],
)
def test_a_late_or_repeated_ping_changes_nothing(ping: tuple[float, float], outcome: str) -> None:
    device = Device().pings(HOME)
    before = device.state()
    assert device.ping(*ping) == outcome
    assert device.state() == before


def test_a_ping_worse_than_the_rule_takes_is_rejected_and_changes_nothing() -> None:
    device = Device(Rule(ignore_worse_than_m=200.0)).pings(HOME)
    before = device.state()
    assert device.ping(0, 2500, 201) == "rejected"
    assert device.state() == before
    assert device.ping(0, 505, 200) == "quiet"


def test_a_radius_of_lower_confidence_says_less() -> None:
    vague, sure = Device().pings(HOME), Device().pings(HOME)
    vague.ping(0, 1060, 60, 0.5)
    sure.ping(0, 1060, 60, 0.95)
    assert vague.evidence[0].score < sure.evidence[0].score


DRIVE = driven(500, 1900, since_s=0, speed_mps=10, every_s=10)


@pytest.mark.parametrize(
    ("gates", "holds"),
    [
        ({"min_pings": 4}, lambda device: device.told[-1].at_s >= device.told[-1].occurred_s + 30),
        ({"min_dwell_s": 60.0}, lambda device: device.told[-1].at_s >= device.told[-1].occurred_s + 60),
        ({"min_margin_m": 400.0}, lambda device: device.told[-1].at_s >= 90),
    ],
)
def test_each_plain_gate_holds_a_crossing_back_until_it_opens(gates, holds) -> None:  # type: ignore[no-untyped-def]
    free, gated = Device().pings(HOME + DRIVE), Device(Rule(**gates)).pings(HOME + DRIVE)
    assert free.moves[-1] == gated.moves[-1] == (0, 1)
    assert holds(gated)
    assert not holds(free)


@pytest.mark.parametrize("better", ["responsive", "balanced"])
def test_a_stricter_preset_is_never_faster(better: str) -> None:
    worse = {"responsive": "balanced", "balanced": "strict"}[better]
    fast, slow = Device(Rule.preset(better)).pings(HOME + DRIVE), Device(Rule.preset(worse)).pings(HOME + DRIVE)
    assert fast.told[-1].at_s <= slow.told[-1].at_s


def test_forgetting_what_is_pending_leaves_no_trace_of_it() -> None:
    device = Device().pings(HOME).pings([(0, 1060, 60)])
    forget_pending(device.evidence[0])
    assert (device.evidence[0].entries, device.evidence[0].score, device.region) == (0, 0.0, 0)


def test_a_decree_keeps_the_anchor() -> None:
    device = Device().pings(HOME).pings([(0, 1060, 60)])
    anchor = (device.evidence[0].anchor_lon, device.evidence[0].anchor_lat)
    settle(device.evidence[0], 7)
    assert (device.region, device.evidence[0].entries) == (7, 0)
    assert (device.evidence[0].anchor_lon, device.evidence[0].anchor_lat) == anchor


def test_the_anchor_is_the_newest_deep_place_in_the_confirmed_region() -> None:
    device = Device().pings(HOME).pings([(0, 700, 10), (30, 996, 10)])
    assert device.evidence[0].anchor_lon * 111_195.0802 == pytest.approx(700)


def test_a_shallow_ping_after_a_crossing_is_no_anchor() -> None:
    device = Device().pings([(0, 500, 10), (30, 996, 10)])
    assert device.evidence[0].anchor_lon * 111_195.0802 == pytest.approx(500)


def test_a_fence_is_entered_and_left_like_a_region() -> None:
    motion, evidence, trail = rows(MOTION), rows(EVIDENCE), rows(TRAIL, TRAIL_LENGTH)
    rule, out = BALANCED.packed(), rows(CROSSING, TRAIL_LENGTH)
    new_motion(motion[0])
    new_evidence(evidence[0], OUTSIDE)
    told = []
    way = driven(-2000, 2000, since_s=0, speed_mps=10, every_s=5) + driven(
        2000, -2000, since_s=1000, speed_mps=10, every_s=5
    )
    for at_s, east_m in way:  # the fence reaches from -200 to 200 m
        verdict = move(motion[0], east_m / 111_195.0802, 0.0, 10.0, NAN, 0, round(at_s * 1000), rule[0])
        inside, margin_m = abs(east_m) <= 200, abs(abs(east_m) - 200)
        if verdict.outcome == SCORED:
            _, count = weigh(
                evidence[0], trail, east_m / 111_195.0802, 0.0, round(at_s * 1000), verdict,
                0 if inside else OUTSIDE, margin_m, margin_m, rule[0], out,
            )  # fmt: skip
            told += [(int(out[k].region_from), int(out[k].region_to)) for k in range(count)]
    assert told == [(OUTSIDE, 0), (0, OUTSIDE)] * 2


PINGS = st.lists(
    st.tuples(
        st.floats(-60, 300),  # seconds since the ping before
        st.floats(-3000, 3000),  # metres from it
        st.sampled_from([NAN, 0.0, 3.0, 12.0, 65.0, 100.0, 350.0, 1200.0, 60_000.0]),
    ),
    max_size=60,
)


def _table(moves: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    times, places = np.cumsum([(m[0], m[1]) for m in moves], axis=0).T if moves else ([], [])
    return [(float(t), float(x) + 1_000_000, m[2]) for t, x, m in zip(times, places, moves, strict=True)]


@settings(deadline=None)
@given(PINGS, st.sampled_from(["responsive", "balanced", "strict"]))
def test_the_score_stays_within_its_bounds_and_without_it_nothing_is_pending(
    moves: list[tuple[float, float, float]], preset: str
) -> None:
    device = Device(Rule.preset(preset))
    for ping in _table(moves):
        device.ping(*ping)
        evidence = device.evidence[0]
        assert 0.0 <= evidence.score <= 2 * device.rule[0].evidence_when_still
        assert (evidence.score > 0.0) == (evidence.entries > 0)
        regions = [int(entry.region) for entry in device.trail[: evidence.entries]]
        assert len(set(regions)) == len(regions) <= TRAIL_LENGTH
        assert device.region not in regions


@settings(deadline=None)
@given(PINGS)
def test_crossings_chain(moves: list[tuple[float, float, float]]) -> None:
    device = Device().pings(_table(moves))
    places = [None, *(crossing.target for crossing in device.told)]
    assert [crossing.origin for crossing in device.told] == places[:-1]
    assert all(crossing.origin != crossing.target for crossing in device.told)
    assert all(crossing.occurred_s <= crossing.at_s for crossing in device.told)


@settings(deadline=None)
@given(PINGS, st.floats(0.001, 1e6), st.floats(-1e5, 1e5))
def test_a_late_ping_never_moves_a_device(
    moves: list[tuple[float, float, float]], late_s: float, east_m: float
) -> None:
    device = Device().pings(_table(moves)).pings([(20_000, 1_000_500)])
    before = device.state()
    assert device.ping(20_000 - late_s, 1_000_000 + east_m) == "late"
    assert device.state() == before


@settings(deadline=None)
@given(PINGS, st.integers(0, 60))
def test_a_device_packed_up_between_two_pings_goes_on_as_if_nothing_had_happened(
    moves: list[tuple[float, float, float]], at: int
) -> None:
    table = _table(moves)
    whole, first, second = Device().pings(table), Device().pings(table[:at]), Device()
    second.motion[:], second.evidence[:] = first.motion, first.evidence
    second.trail[: first.evidence[0].entries] = first.trail[: first.evidence[0].entries]
    second.pings(table[at:])
    assert second.state() == whole.state()
    assert first.told + second.told == whole.told


def test_plain_python_and_compiled_code_agree_to_the_last_bit() -> None:
    root = Path(__file__).parents[1]
    said = {}
    for disabled in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.strips"],
            cwd=root, env={**os.environ, "NUMBA_DISABLE_JIT": disabled}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said[run.stdout.split()[-1]] = run.stdout.split()[:-1]
    assert said["compiled"] == said["plain"]
