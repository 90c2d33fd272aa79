"""The fence over partitions: what is told of a walk, an outcome for each ping, the same answers however it is asked."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box
from worlds import (
    DEVICES,
    FENCES,
    SHIFTED,
    SQUARES,
    START_MS,
    at,
    erase,
    fence,
    leftovers,
    outcomes,
    overlay,
    partition,
    ping,
    play,
    scripts,
    tick,
    walk,
    well_formed,
)

import geofence.fence
from geofence.fence import Fence
from geofence.hysteresis import OUTCOMES, Rule
from geofence.ping import Ping, Pings
from geofence.report import TOO_COARSE

ROW, NEAR, OVER = partition(), partition(layer="near", nearest_within_m=300), overlay(dwell_s=100)
OTHERS = [
    partition(SHIFTED),
    partition({"B": SQUARES["B"]}),
    partition({}),
    overlay({"inner": FENCES["inner"], "side": FENCES["middle"], "new": FENCES["outer"]}, dwell_s=30),
    overlay({}, dwell_s=100),
    ROW,
    OVER,
]
CUTS = st.sets(st.integers(0, 40))
SOON = {"forget_after_s": 30_000, "max_age_s": 10_000}


def three_layers(**more):
    return fence(ROW, NEAR, OVER, library=OTHERS, **(SOON | more))


def state(fence):
    return list(fence.tracks()), fence.due_ms(), fence.clock_ms


# -- what is told of a walk ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("A 0 A 60 B 120 B 180 C 240", ["d ->A first_fix @0", "d A>B moved @120", "d B>C moved @240"]),
        ("A 0 sea 120 A 240", ["d ->A first_fix @0", "d A>- moved @120", "d ->A moved @240"]),
        ("sea 0 A 120 A 180", ["d ->A moved @120"]),
        ("sea 0 sea 60 N 300 N 360", []),
        ("A 0 a 60 b 120 a 180 b 240 a 300", ["d ->A first_fix @0"]),
    ],
    ids=[
        "on and on",
        "outside is a region like any other",
        "from outside",
        "nowhere to nowhere",
        "no flapping at a border",
    ],
)
def test_a_walk_is_told_as_the_regions_it_led_through(steps, told):
    accuracy_m = 30.0 if "b" in steps else 10.0
    assert play(fence(ROW), walk(steps, accuracy_m=accuracy_m)).told == told


def test_a_crossing_is_dated_by_its_first_evidence_and_confirmed_by_its_last():
    done = play(fence(ROW), walk("A 0 A 60 b 120", accuracy_m=30.0), ping("B", 200))
    assert done.told == ["d ->A first_fix @0", "d A>B moved @120 (200)"]
    crossing = done.crossings[1]
    assert (crossing.evidence.pings, crossing.evidence.seconds) == (2, 80.0)


def test_what_was_pending_is_dropped_when_the_device_turns_out_to_have_stayed():
    done = play(fence(ROW), walk("A 0 A 60 b 120", accuracy_m=30.0), walk("A 200 B 300"))
    assert done.told[1:] == ["d A>B moved @300"]


def test_devices_do_not_touch_each_other():
    anna, ben = walk("A 0 B 100 C 200", device="anna"), walk("B 10 B 110 A 210", device="ben")
    alone = [play(fence(ROW), anna).crossings, play(fence(ROW), ben).crossings]
    mixed = [one for pair in zip(anna, ben, strict=True) for one in pair]
    together = play(fence(ROW), mixed).crossings
    assert [crossing for crossing in together if crossing.device == "anna"] == alone[0]
    assert [crossing for crossing in together if crossing.device == "ben"] == alone[1]


def test_each_layer_tells_its_own_and_counts_its_own_sequence():
    whole = partition({"whole": box(-0.01, -0.01, 0.04, 0.02)}, layer="area")
    done = play(fence(ROW, whole), walk("A 0 B 100 sea 200"))
    row = [(crossing.layer, crossing.sequence) for crossing in done.crossings]
    assert row == [("row", 1), ("area", 1), ("row", 2), ("row", 3), ("area", 2)]
    assert {layer: counts.total() for layer, counts in done.counts.items()} == {"row": 3, "area": 3}


def test_a_crossing_carries_user_version_and_when_it_was_received():
    done = play(fence(ROW), ping("A", 0, user="u1", received_ms=at(3)), ping("B", 100, received_ms=at(102)))
    assert [crossing.user for crossing in done.crossings] == ["u1", "u1"]
    assert [crossing.received_ms for crossing in done.crossings] == [at(3), at(102)]
    assert {crossing.version for crossing in done.crossings} == {ROW.hash}
    assert done.crossings[1].confirmed_ms == at(100), "confirmed by the ping, at the ping's own time"


# -- one outcome for each ping ---------------------------------------------------------------------------------------


def test_each_ping_has_the_outcome_that_the_rules_give_it():
    pings = [
        (ping("A", 0), "confirmed"),  # the first fix
        (ping("A", 0), "repeated"),  # the same again
        (ping("B", 0), "late"),  # another place at the same time
        (ping("A", 60), "quiet"),
        (ping("B", 30), "late"),
        (ping("far", 61), "implausible"),  # 6,000 km in a second
        (ping("b", 120, accuracy_m=30.0), "pending"),
        (ping("B", 240), "confirmed"),
        (ping((200.0, 0.0), 300), "rejected"),
        (ping("B", 300, accuracy_m=-5.0), "quiet"),
    ]
    assert outcomes(fence(ROW), [one for one, _ in pings]) == {"row": [outcome for _, outcome in pings]}


def test_a_layer_may_ignore_what_another_takes():
    strict = partition(layer="strict", rule=Rule(ignore_worse_than_m=100.0))
    found = outcomes(fence(ROW, strict), [ping("A", 0), ping("B", 100, accuracy_m=200.0), ping("C", 200)])
    assert found == {"row": ["confirmed", "pending", "confirmed"], "strict": ["confirmed", "rejected", "confirmed"]}


@given(scripts(library=OTHERS))
def test_the_counts_of_each_layer_add_up_to_the_pings_given(script):
    done = play(three_layers(), script)
    for counts in done.counts.values():
        assert counts.total() == sum(isinstance(item, Ping) for item in script)
        assert set(counts) <= set(OUTCOMES)
        assert counts["rejected"] == len(done.rejected)


EXTRAS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(DEVICES),
        st.sampled_from(["A", "B", "far", (0.0, 91.0)]),
        st.sampled_from([0, 1, 500]),
    ),
    max_size=10,
)


@given(scripts(controls=False), EXTRAS)
def test_late_repeated_and_refused_pings_never_move_a_device(script, extras):
    plain, disturbed, last_s = three_layers(), three_layers(), {}
    for row, item in enumerate(script):
        report = plain.observe(Pings.of([item]))
        assert disturbed.observe(Pings.of([item])) == report
        if not report.rejected:
            last_s[item.device] = max(last_s.get(item.device, -1e9), (item.time_ms - START_MS) / 1000)
        for place, device, spot, before_s in extras:
            if place == row and device in last_s:
                report = disturbed.observe(Pings.of([ping(spot, last_s[device] - before_s, device)]))
                assert not report.crossings
                assert all(set(counts) <= {"late", "repeated", "rejected"} for counts in report.counts.values())
    places = [(view.device, view.layer, view.places, view.digest) for view in plain.tracks()]
    assert [(view.device, view.layer, view.places, view.digest) for view in disturbed.tracks()] == places


def test_refused_rows_tell_their_number_in_the_input_and_why_even_beyond_one_batch():
    many = 140_000
    lon, lat = np.full(many, 0.005), np.full(many, 0.005)
    bad = {5: "lon_range", 65_535: "lat_range", 65_536: "lon_range", 131_071: "lat_range", 139_999: "lon_range"}
    for row, reason in bad.items():
        (lon if reason == "lon_range" else lat)[row] = 999.0
    pings = Pings.columns(
        device=[f"d{row % 1000}" for row in range(many)], lon=lon, lat=lat, time_ms=START_MS + np.arange(many) * 100
    )
    report = fence(ROW).observe(pings)
    assert {refusal.row: refusal.reason for refusal in report.rejected} == bad
    assert [refusal.row for refusal in report.rejected] == sorted(bad)
    assert "999.0; allowed: -180 to 180 degrees" in report.rejected[0].message
    assert report.counts["row"]["rejected"] == len(bad)
    assert report.counts["row"].total() == many
    assert len(report.crossings) == 1000


def test_a_batch_of_nothing_but_refused_pings_and_one_of_none_do_nothing():
    every = three_layers()
    assert every.observe(Pings.of([])).counts == {name: Counter() for name in every.versions()}
    report = every.observe(Pings.of([ping((0.0, 95.0), 0), ping("A", 0, device="")]))
    assert [refusal.reason for refusal in report.rejected] == ["lat_range", "device_missing"]
    assert not list(every.tracks())
    assert leftovers(every) == [0] * len(leftovers(every))


# -- the same answers however it is asked ----------------------------------------------------------------------------


@given(scripts(library=OTHERS), CUTS)
def test_any_split_of_the_input_gives_the_same(script, cuts):
    whole, parts, single = three_layers(), three_layers(), three_layers()
    done = play(whole, script)
    well_formed(done.crossings)
    for other, where in ((parts, cuts), (single, range(len(script)))):
        again = play(other, script, cuts=where)
        assert again.crossings == done.crossings
        assert (again.counts, again.rejected) == (done.counts, done.rejected)
        assert state(other) == state(whole)


@given(scripts(library=OTHERS), CUTS)
def test_a_fence_that_keeps_time_gives_the_same_for_any_split(script, cuts):
    whole, parts, single = (three_layers(keeps_time=True) for _ in range(3))
    done = play(whole, script)
    well_formed(done.crossings)
    for other, where in ((parts, cuts), (single, range(len(script)))):
        again = play(other, script, cuts=where)
        assert again.crossings == done.crossings
        assert (again.counts, again.rejected) == (done.counts, done.rejected)
        assert state(other) == state(whole)


@given(scripts(library=OTHERS))
def test_both_engines_give_the_same(script):
    compiled, rtree = three_layers(), three_layers(engine="rtree")
    done, again = play(compiled, script), play(rtree, script)
    assert again.crossings == done.crossings
    assert again.counts == done.counts
    assert state(rtree) == state(compiled)


@given(scripts(library=OTHERS))
def test_batches_inside_the_fence_change_nothing(script):
    whole, small = three_layers(), three_layers()
    done = play(whole, script)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geofence.fence, "BATCH", 3)
        again = play(small, script)
    assert (again.crossings, again.counts, again.rejected) == (done.crossings, done.counts, done.rejected)
    assert state(small) == state(whole)


def test_a_long_day_of_many_devices_is_told_the_same_in_one_batch_or_in_many():
    rng, many = np.random.default_rng(7), 30_000
    device = rng.integers(0, 300, many)
    lon = 0.015 + 0.013 * np.sin(np.arange(many) / 3000 + device) + rng.normal(0, 0.0002, many)
    lat = 0.005 + 0.008 * np.cos(np.arange(many) / 4000 + 2 * device)
    pings = Pings.columns(
        device=[DEVICES[0] + str(number) for number in device.tolist()],
        lon=lon,
        lat=lat,
        time_ms=START_MS + np.arange(many) * 200,
        accuracy_m=rng.choice([5.0, 20.0, 80.0, 400.0], many),
    )
    whole, parts = three_layers(), three_layers()
    done, cuts = whole.observe(pings), [0, *sorted(rng.integers(0, many, 20).tolist()), many]
    again = [parts.observe(pings.slice(start, end)) for start, end in pairwise(cuts)]
    assert [crossing for report in again for crossing in report.crossings] == done.crossings
    assert len(done.crossings) > 1000
    assert state(parts) == state(whole)
    well_formed(done.crossings)


# -- identity --------------------------------------------------------------------------------------------------------


def test_event_ids_depend_on_what_was_decided_and_on_nothing_else():
    script = [*walk("A 0 B 100 sea 200"), *walk("A 0 B 100", device="e"), erase("d", 300), *walk("A 301 B 400")]
    one, two = play(fence(ROW, OVER), script), play(fence(ROW, OVER, engine="rtree"), script, cuts=range(9))
    ids = [crossing.event_id("here") for crossing in one.crossings]
    assert [crossing.event_id("here") for crossing in two.crossings] == ids
    assert len(set(ids)) == len(ids)
    assert not {crossing.event_id("there") for crossing in one.crossings} & set(ids)


def test_sequences_begin_anew_with_a_new_birth_after_erasure():
    done = play(fence(ROW), walk("A 0 B 100"), erase("d", 200), walk("A 150 A 300 B 400"))
    told = [(crossing.born_ms - START_MS, crossing.sequence) for crossing in done.crossings]
    assert told == [(0, 1), (0, 2), (0, 3), (150_000, 1), (150_000, 2)]


# -- what stays ------------------------------------------------------------------------------------------------------


def test_trails_are_given_back_when_nothing_is_pending():
    row = fence(ROW)
    trails = row._layers["row"].tracks.trails
    row.observe(Pings.of(walk("A 0 b 60", accuracy_m=30.0)))
    assert trails.used == 1
    row.observe(Pings.of(walk("B 200 B 300")))
    assert trails.used == 0


def test_pings_that_a_layer_ignores_leave_no_device_behind():
    strict = fence(partition(rule=Rule(ignore_worse_than_m=100.0)))
    strict.observe(Pings.of(walk("A 0 B 100", accuracy_m=500.0, user="u1")))
    assert leftovers(strict) == [0, 0, 0, 0]
    assert strict.due_ms() is None


def test_a_user_is_known_while_one_of_their_devices_is():
    row = fence(ROW)
    play(
        row, ping("A", 0, "phone", user="anna"), ping("A", 0, "watch", user="anna"), ping("A", 0, "tablet", user="ben")
    )
    assert sorted(view.user for view in row.tracks()) == ["anna", "anna", "ben"]
    play(row, ping("A", 60, "tablet", user="cleo"), erase("phone", 70))
    assert len(row._devices.users.live()) == 2, "ben has no device any more"
    play(row, erase("watch", 80), erase("tablet", 90), tick(30 * 86_400))
    assert leftovers(row) == [0, 0, 0, 0]


# -- how it is made --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"consent": "maybe"}, "consent is 'maybe'; allowed: assumed or required"),
        ({"max_age_s": 10, "forget_after_s": 10}, "max_age_s is 10 and forget_after_s 10"),
        ({"max_age_s": 0}, "max_age_s must be more than 0"),
        ({"engine": "slow"}, "slow"),
    ],
)
def test_what_a_fence_can_not_be_made_of_is_said(arguments, message):
    with pytest.raises(ValueError, match=message):
        Fence([ROW], **arguments)


def test_a_layer_can_not_be_in_force_twice():
    with pytest.raises(ValueError, match="one version of each can be in force"):
        fence(ROW, partition(SHIFTED))


def test_pings_that_a_layer_finds_too_coarse_are_listed_with_the_layer_that_refused_them():
    strict = partition(layer="strict", rule=Rule(ignore_worse_than_m=100.0))
    pings = [ping("A", 0), ping("B", 100, accuracy_m=200.0), ping((200.0, 0.0), 150), ping("C", 200)]
    report = fence(ROW, strict).observe(Pings.of(pings))
    told = [(refusal.row, refusal.reason, refusal.layer) for refusal in report.rejected]
    assert told == [(1, TOO_COARSE, "strict"), (2, "lon_range", None)]
    assert "accuracy_m is 200.0; allowed in layer 'strict': at most 100" in report.rejected[0].message
    for layer in ("row", "strict"):
        refused = sum(refusal.layer in (None, layer) for refusal in report.rejected)
        assert report.counts[layer]["rejected"] == refused


def test_a_time_of_receipt_that_can_not_be_is_refused_and_does_not_move_the_clock():
    row = fence(ROW)
    report = row.observe(Pings.of([ping("A", 0), ping("B", 100, received_ms=2**60), ping("B", 101, received_ms=-7)]))
    assert [(refusal.row, refusal.reason) for refusal in report.rejected] == [
        (1, "received_range"),
        (2, "received_range"),
    ]
    assert row.clock_ms == at(0)
