"""Boundary switches: who gets an event when a layer's regions change, and who does not."""

import pytest
from hypothesis import given
from shapely import Point, box, union_all
from worlds import (
    DEVICES,
    SHAPES,
    SHIFTED,
    SQUARES,
    START_MS,
    at,
    fence,
    overlay,
    partition,
    ping,
    play,
    scripts,
    switch,
    walk,
)

from geofence.control import Switch
from geofence.fence import Fence
from geofence.hysteresis import OUTSIDE, UNKNOWN, Rule
from geofence.library import Library, UnknownVersion
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


# -- layers that come by a switch, and publications that are counted ------------------------------------------------


def published(version: Version, number: int, at_s: float = 0) -> Switch:
    """The control record of a publication."""
    return Switch(layer=version.layer, version=version.hash, at_ms=START_MS + round(at_s * 1000), number=number)


def test_a_layer_that_comes_by_a_switch_is_as_if_it_had_been_there():
    script = [*walk("A 0 A 60"), switch(MOVED, 300), *walk("B 1200 B 1400 C 2000 C 2100")]
    bare = Fence([], library=Library([ROW, MOVED]))
    assert play(bare, switch(ROW, -1), *script).told == play(fence(ROW, library=[MOVED]), *script).told


def test_a_device_that_was_there_before_its_layer_has_its_first_fix_there():
    bare = Fence([], library=[ROW])
    assert play(bare, walk("A 0"), switch(ROW, 10), walk("A 20")).told == ["d ->A first_fix @20"]


def test_a_publication_is_obeyed_once_and_never_after_a_later_one():
    row = fence(ROW, library=[MOVED, RETIRED])
    play(row, published(MOVED, 1), published(RETIRED, 2), published(MOVED, 1), published(RETIRED, 2))
    assert row.versions()["row"].hash == RETIRED.hash
    other = fence(ROW, library=[MOVED, RETIRED])
    other.restore(row.rows())
    other.resume(row.partition_row())
    other.apply(published(MOVED, 2))
    assert other.versions()["row"].hash == RETIRED.hash
    other.apply(published(MOVED, 3))
    assert other.versions()["row"].hash == MOVED.hash


def test_an_old_publication_needs_no_version_at_hand():
    row = fence(ROW, library=[MOVED])
    play(row, published(MOVED, 2), published(RETIRED, 1))
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


# -- any two versions ---------------------------------------------------------------------------------------------


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
