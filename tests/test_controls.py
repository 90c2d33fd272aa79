"""Control records: consent, erasing, ticks and forgetting, each by its rule, each idempotent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box
from worlds import (
    DAY_S,
    DEVICES,
    SHIFTED,
    START_MS,
    at,
    consent,
    erase,
    fence,
    leftovers,
    line,
    outcomes,
    overlay,
    partition,
    ping,
    play,
    scripts,
    switch,
    tick,
    walk,
    well_formed,
)

from geofence.ping import Ping, Pings
from geofence.report import NO_CONSENT

ROW, OVER, MOVED = partition(), overlay(dwell_s=100), partition(SHIFTED)
SOON = {"forget_after_s": 30_000, "max_age_s": 10_000}


def both(**more):
    return fence(ROW, OVER, library=[MOVED], **(SOON | more))


def state(fence):
    return list(fence.tracks()), fence.due_ms(), fence._devices.rows[fence._devices.roster.live()].tolist()


# -- consent ---------------------------------------------------------------------------------------------------------


def test_without_consent_no_ping_is_kept_where_it_is_required():
    row = fence(ROW, consent="required")
    done = play(row, walk("A 0 B 100", user="u1"))
    assert not done.told
    assert [(refusal.row, refusal.reason) for refusal in done.rejected] == [(0, NO_CONSENT), (1, NO_CONSENT)]
    assert "'d' has not given consent" in done.rejected[0].message
    assert done.counts == {"row": {"rejected": 2}}
    assert leftovers(row) == [0, 0, 0, 0]
    assert "u1" not in row._devices.users._arena.tobytes().decode("latin-1")


def test_consent_that_is_given_counts_from_there_on():
    row = fence(ROW, consent="required")
    done = play(row, walk("A 0"), consent("d", True, 50), walk("B 100"), walk("A 100", device="e"))
    assert done.told == ["d ->B first_fix @100"]
    assert [(refusal.row, refusal.reason) for refusal in done.rejected] == [(0, NO_CONSENT), (3, NO_CONSENT)]


@pytest.mark.parametrize("how", ["assumed", "required"])
def test_withdrawing_consent_erases_says_so_and_refuses_what_comes_until_it_is_given_again(how):
    row = fence(ROW, consent=how)
    script = [consent("d", True, 0), *walk("A 0 B 100"), consent("d", False, 200), *walk("C 300")]
    done = play(row, script)
    assert done.told == ["d ->A first_fix @0", "d A>B moved @100", "d B>- consent @200"]
    assert [refusal.reason for refusal in done.rejected] == [NO_CONSENT]
    assert not list(row.tracks())
    again = play(row, consent("d", True, 400), walk("C 500"))
    assert again.told == ["d ->C first_fix @500"]
    well_formed([*done.crossings, *again.crossings])


def test_consent_is_the_device_s_own():
    done = play(fence(ROW), consent("d", False, 0), walk("A 10"), walk("A 10", device="e"))
    assert done.told == ["e ->A first_fix @10"]


def test_withdrawing_leaves_each_layer_once_and_tells_nothing_where_the_device_was_in_no_region():
    done = play(both(), walk("sea 0 sea 60"), consent("d", False, 100))
    assert done.told == ["d entered outer first_fix @0", "d exited outer consent @100"]
    done = play(both(), walk("A 0 B 60"), consent("d", False, 100))
    assert done.told[-3:] == ["d B>- consent @100", "d exited outer consent @100", "d exited side consent @100"]


def test_a_withdrawal_of_a_device_that_was_never_heard_of_is_remembered():
    row = fence(ROW)
    assert not play(row, consent("d", False, 0)).told
    assert play(row, walk("A 10")).rejected[0].reason == NO_CONSENT
    assert row.due_ms() is None


# -- erasing and bars ------------------------------------------------------------------------------------------------


def test_erasing_forgets_the_device_and_says_so():
    row = fence(ROW)
    done = play(row, walk("A 0 A 100", user="u1"), erase("d", 200))
    assert done.told == ["d ->A first_fix @0", "d A>- consent @200"]
    assert done.crossings[1].user == "u1"
    assert not list(row.tracks())
    assert not len(row._devices.users.live())


def test_erasing_what_is_not_there_does_nothing():
    row = fence(ROW)
    assert not play(row, erase("d", 100)).told
    assert leftovers(row) == [0, 0, 0, 0]


def test_pings_from_before_the_erasure_stay_barred_until_max_age_has_passed():
    row = fence(ROW, max_age_s=1000)
    play(row, walk("A 0 A 100"), erase("d", 200))
    assert outcomes(row, walk("A 50 B 100")) == {"row": ["late", "late"]}
    assert not list(row.tracks())
    play(row, tick(1199))
    assert outcomes(row, walk("B 100")) == {"row": ["late"]}
    assert row.due_ms() == at(1200)
    play(row, tick(1200))
    assert leftovers(row) == [0, 0, 0, 0], "the row that barred has gone too"


def test_pings_from_after_the_erased_ones_begin_a_new_track_though_sent_before_the_erasure():
    row = fence(ROW)
    done = play(row, walk("A 0 A 100"), erase("d", 200), walk("B 90 B 150 B 160"))
    assert done.told[-1] == "d ->B first_fix @150"
    assert done.counts["row"]["late"] == 1


def test_the_bar_holds_while_the_device_is_back_and_after_a_second_erasure():
    row = fence(ROW, max_age_s=1000)
    play(row, walk("A 0 A 100"), erase("d", 200), walk("B 300"))
    assert outcomes(row, walk("A 80")) == {"row": ["late"]}
    play(row, erase("d", 400))
    assert outcomes(row, walk("A 300")) == {"row": ["late"]}
    assert row.due_ms() == at(1400)


def test_a_second_erasure_of_nothing_does_not_make_the_bar_longer():
    row = fence(ROW, max_age_s=1000)
    play(row, walk("A 0"), erase("d", 200), erase("d", 900), tick(1200))
    assert leftovers(row) == [0, 0, 0, 0]


def test_an_erasure_takes_a_consent_along_so_that_nothing_stays_and_pings_need_a_new_one():
    row = fence(ROW, consent="required", max_age_s=1000)
    play(row, consent("d", True, 0), walk("A 10"), erase("d", 200))
    assert play(row, walk("A 300")).rejected[0].reason == NO_CONSENT
    play(row, tick(1300))
    assert leftovers(row) == [0, 0, 0, 0]


def test_an_erasure_leaves_a_withdrawal_as_it_is():
    row = fence(ROW, max_age_s=1000)
    play(row, consent("d", False, 0), erase("d", 10), tick(5000))
    assert play(row, walk("A 6000")).rejected[0].reason == NO_CONSENT


def test_an_erased_device_leaves_neither_name_nor_place_in_the_columns():
    row = both()
    play(row, walk("A 0 B 100", device="a very special name", user="a very special user"))
    play(row, erase("a very special name", 200), tick(30_000))
    assert b"special" not in row._devices.roster._arena.tobytes() + row._devices.users._arena.tobytes()
    assert leftovers(row) == [0] * len(leftovers(row))


def test_no_place_of_an_erased_device_stays_in_the_columns_nor_in_another_device_s_trail():
    row, place = both(), (0.010_212_345, 0.005_012_345)
    play(row, walk("A 0 A 60"), ping(place, 120, accuracy_m=30.0), walk("A 300", device="e"), walk("B 400"))
    play(row, walk("A 500"), ping(place, 600, accuracy_m=30.0), [ping("b", 620, "e", accuracy_m=30.0)])
    play(row, erase("d", 700))
    for layer in row._layers.values():
        tracks = layer.tracks
        pools = [*tracks.fences.columns, *tracks.trails.columns]
        columns = [tracks.span, tracks.motion, tracks.evidence, tracks.place, layer._scratch, *pools]
        for degrees in place:
            assert not any(np.float64(degrees).tobytes() in column.tobytes() for column in columns)


# -- ticks and forgetting --------------------------------------------------------------------------------------------


def test_a_silent_device_is_forgotten_once_with_an_event_whether_or_not_others_ping():
    for other in ([], [ping("A", seconds, "other") for seconds in range(0, 40_000, 5_000)]):
        row = fence(ROW, **SOON)
        script = sorted([*walk("A 0 B 100"), *other], key=lambda one: one.time_ms)
        ticks = [tick(seconds) for seconds in (40_001, 40_002, 60_000)]
        done = play(row, script, ticks)
        assert [line for line in done.told if line.startswith("d ")][2:] == ["d B>- expired @40001"]


def test_a_device_is_forgotten_when_it_has_been_silent_for_so_long_and_not_before():
    row = fence(ROW, **SOON)
    play(row, walk("A 0 A 100"))
    assert row.due_ms() == at(30_100)
    assert not play(row, tick(30_099)).told
    assert play(row, tick(30_100)).told == ["d A>- expired @30100"]
    assert row.due_ms() == at(40_100), "then the bar ends"
    assert not play(row, tick(40_100)).told
    assert row.due_ms() is None
    assert leftovers(row) == [0, 0, 0, 0]


def test_being_heard_counts_when_it_was_received_not_what_the_device_s_clock_says():
    row = fence(ROW, **SOON)
    play(row, ping("A", 0, received_ms=at(9_000)))
    assert row.due_ms() == at(39_000)
    assert not play(row, tick(38_999)).told
    assert play(row, tick(39_000)).told == ["d A>- expired @39000"]


def test_a_device_outside_every_region_is_forgotten_without_an_event():
    row = fence(ROW, **SOON)
    assert not play(row, walk("sea 0"), tick(30_000)).told
    assert not list(row.tracks())


def test_those_forgotten_together_are_told_in_the_order_in_which_they_fell_silent():
    row = fence(ROW, **SOON)
    play(row, ping("A", 0, "ben"), ping("A", 10, "dora"), ping("A", 10, "anna"))
    assert [line.split()[0] for line in play(row, tick(50_000)).told] == ["ben", "anna", "dora"]


def test_time_is_the_largest_record_time_and_never_goes_back():
    row = fence(ROW)
    play(row, ping("A", 0, received_ms=at(500)))
    assert row.clock_ms == at(500)
    play(row, ping("A", 60, received_ms=at(400)), tick(300))
    assert row.clock_ms == at(500)
    play(row, tick(900), ping((0.0, 99.0), 0, received_ms=at(1000)))
    assert row.clock_ms == at(1000), "of a refused record too"


def test_a_tick_never_makes_a_ping_late():
    row = fence(ROW)
    done = play(row, walk("A 0"), tick(20 * DAY_S), walk("A 60 B 120"))
    assert done.told == ["d ->A first_fix @0", "d A>B moved @120"]


def test_what_is_forgotten_does_not_come_back_with_pings_that_were_on_their_way():
    row = fence(ROW, **SOON)
    play(row, walk("A 0 A 100"), tick(30_100))
    assert outcomes(row, walk("A 100 B 90")) == {"row": ["late", "late"]}
    assert outcomes(row, walk("B 200")) == {"row": ["confirmed"]}


def test_one_tick_does_so_much_and_the_next_one_goes_on_in_the_order_of_falling_silent(monkeypatch):
    monkeypatch.setattr("geofence.fence.TICK_MOST", 2)
    row = fence(ROW, **SOON)
    play(row, [ping("A", second, name) for name, second in (("c", 0), ("b", 0), ("a", 1), ("d", 2), ("e", 90_000))])
    first, second, third = (play(row, tick(seconds)).told for seconds in (80_000, 80_000, 80_001))
    assert [line.split()[0] for line in (*first, *second)] == ["b", "c", "a", "d"]
    assert third == []


def test_a_fence_that_keeps_time_forgets_between_pings_at_the_time_it_was_due():
    row = fence(ROW, keeps_time=True, **SOON)
    done = play(row, ping("A", 0, "quiet one"), [ping("A", seconds, "other") for seconds in range(0, 90_000, 1_000)])
    assert "quiet one A>- expired @30000" in done.told
    assert leftovers(row)[-2:] == [1, 0]


# -- all of them -----------------------------------------------------------------------------------------------------


@given(scripts(library=[MOVED, ROW]))
def test_the_same_record_twice_changes_nothing(script):
    once, twice = both(), both()
    done, again = play(once, script), play(twice, [])
    for item in script:
        if isinstance(item, Ping):
            again.add(twice.observe(Pings.of([item])))
        else:
            again.add(twice.apply(item))
            before = state(twice)
            assert not twice.apply(item).crossings
            assert state(twice) == before
    assert again.crossings == done.crossings
    assert state(twice) == state(once)


@given(scripts(library=[MOVED, ROW]))
def test_what_is_due_is_due_then_and_not_before_until_nothing_is_left(script):
    fence, shadow = both(), both()
    done = play(fence, script)
    play(shadow, script)
    for _ in range(100):
        due_ms = fence.due_ms()
        if due_ms is None:
            break
        if due_ms > shadow.clock_ms:
            before = state(shadow)
            assert not play(shadow, tick((due_ms - START_MS - 1) / 1000)).told
            assert state(shadow) == before
        due = tick((max(due_ms, fence.clock_ms) - START_MS) / 1000)
        before = state(fence)
        done.add(fence.apply(due))
        assert state(fence) != before, "a tick that was due did nothing"
        shadow.apply(due)
    assert fence.due_ms() is None
    assert not list(fence.tracks())
    well_formed(done.crossings)


@given(scripts(library=[MOVED, ROW]))
def test_memory_is_given_back_when_all_is_forgotten(script):
    fence = both()
    play(fence, script)
    end_s = (fence.clock_ms - START_MS) / 1000
    play(fence, tick(end_s + 30_000), tick(end_s + 40_000))
    spoken = sum(bool(fence._devices.rows["consent"][slot]) for slot in fence._devices.roster.live())
    assert leftovers(fence) == [0, 0, 0, 0, spoken, 0]
    assert spoken == len(fence._devices.roster.live()), "only consents are remembered"


@given(st.permutations(DEVICES), st.integers(1, 3))
def test_slots_are_given_again_and_bring_nothing_of_their_last_device(order, rounds):
    used, new = both(), both()
    for turn in range(rounds):
        base_s = turn * 100_000
        play(used, [ping("B", base_s, device) for device in order], [ping("b", base_s + 60, order[0], accuracy_m=30.0)])
        play(used, [erase(device, base_s + 100) for device in order], tick(base_s + 20_000))
    assert used._devices.roster.size == len(DEVICES)
    later = [ping(spot, 900_000 + at_s, "newcomer") for spot, at_s in (("a", 0), ("b", 60), ("B", 120), ("C", 300))]
    assert play(used, later).crossings == play(new, later).crossings
    assert [view for view in used.tracks() if view.device == "newcomer"] == list(new.tracks())


def test_a_switch_is_seen_by_devices_that_are_erased_or_forgotten_before_they_are_swept():
    row = fence(partition({"A": box(0, 0, 0.03, 0.01)}), library=[ROW], sweep_devices=1)
    play(row, [ping("B", 0, device) for device in "xyz"])
    told = [*row.apply(switch(ROW, 100)).crossings, *row.apply(erase("z", 200)).crossings]
    assert [line(crossing) for crossing in told] == ["x A>B boundary @100", "z A>B boundary @100", "z B>- consent @200"]
    assert play(row).told == ["y A>B boundary @100"]
