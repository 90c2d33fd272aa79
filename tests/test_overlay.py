"""The fence over overlays: what is entered, left and dwelled in, fence by fence."""

import pytest
from hypothesis import given
from worlds import (
    FENCES,
    SQUARES,
    START_MS,
    at,
    erase,
    fence,
    leftovers,
    outcomes,
    overlay,
    ping,
    play,
    scripts,
    tick,
    walk,
    well_formed,
)

from geofence.crossing import Change
from geofence.hysteresis import OUTSIDE
from geofence.ping import Ping, Pings

A = {"f": SQUARES["A"]}
OVER, DWELL = overlay(), overlay(A, dwell_s=300)


# -- entered and exited ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("A 0", ["d entered inner first_fix @0", "d entered middle first_fix @0", "d entered outer first_fix @0"]),
        ("sea 0 A 100", ["d entered outer first_fix @0", "d entered inner moved @100", "d entered middle moved @100"]),
        ("A 0 B 100", ["d exited inner moved @100", "d exited middle moved @100", "d entered side moved @100"]),
        ("A 0 a 100", ["d exited inner moved @100", "d entered side moved @100"]),
        ("far 0 far 100", []),
    ],
    ids=["a first ping in nested fences", "inwards", "from fence to fence", "only out of the inner one", "in none"],
)
def test_a_walk_is_told_fence_by_fence(steps, told):
    done = play(fence(OVER), walk(steps))
    assert done.told[-len(told) :] == told if told else not done.told
    well_formed(done.crossings)


def test_a_place_in_several_fences_that_are_alike_is_in_all_of_them():
    done = play(fence(overlay({"x": SQUARES["A"], "y": SQUARES["A"], "z": SQUARES["A"]})), walk("A 0 B 100"))
    assert [line.split()[1:3] for line in done.told] == [[word, f] for word in ("entered", "exited") for f in "xyz"]


def test_a_fence_is_entered_as_quickly_as_a_region_of_a_partition():
    done = play(fence(overlay({"a": SQUARES["A"], "b": SQUARES["B"]})), walk("A 0 A 60 B 120"))
    assert done.told[1:] == ["d exited a moved @120", "d entered b moved @120"]


def test_a_border_does_not_make_a_fence_flap():
    steps = "A 0 " + " ".join(f"{'ab'[turn % 2]} {turn * 30}" for turn in range(1, 60))
    assert play(fence(DWELL), walk(steps, accuracy_m=30.0)).told == [
        "d entered f first_fix @0",
        "d dwelled f moved @300",
    ]


def test_each_ping_has_one_outcome_however_many_fences_it_is_weighed_in():
    found = outcomes(fence(OVER), [*walk("A 0 A 0 A -60 A 60 far 61"), ping("b", 160, accuracy_m=30.0), *walk("B 260")])
    assert found["fences"] == ["confirmed", "repeated", "late", "quiet", "implausible", "confirmed", "confirmed"]


def test_devices_that_leave_many_fences_at_once_each_keep_what_is_pending():
    shapes = {f"{number:02}": SQUARES["A"] for number in range(30)}
    crowd = [f"d{number}" for number in range(40)]
    together, single = fence(overlay(shapes)), fence(overlay(shapes))
    steps = [ping("A", 0, device) for device in crowd]
    steps += [ping("b", 60, device, accuracy_m=30.0) for device in crowd]
    steps += [ping("B", 160, device) for device in crowd]
    done = play(together, steps, cuts=[40, 80])
    assert done.counts == {"fences": {"confirmed": 80, "pending": 40}}
    assert len(done.crossings) == 40 * 30 * 2
    assert play(single, steps, cuts=range(120)).crossings == done.crossings
    assert list(together.tracks()) == list(single.tracks())


@given(scripts())
def test_fences_that_nobody_is_in_or_may_be_entering_cost_nothing(script):
    over = fence(OVER)
    done = play(over, script)
    tracks = over._layers["fences"].tracks
    belief = tracks.fences.columns[1][tracks.fences_in_use()]
    assert ((belief["region"] != OUTSIDE) | (belief["entries"] > 0)).all()
    assert tracks.trails.used == (belief["entries"] > 0).sum()
    well_formed(done.crossings)


# -- dwelled ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ([*walk("A 0 A 299 A 301 A 900"), tick(2000)], ["dwelled f moved @300 (301)"]),
        ([*walk("A 0"), tick(299), tick(300), tick(301), tick(9000), *walk("A 9100")], ["dwelled f moved @300"]),
        ([*walk("A 0"), tick(5000)], ["dwelled f moved @300 (5000)"]),
        ([*walk("A 0 B 200"), tick(5000)], ["exited f moved @200"]),
        (
            [*walk("A 0 A 400 B 500 A 600 A 1000")],
            [
                "dwelled f moved @300 (400)",
                "exited f moved @500",
                "entered f moved @600",
                "dwelled f moved @900 (1000)",
            ],
        ),
        (
            [*walk("A 0 A 400 b 460", accuracy_m=30.0), *walk("A 560 A 1500"), tick(9000)],
            ["dwelled f moved @300 (400)"],
        ),
        (
            [*walk("A 0 A 200 b 250", accuracy_m=30.0), tick(350), *walk("A 500 A 600")],
            ["dwelled f moved @300 (500)"],
        ),
        (
            [*walk("A 0 A 200 b 250", accuracy_m=30.0), tick(350), *walk("B 500")],
            ["exited f moved @250 (500)"],
        ),
    ],
    ids=[
        "by its own ping, once",
        "by the tick that is due, once",
        "by a tick that comes late",
        "not after leaving",
        "once in each stay",
        "not again after a false start",
        "not by a tick while something speaks for its having left, but when that is settled",
        "not when it turns out to have left",
    ],
)
def test_a_dwell_is_told_once_a_stay(script, told):
    done = play(fence(DWELL), script)
    assert done.told == ["d entered f first_fix @0", *(f"d {line}" for line in told)]
    well_formed(done.crossings)


