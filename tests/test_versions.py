"""Boundary switches: who gets an event when a layer's regions change, and who does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box, union_all
from worlds import (
    DEVICES,
    FENCES,
    SHIFTED,
    SQUARES,
    at,
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

from geofence.control import Switch
from geofence.fence import UnknownVersion
from geofence.hysteresis import OUTSIDE, UNKNOWN, Rule
from geofence.region import Kind, Region, Version

ROW, MOVED, RETIRED = partition(), partition(SHIFTED), partition({})
OVER = overlay(dwell_s=100)


def after(old, new, *before, then=()):
    """What is told from the switch on."""
    row = fence(old, library=[new])
    play(row, *before)
    return play(row, switch(new, 1000), *then).told


# -- partitions ------------------------------------------------------------------------------------------------------


def test_resting_devices_get_their_event_without_pinging_dated_by_the_switch():
    told = after(ROW, MOVED, [ping(spot, 0, device) for device, spot in zip(DEVICES, "ABC", strict=True)])
    assert told == ["anna A>B boundary @1000", "ben B>C boundary @1000", "cléo C>- boundary @1000"]


def test_who_is_still_in_the_same_region_gets_no_event():
    halved = partition({"A": box(0.003, 0.003, 0.007, 0.007), "B": SQUARES["B"]})
    assert after(ROW, halved, walk("A 0"), walk("B 0", device="e")) == []


def test_a_region_that_is_renamed_but_not_moved_tells_nothing_until_the_next_crossing():
    named = partition(names={"A": "Anglia", "B": "Bosnia"})
    row = fence(ROW, library=[named])
    assert play(row, walk("A 0"), switch(named, 1000)).told == ["d ->A first_fix @0"]
    crossing = play(row, walk("B 1100")).crossings[0]
    assert (crossing.origin.name, crossing.target.name) == ("Anglia", "Bosnia")


def test_another_rule_tells_nothing_and_is_in_force_from_there_on():
    gated = partition(rule=Rule(ignore_worse_than_m=50.0))
    assert after(ROW, gated, walk("A 0")) == []
    row = fence(ROW, library=[gated])
    assert play(row, walk("A 0"), switch(gated, 100), walk("B 200", accuracy_m=80.0)).counts["row"]["rejected"] == 1


def test_a_boundary_event_names_the_region_as_each_version_did():
    before, behind = partition(names={"A": "old A"}), partition(SHIFTED, names={"B": "new B"})
    row = fence(before, library=[behind])
    crossing = play(row, walk("A 0"), switch(behind, 1000)).crossings[1]
    assert (crossing.origin.name, crossing.target.name) == ("old A", "new B")
    assert crossing.version == behind.hash
    assert (crossing.occurred_ms, crossing.confirmed_ms, crossing.sequence) == (at(1000), at(1000), 2)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (partition({"B": SQUARES["B"]}), ["d A>- boundary @1000"]),
        (RETIRED, ["d A>- boundary @1000"]),
        (partition({"A1": box(0, 0, 0.004, 0.01), "A2": box(0.004, 0, 0.01, 0.01)}), ["d A>A2 boundary @1000"]),
        (partition({"AB": union_all([SQUARES["A"], SQUARES["B"]])}), ["d A>AB boundary @1000"]),
        (partition({"A": box(-0.01, 0, 0.02, 0.01)}), []),
        (partition({"A": SQUARES["B"], "Z": SQUARES["A"]}), ["d A>Z boundary @1000"]),
        (partition({"0": box(-1, -1, 1, 1), "A": SQUARES["A"]}), ["d A>0 boundary @1000"]),
    ],
    ids=["removed", "retired layer", "split", "merged", "grown", "id elsewhere", "covered by a smaller id"],
)
def test_the_anchor_decides_which_region_a_device_is_in_now(new, told):
    assert after(ROW, new, walk("A 0 A 60")) == told


def test_a_device_outside_gets_an_event_when_a_region_is_laid_over_it():
    wider = partition(SQUARES | {"N": box(0, 0.01, 0.01, 0.02)})
    assert after(ROW, wider, walk("N 0")) == ["d ->N boundary @1000"]
    assert after(ROW, wider, walk("sea 0")) == []


def test_the_last_deep_position_counts_not_a_shallow_one_near_the_border():
    cut = partition({"A": box(0, 0, 0.0097, 0.01), "B": box(0.0097, 0, 0.02, 0.01)})
    deep = [ping("A", 0), ping((0.0052, 0.005), 60)]
    assert after(ROW, cut, deep, ping("a", 120, accuracy_m=60.0)) == []
    assert after(ROW, cut, deep, ping("a", 120, accuracy_m=5.0)) == ["d A>B boundary @1000"]


def test_a_device_that_is_not_known_to_be_anywhere_gets_no_event_and_its_first_fix_later():
    vague = ping("A", 0, accuracy_m=2000.0)
    told = after(ROW, MOVED, vague, then=walk("A 1100"))
    assert told == ["d ->B first_fix @1100"]


def test_pending_evidence_is_dropped():
    pending = walk("A 0 A 60 b 120", accuracy_m=30.0)
    renamed = partition(names={"A": "Anglia"})
    row = fence(ROW, library=[renamed])
    play(row, pending)
    assert [place.pending for view in row.tracks() for place in view.places] != [()]
    assert play(row, switch(renamed, 130)).told == []
    assert [place.pending for view in row.tracks() for place in view.places] == [()]
    assert row._layers["row"].tracks.trails.used == 0


def test_a_retired_layer_that_comes_back_finds_its_devices():
    row = fence(ROW, library=[RETIRED])
    done = play(row, walk("A 0"), switch(RETIRED, 100), walk("A 200"), switch(ROW, 300))
    assert done.told[1:] == ["d A>- boundary @100", "d ->A boundary @300"]


def test_the_same_switch_twice_tells_once():
    row = fence(ROW, library=[MOVED])
    done = play(row, walk("A 0"), switch(MOVED, 100), switch(MOVED, 200), switch(MOVED, 100))
    assert done.told[1:] == ["d A>B boundary @100"]


def test_the_next_ping_goes_on_from_where_the_switch_put_the_device():
    assert after(ROW, MOVED, walk("A 0"), then=walk("A 1060 B 1200")) == ["d A>B boundary @1000", "d B>C moved @1200"]


def test_layers_switch_alone():
    area = partition(layer="area")
    row = fence(ROW, area, library=[MOVED])
    done = play(row, walk("A 0"), switch(MOVED, 100))
    assert [crossing.layer for crossing in done.crossings] == ["row", "area", "row"]
    assert row.versions()["area"].hash == area.hash
    assert row.versions()["row"].hash == MOVED.hash


# -- what can not be switched to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "message"),
    [
        (switch(MOVED, 0), f"version '{MOVED.hash[:12]}' of layer 'row' is not at hand; there are"),
        (Switch(layer="moon", version=ROW.hash, at_ms=0), "layer 'moon' is not at hand"),
        (Switch(layer="row", version=OVER.hash, at_ms=0), "is a overlay of layer 'fences'; layer 'row' is a partition"),
    ],
    ids=["unknown version", "unknown layer", "another layer's"],
)
def test_an_unknown_version_is_a_clear_error_and_changes_nothing(control, message):
    row = fence(ROW, OVER)
    play(row, walk("A 0"))
    before = list(row.tracks())
    with pytest.raises(UnknownVersion, match=message):
        row.apply(control)
    assert list(row.tracks()) == before
    assert row.versions()["row"].hash == ROW.hash


def test_the_kind_of_a_layer_never_changes():
    fences = Version.of("row", [Region("A", SQUARES["A"])], kind=Kind.OVERLAY)
    with pytest.raises(UnknownVersion, match="its kind never changes"):
        fence(ROW, library=[fences]).apply(switch(fences, 0))


# -- overlays --------------------------------------------------------------------------------------------------------


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


# -- sweeping --------------------------------------------------------------------------------------------------------


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
    assert row._roster.slot_of("c") is None
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


RECTANGLES = st.builds(
    lambda west, south, wide, high: box(west / 200, south / 200, (west + wide) / 200, (south + high) / 200),
    st.integers(-2, 5),
    st.integers(-2, 2),
    st.integers(1, 4),
    st.integers(1, 3),
)
SHAPES = st.dictionaries(st.sampled_from(["A", "B", "C", "inner", "new"]), RECTANGLES, max_size=4)


@given(SHAPES, SHAPES, scripts(controls=False, size=15))
def test_a_partition_s_boundary_events_are_those_of_the_anchors(old_shapes, new_shapes, script):
    old, new = partition(old_shapes), partition(new_shapes)
    row = fence(old, library=[new])
    play(row, script)
    tracks = row._layers["row"].tracks
    expected = set()
    for device, slot in row.devices():
        belief = tracks.evidence[slot].copy()
        if belief["region"] == UNKNOWN:
            continue
        was = None if belief["region"] == OUTSIDE else old.regions[belief["region"]].id
        anchor = Point(belief["anchor_lon"], belief["anchor_lat"])
        now = next((region.id for region in new.regions if region.geometry.covers(anchor)), None)
        if was != now:
            expected.add((device, was, now))
    told = play(row, switch(new, 10**6)).crossings
    found = {(one.device, one.origin and one.origin.id, one.target and one.target.id) for one in told}
    assert found == expected
    assert len(told) == len(found)


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
