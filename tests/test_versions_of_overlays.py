"""Boundary switches over overlays: fences are left where the anchor no longer is, entered where they are laid over."""

import pytest
from hypothesis import given
from shapely import Point, box
from worlds import (
    FENCES,
    SHAPES,
    SHIFTED,
    SQUARES,
    fence,
    overlay,
    partition,
    ping,
    play,
    scripts,
    switch,
    tick,
    walk,
)

ROW, MOVED, RETIRED = partition(), partition(SHIFTED), partition({})
OVER = overlay(dwell_s=100)


def after(old, new, *before, then=()):
    """What is told from the switch on."""
    row = fence(old, library=[new])
    play(row, *before)
    return play(row, switch(new, 1000), *then).told


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        (FENCES | {"new": SQUARES["A"]}, ["d entered new boundary @1000"]),
        ({key: FENCES[key] for key in ("inner", "outer")}, ["d exited middle boundary @1000"]),
        (FENCES | {"inner": box(0.006, 0.002, 0.008, 0.008)}, ["d exited inner boundary @1000"]),
        (FENCES | {"inner": box(0.001, 0.001, 0.009, 0.009)}, []),
        (FENCES | {"side": FENCES["outer"]}, ["d entered side boundary @1000"]),
        ({}, [f"d exited {key} boundary @1000" for key in ("inner", "middle", "outer")]),
        (
            {"middle": FENCES["side"], "outer": FENCES["outer"], "inside": FENCES["inner"]},
            ["d exited inner boundary @1000", "d exited middle boundary @1000", "d entered inside boundary @1000"],
        ),
    ],
    ids=["added", "removed", "shrunk", "grown", "laid over", "retired", "all at once"],
)
def test_fences_that_change_are_entered_and_left_by_resting_devices(shapes, told):
    assert after(overlay(), overlay(shapes), walk("A 0 A 60")) == told


def test_fences_keep_their_dwell_across_a_switch():
    more = overlay(FENCES | {"new": SQUARES["B"]}, dwell_s=100)
    done = play(fence(OVER, library=[more]), walk("A 0"), switch(more, 50), tick(99), tick(100), tick(500))
    assert [line for line in done.told if "inner" in line] == [
        "d entered inner first_fix @0",
        "d dwelled inner moved @100",
    ]


@pytest.mark.parametrize(
    ("before_s", "after_s", "told"),
    [
        (None, 300, "d dwelled f moved @300"),
        (300, 100, "d dwelled f moved @100 (200)"),
        (100, 500, "d dwelled f moved @500"),
        (500, None, None),
    ],
    ids=["none before", "shorter", "longer", "none after"],
)
def test_another_dwell_time_counts_from_when_the_fence_was_entered(before_s, after_s, told):
    shapes = {"f": SQUARES["A"]}
    old, new = overlay(shapes, dwell_s=before_s), overlay(shapes, dwell_s=after_s)
    script = [*walk("A 0"), switch(new, 50), *(tick(seconds) for seconds in (51, 200, 299, 300, 499, 500, 9999))]
    done = play(fence(old, library=[new]), script)
    assert [line for line in done.told if "dwelled" in line] == ([told] if told else [])


def test_a_dwell_that_was_told_is_not_told_again_by_another_version():
    shapes = {"f": SQUARES["A"]}
    new = overlay(shapes, dwell_s=200)
    done = play(
        fence(overlay(shapes, dwell_s=100), library=[new]), walk("A 0"), tick(100), switch(new, 150), tick(9000)
    )
    assert sum("dwelled" in line for line in done.told) == 1


def test_a_device_dwells_in_a_fence_that_was_laid_over_it():
    more = overlay(FENCES | {"new": SQUARES["A"]}, dwell_s=100)
    done = play(fence(OVER, library=[more]), walk("A 0"), tick(150), switch(more, 500), tick(599), tick(600))
    assert [line for line in done.told if "new" in line] == ["d entered new boundary @500", "d dwelled new moved @600"]


def test_a_place_that_is_known_only_coarsely_brings_no_entry():
    more = overlay(FENCES | {"new": SQUARES["B"]})
    assert after(overlay(), more, walk("A 0"), ping("B", 60, accuracy_m=500.0)) == []
    assert after(overlay(), more, walk("sea 0"), ping("B", 60, accuracy_m=90.0)) == ["d entered new boundary @1000"]


def test_a_place_counts_until_a_coarse_ping_shows_that_it_was_left():
    more = overlay(FENCES | {"new": SQUARES["B"]})
    assert after(overlay(), more, walk("B 0"), ping("a", 60, accuracy_m=500.0)) == ["d entered new boundary @1000"]
    assert "d entered new boundary @1000" not in after(overlay(), more, walk("B 0"), ping("far", 9e5, accuracy_m=500.0))


@given(SHAPES, SHAPES, scripts(controls=False, size=15))
def test_an_overlay_s_fences_are_left_where_the_anchor_no_longer_is_and_entered_where_the_device_was_last(
    old_shapes, new_shapes, script
):
    old, new = overlay(old_shapes), overlay(new_shapes)
    over = fence(old, library=[new])
    play(over, script)
    tracks = over._layers["fences"].tracks
    fences, beliefs = tracks.fences.columns
    expected = set()
    for device, slot in over.devices():
        last, kept = Point(*tracks.place[slot].tolist()), set()
        for row in tracks.fence_rows(slot):
            belief, name = beliefs[row], old.regions[fences["fence"][row]].id
            if belief["region"] < 0:
                continue
            anchor = Point(belief["anchor_lon"], belief["anchor_lat"])
            if name in new_shapes and new_shapes[name].covers(anchor):
                kept.add(name)
            else:
                expected.add((device, "exited", name))
        for name, shape in new_shapes.items():
            lay_in_it = name in old_shapes and old_shapes[name].covers(last)
            if name not in kept and shape.covers(last) and not lay_in_it:
                expected.add((device, "entered", name))
    told = play(over, switch(new, 10**6)).crossings
    found = {(one.device, str(one.change), (one.target or one.origin).id) for one in told}
    assert found == expected
    assert len(told) == len(found)