def test_a_dwell_counts_from_the_device_s_own_time_even_if_it_is_sent_late():
    late = ping("A", 0, received_ms=at(1000))
    done = play(fence(DWELL), late, tick(1100), tick(1299), tick(1300))
    assert done.told[1:] == ["d dwelled f moved @300 (1300)"], "300 s after it was heard to have entered just now"


def test_a_dwell_is_not_told_before_it_occurred_though_the_device_s_clock_is_ahead():
    ahead = ping("A", 100, received_ms=at(0))
    done = play(fence(DWELL), ahead, tick(300), tick(399), tick(400))
    assert done.told[1:] == ["d dwelled f moved @400"]


def test_dwells_that_are_due_together_are_told_in_the_order_in_which_they_became_due():
    one, two = overlay(A, layer="one", dwell_s=300), overlay(layer="two", dwell_s=200)
    script = [ping("A", 0, "ben"), ping("A", 50, "anna"), ping("A", 50, "cleo"), tick(400)]
    done = play(fence(one, two), script)
    dwells = [(c.layer, c.device, c.target.id) for c in done.crossings if c.change is Change.DWELLED]
    assert dwells[:3] == [("one", "ben", "f"), ("one", "anna", "f"), ("one", "cleo", "f")]
    assert [device for layer, device, _ in dwells if layer == "two"] == ["ben"] * 3 + ["anna"] * 3 + ["cleo"] * 3
    assert [region for layer, device, region in dwells if layer == "two" and device == "anna"] == [
        "inner",
        "middle",
        "outer",
    ]


def test_a_fence_that_keeps_time_tells_dwells_when_they_are_due_in_order_of_time():
    one, two = overlay(A, layer="one", dwell_s=60), overlay(A, layer="two", dwell_s=30)
    done = play(fence(one, two, keeps_time=True), walk("A 0"), ping("sea", 100, "e"))
    assert done.told[2:] == ["d dwelled f moved @30", "d dwelled f moved @60"]
    assert [crossing.layer for crossing in done.crossings[2:]] == ["two", "one"]


def test_layers_without_a_dwell_time_never_tell_one():
    done = play(fence(OVER), walk("A 0 A 1000"), tick(20 * 86_400))
    assert {crossing.change for crossing in done.crossings} == {Change.ENTERED}


def test_a_dwell_is_due_when_the_fence_says_so():
    over = fence(DWELL)
    assert over.due_ms() is None
    play(over, walk("A 0"))
    assert over.due_ms() == at(300)
    play(over, walk("A 200"))
    assert over.due_ms() == at(300)
    assert not play(over, tick(299)).told
    assert len(play(over, tick(300)).told) == 1
    assert over.due_ms() == at(200 + 30 * 86_400), "then the device's being forgotten"


@given(scripts())
def test_ticks_change_no_outcome_and_no_entry_and_no_exit(script):
    """Only dwells may come earlier: nobody is forgotten within the default 30 days."""
    pings = [item for item in script if isinstance(item, Ping)]
    calm, ticked = fence(OVER), fence(OVER)
    done, more = (
        play(calm, pings),
        play(ticked, [[one, tick((one.time_ms - START_MS) / 1000 + 5)] for one in pings][0:0]),
    )
    for one in pings:
        more.add(ticked.observe(Pings.of([one])))
        more.add(ticked.apply(tick((one.time_ms - START_MS) / 1000 + 500)))
    assert more.crossings == done.crossings
    assert more.counts == done.counts
    assert [view.digest for view in ticked.tracks()] == [view.digest for view in calm.tracks()]


# -- erased ----------------------------------------------------------------------------------------------------------


def test_erasing_leaves_every_fence_and_gives_every_row_back():
    over = fence(overlay(dwell_s=50))
    done = play(over, walk("A 0 A 60"), ping("b", 120, accuracy_m=30.0), erase("d", 200))
    assert done.told[-3:] == [f"d exited {name} consent @200" for name in ("middle", "outer", "side")]
    assert leftovers(over)[:2] == [0, 0]
    well_formed(done.crossings)


def test_a_fence_that_is_only_pending_is_not_left_by_erasing():
    over = fence(overlay(FENCES))
    play(over, walk("sea 0 sea 60"), ping((0.0092, 0.005), 160, accuracy_m=30.0))
    assert leftovers(over)[:2] == [3, 1], "in outer and middle, perhaps entering side"
    assert play(over, erase("d", 200)).told == ["d exited middle consent @200", "d exited outer consent @200"]
    assert leftovers(over)[:2] == [0, 0]
