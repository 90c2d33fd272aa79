"""Sweeping: a switch moves its devices some at a time, and nobody can tell from the events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import (
    FENCES,
    SHIFTED,
    SQUARES,
    erase,
    fence,
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

ROW, MOVED, RETIRED = partition(), partition(SHIFTED), partition({})
OVER = overlay(dwell_s=100)


def test_a_switch_moves_so_many_devices_at_once_in_the_order_of_their_names():
    row = fence(ROW, library=[MOVED], sweep_devices=2)
    play(row, [ping("A", 0, device) for device in "edcba"])
    found = [row.apply(switch(MOVED, 100))]
    while row.sweeping:
        found.append(row.sweep())
    assert [[crossing.device for crossing in report.crossings] for report in found] == [["a", "b"], ["c", "d"], ["e"]]
    assert not row.sweep().crossings


def test_a_ping_of_a_device_that_is_not_swept_yet_moves_it_first():
    row = fence(ROW, library=[MOVED], sweep_devices=1)
    play(row, [ping("A", 0, device) for device in "abc"], [])
    row.apply(switch(MOVED, 100))
    done = play(row, walk("C 300 C 360", device="c"))
    assert done.told == ["c A>B boundary @100", "c B>- moved @300", "b A>B boundary @100"]


def test_what_a_switch_brings_a_device_comes_before_what_its_ping_brings_in_any_layer():
    both = fence(ROW, OVER, library=[overlay({}, dwell_s=100)], sweep_devices=1)
    play(both, [ping("A", 0, device) for device in "az"])
    both.apply(switch(overlay({}, dwell_s=100), 100))
    told = play(both, walk("C 4000 C 4060 C 4120", device="z")).told
    causes = [line.split()[-2] for line in told if line.startswith("z")]
    assert causes.index("boundary") < causes.index("moved")


def test_a_fence_that_keeps_time_sweeps_all_at_once():
    with pytest.raises(ValueError, match="sweep_devices is 1 and keeps_time true"):
        fence(ROW, keeps_time=True, sweep_devices=1)


def test_tracks_can_be_read_while_a_switch_has_devices_left():
    row, over = (
        fence(ROW, library=[RETIRED], sweep_devices=1),
        fence(OVER, library=[overlay({}, dwell_s=9)], sweep_devices=1),
    )
    for one, new in ((row, RETIRED), (over, overlay({}, dwell_s=9))):
        play(one, [ping("C", 0, device) for device in "ab"], [ping("b", 60, "b", accuracy_m=30.0)])
        one.apply(switch(new, 100))
        places = {view.device: [place.region for place in view.places] for view in one.tracks()}
        assert places["b"][0] in ("C", "outer")
        assert places["a"] in ([None], [])


def test_a_device_that_appears_while_a_switch_is_on_its_way_begins_in_the_new_version():
    row = fence(ROW, library=[MOVED], sweep_devices=1)
    play(row, [ping("A", 0, device) for device in "ab"])
    row.apply(switch(MOVED, 100))
    assert row.sweeping
    assert play(row, walk("A 200", device="new")).told == ["new ->B first_fix @200", "b A>B boundary @100"]


def test_a_second_switch_finishes_the_first_one():
    row = fence(ROW, library=[MOVED, RETIRED], sweep_devices=1)
    play(row, [ping("A", 0, device) for device in "abc"])
    done = play(row, switch(MOVED, 100), switch(RETIRED, 200))
    assert done.told == [
        "a A>B boundary @100",
        "b A>B boundary @100",
        "c A>B boundary @100",
        "a B>- boundary @200",
        "b B>- boundary @200",
        "c B>- boundary @200",
    ]


def test_a_slot_that_is_given_again_while_a_switch_is_on_its_way_is_no_stale_device():
    row = fence(ROW, library=[MOVED], sweep_devices=1, max_age_s=50)
    play(row, [ping("A", 0, device) for device in "abc"])
    row.apply(switch(MOVED, 100))
    row.apply(erase("c", 110))
    row.apply(tick(200))
    assert row._devices.roster.slot_of("c") is None
    assert play(row, walk("A 300", device="new")).told == ["new ->B first_fix @300", "b A>B boundary @100"]


LIBRARY = [
    ROW,
    MOVED,
    RETIRED,
    partition({"A": SQUARES["B"], "C": SQUARES["A"]}, names={"A": "a new name"}),
    OVER,
    overlay({"inner": FENCES["inner"], "side": FENCES["middle"], "new": FENCES["outer"]}, dwell_s=40),
    overlay({}, dwell_s=100),
    overlay(FENCES),
]
SOON = {"forget_after_s": 30_000, "max_age_s": 10_000}


@given(scripts(library=LIBRARY), st.sets(st.integers(0, 40)), st.sampled_from([1, 2]))
def test_events_are_the_same_however_many_devices_are_swept_at_once(script, sweeps, most):
    whole, swept = (
        fence(ROW, OVER, library=LIBRARY, **SOON),
        fence(ROW, OVER, library=LIBRARY, sweep_devices=most, **SOON),
    )
    done, again = play(whole, script), play(swept, script, sweeps=sweeps)
    well_formed(again.crossings)

    def in_order(crossings):
        return sorted(crossings, key=lambda one: (one.device, one.layer, one.born_ms, one.sequence))

    assert in_order(again.crossings) == in_order(done.crossings)
    assert again.counts == done.counts
    assert list(swept.tracks()) == list(whole.tracks())
