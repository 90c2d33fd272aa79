"""The dry run: it foretells what publishing then does, and changes nothing."""

import os
from collections import Counter
from dataclasses import dataclass
from itertools import permutations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import (
    FENCES,
    SHAPES,
    SHIFTED,
    SQUARES,
    at,
    consent,
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
)

from boundaries.errors import BoundaryError, Stopped, Unreadable
from boundaries.trial.at_once import count_at_once
from boundaries.trial.matching import ADDED, GONE, MOVED, UNCHANGED, matched, pair_up
from boundaries.trial.outcome import Trial, without_devices
from boundaries.trial.replaying import count_replayed
from boundaries.trial.running import Plan, Progress, try_out
from boundaries.trial.text import trial_text
from boundaries.trial.told import Flaps, Told
from geofence.atlas import Atlas
from geofence.crossing import Cause
from geofence.ping import Ping, Pings
from geofence.wire_tracks import TrackRows

ROW, MOVED_ROW = partition(), partition(SHIFTED)
OVER = overlay(dwell_s=100)
OTHER = overlay(layer="other")


def kept(some, batches=1):
    """What the topic `tracks` has of a fence: its rows in batches, the partition's row last."""
    rows = some.rows()
    pairs = [(rows.device[k], rows[k]) for k in range(len(rows))]
    cut = max(1, len(pairs) // batches)
    parts = [TrackRows.of(pairs[k : k + cut]) for k in range(0, len(pairs), cut)]
    return [*((part, None) for part in parts), (TrackRows.of([]), some.partition_row())]


def atlas_of(version):
    """Its atlas, made once in a test run."""
    return fence(version)._layers[version.layer].atlas


def ids(crossings):
    return [
        (one.device, one.origin.id if one.origin else None, one.target.id if one.target else None) for one in crossings
    ]


def count(some, after, *known):
    return count_at_once(kept(some), after, known, Atlas)


# -- at once ---------------------------------------------------------------------------------------------------------


def test_resting_devices_are_counted_by_the_regions_they_change():
    row = fence(ROW)
    play(row, [ping(spot, 0, device) for device, spot in (("d1", "A"), ("d2", "A"), ("d3", "B"), ("d4", "sea"))])
    told = count(row, MOVED_ROW, ROW).outcome()
    assert [(one.origin, one.target, one.devices) for one in told.moves] == [("A", "B", 2), ("B", "C", 1)]
    assert (told.devices, told.affected, told.events, told.share) == (4, 3, 3, 0.75)


def test_a_version_that_moves_nobody_counts_nobody():
    row = fence(ROW)
    play(row, walk("A 0"))
    for after in (ROW, partition(names={"A": "Anglia"})):
        assert count(row, after, ROW).outcome().events == 0


def test_a_partition_without_tracks_or_without_the_layer_counts_nobody():
    assert count_at_once([], MOVED_ROW, [ROW], Atlas).devices == 0
    others = fence(OTHER)
    play(others, walk("A 0"))
    assert count(others, MOVED_ROW, ROW).devices == 0


def test_a_version_in_force_that_is_not_at_hand_is_an_error_that_says_so():
    row = fence(ROW)
    play(row, walk("A 0"))
    with pytest.raises(Unreadable, match=f"version '{ROW.hash[:12]}' is in force in a partition and not at hand"):
        count(row, MOVED_ROW)


def test_a_newer_row_of_a_device_replaces_the_older_one_and_a_tombstone_ends_it():
    row = fence(ROW)
    play(row, walk("A 0"), walk("A 0", device="e"))
    first = row.changed()
    play(row, walk("B 600"), [erase("e", 700), tick(700 + 8 * 86_400)])
    read = [(first, None), (row.changed(), row.partition_row())]
    assert dict(count_at_once(read, MOVED_ROW, [ROW], Atlas).moves) == {("B", "C"): 1}


@given(SHAPES, SHAPES, SHAPES, scripts(size=25), st.booleans(), st.integers(0, 3))
def test_what_is_counted_is_what_the_switch_then_tells(first, second, third, script, in_overlay, sweeps):
    make = overlay if in_overlay else partition
    old, now, new = (make(shapes, layer="it") for shapes in (first, second, third))
    one = fence(old, OTHER, library=[now, new], sweep_devices=1)
    play(one, script)
    one.apply(switch(now, 10**6))  # a switch that may be under way
    for _ in range(sweeps):
        one.sweep()
    found = count_at_once(kept(one, 2), new, [old, now, new], atlas_of)
    while one.sweeping:
        one.sweep()
    expected = [line for line in play(one, switch(new, 10**6 + 1)).crossings if line.layer == "it"]
    assert found.moves == Counter(pair[1:] for pair in ids(expected))
    assert found.affected == len({line.device for line in expected})
    assert [(move.device, move.origin, move.target) for move in found.examples] == sorted(
        ids(expected), key=lambda each: [text or "" for text in each]
    )
    assert found.devices == sum(track.layer == "it" for track in one.tracks())


# -- matching --------------------------------------------------------------------------------------------------------

TIMES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), max_size=5)


@given(TIMES, TIMES, st.integers(0, 4))
def test_as_many_crossings_are_paired_as_can_be_and_equal_ones_first(before, after, within):
    pairs = pair_up(before, after, within)
    assert Counter(old for old, _ in pairs if old is not None) == Counter(before)
    assert Counter(new for _, new in pairs if new is not None) == Counter(after)
    equal = Counter(before) & Counter(after)
    assert sum(old == new for old, new in pairs) == equal.total()
    olds, news = list((Counter(before) - equal).elements()), list((Counter(after) - equal).elements())
    short, long = sorted((olds, news), key=len)
    best = max(
        sum(abs(one[0] - other[0]) <= within for one, other in zip(short, order, strict=False))
        for order in permutations(long, len(short))
    )
    both = [(old, new) for old, new in pairs if old is not None and new is not None and old != new]
    assert len(both) == best
    assert all(abs(old[0] - new[0]) <= within for old, new in both)


def told(device, origin, target, minute):
    return Told(device, origin, target, at(60 * minute), at(60 * minute))


def test_crossings_are_unchanged_moved_added_or_gone_by_device_and_regions():
    before = [told("d", "A", "B", 0), told("d", "B", "A", 10), told("e", "A", "B", 3), told("e", "B", None, 30)]
    after = [told("d", "A", "B", 0), told("d", "B", "A", 14), told("f", "A", "B", 3), told("e", "B", None, 36)]
    found = matched(before, after)
    assert [found.total(which) for which in (UNCHANGED, MOVED, ADDED, GONE)] == [1, 1, 2, 2]
    assert found.shifts_ms == [240_000]
    assert dict(found.pairs["B", None]) == {ADDED: 1, GONE: 1}
    assert [(one.device, one.before_ms, one.after_ms) for one in found.examples] == [
        ("e", at(180), None),
        ("f", None, at(180)),
        ("d", at(600), at(840)),
        ("e", at(1800), None),
        ("e", None, at(2160)),
    ]


def flaps_of(lines, *, in_overlay=False):
    counter = Flaps(overlay=in_overlay)
    counter.add(lines)
    return counter.crossings, counter.flaps


def test_a_flap_is_a_crossing_taken_back_by_the_next_one_within_ten_minutes():
    assert flaps_of([told("d", "A", "B", 0), told("d", "B", "A", 10)]) == (2, 1)
    assert flaps_of([told("d", "A", "B", 0), told("d", "B", "A", 10.01)]) == (2, 0)
    assert flaps_of([told("d", "A", "B", 0), told("d", "B", "C", 1), told("d", "C", "B", 2)]) == (3, 1)
    assert flaps_of([told("d", "A", "B", 0), told("e", "B", "A", 1)]) == (2, 0)
    assert flaps_of([told("d", "A", "B", 0), told("d", "B", "A", 1), told("d", "A", "B", 2)]) == (3, 2)


def test_in_an_overlay_each_fence_flaps_by_itself_and_a_dwell_is_no_crossing():
    lines = [told("d", None, "A", 0), told("d", None, "B", 1), told("d", "A", "A", 2), told("d", "A", None, 3)]
    assert flaps_of(lines, in_overlay=True) == (3, 1)


# -- replayed --------------------------------------------------------------------------------------------------------


def brute(version, script):
    """The movements of a script, one record at a time through a plain fence."""
    one, found = fence(version, keeps_time=True), []
    for item in script:
        report = one.observe(Pings.of([item])) if isinstance(item, Ping) else one.apply(item)
        found += [line for line in report.crossings if line.cause is Cause.MOVED]
    return found


def batched(script, size):
    """The script as a reader of the log gives it: batches of runs of pings and control records."""
    for start in range(0, len(script), size):
        items, run = [], []
        for item in script[start : start + size]:
            if isinstance(item, Ping):
                run.append(item)
                continue
            items += [Pings.of(run), item] if run else [item]
            run = []
        yield [*items, Pings.of(run)] if run else items


@given(SHAPES, SHAPES, scripts(size=60), st.booleans(), st.integers(1, 30))
def test_replayed_crossings_are_those_of_plain_fences(first, second, script, in_overlay, size):
    options = {"dwell_s": 90} if in_overlay else {}
    make = overlay if in_overlay else partition
    old, new = make(first, layer="it", **options), make(second, layer="it", **options)
    found = count_replayed(batched(script, size), old, new, atlas_of)
    before, after = brute(old, script), brute(new, script)
    keys = Counter((*ids([one])[0], one.occurred_ms, one.confirmed_ms) for one in before)
    others = Counter((*ids([one])[0], one.occurred_ms, one.confirmed_ms) for one in after)
    assert found.matched.total(UNCHANGED) == (keys & others).total()
    moved = found.matched.total(MOVED)
    assert found.matched.total(GONE) + moved == (keys - others).total()
    assert found.matched.total(ADDED) + moved == (others - keys).total()
    assert found.crossings == tuple(sum(one.origin != one.target for one in side) for side in (before, after))
    assert found.pings == sum(isinstance(item, Ping) for item in script)


def test_switches_in_the_log_are_left_out_and_consents_and_erasures_are_not():
    script = [*walk("A 0"), switch(MOVED_ROW, 10), *walk("B 600"), erase("d", 700), *walk("A 800 B 1400")]
    script += [consent("e", False, 1500), *walk("A 1600 B 2200", device="e")]
    found = count_replayed(batched(script, 100), ROW, ROW, Atlas)
    assert (found.matched.total(UNCHANGED), found.crossings) == (2, (2, 2))


def test_first_fixes_are_no_crossings_and_hours_count_from_first_to_last_ping():
    script = [*walk("A 0 A 7200"), *walk("B 3600", device="e")]
    found = count_replayed(batched(script, 2), ROW, MOVED_ROW, Atlas).outcome()
    assert (found.unchanged, found.moved, found.added, found.gone) == (0, 0, 0, 0)
    assert (found.devices, found.device_hours, found.since_ms, found.until_ms) == (2, 2.0, at(0), at(7200))


# -- the whole -------------------------------------------------------------------------------------------------------


def crowd(partition_number):
    """The pings of some devices that walk about."""
    rng = np.random.default_rng(partition_number)
    names = [f"p{partition_number}-{k}" for k in range(20)]
    steps = [(names[k % 20], 30.0 * k, rng.uniform(-0.008, 0.032)) for k in range(600)]
    return [ping((lon, 0.005), at_s, name) for name, at_s, lon in steps]


@dataclass(frozen=True)
class Crowds:
    """Pings or tracks of any partition, for a process that opens them itself."""

    tracks: bool = False
    fail: bool = False

    def __call__(self, number):
        if self.fail and number == 2:
            raise Unreadable("partition 2 can't be read")
        if not self.tracks:
            return batched(crowd(number), 100)
        one = fence(ROW)
        play(one, crowd(number))
        return kept(one, 3)


def plan(processes, **more):
    options = {"tracks": Crowds(tracks=True), "pings": Crowds(), "partitions": 4} | more
    return Plan(before=ROW, after=MOVED_ROW, processes=processes, **options)


def test_the_outcome_is_the_same_in_one_process_and_in_two_and_survives_json():
    one, two = try_out(plan(1)), try_out(plan(2))
    assert one == two
    assert one.at_once.affected > 0
    assert one.replayed.added > 0
    assert msgspec.json.decode(msgspec.json.encode(one), type=Trial) == one
    assert b'"from":"A","to":"B"' in msgspec.json.encode(one)


def test_progress_grows_to_the_end():
    seen = []
    try_out(plan(1), on_progress=seen.append)
    assert seen[-1] == Progress(rows=80, pings=2400, partitions=4, of=4)
    assert [one.pings for one in seen] == sorted(one.pings for one in seen)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_dry_run_that_is_stopped_ends_soon_and_says_so(processes):
    seen = []
    with pytest.raises(Stopped, match="stopped before it was done; nothing was changed"):
        try_out(plan(processes, partitions=64), on_progress=seen.append, stopped=lambda: bool(seen))
    assert seen[-1].partitions < 64


def test_what_reading_raises_comes_through_from_another_process():
    with pytest.raises(Unreadable, match="partition 2 can't be read"):
        try_out(plan(2, pings=Crowds(fail=True)))


@dataclass(frozen=True)
class Dies:
    """Ends the process that opens it."""

    def __call__(self, number):
        os._exit(9)


def test_a_process_that_dies_ends_the_dry_run_with_a_reason_and_hangs_nothing():
    with pytest.raises(Stopped, match="a process of the dry run was ended from outside"):
        try_out(plan(2, pings=Dies()))


def test_versions_of_different_layers_are_refused():
    with pytest.raises(BoundaryError, match="allowed: two versions of one layer"):
        Plan(before=ROW, after=OVER, partitions=1)


def test_examples_name_at_most_a_hundred_devices_and_can_be_left_out():
    whole = try_out(plan(1, partitions=10))
    assert len(whole.examples.crossings) == 100
    assert len(whole.examples.at_once) == 100
    assert b"p3-7" in msgspec.json.encode(whole)
    without = without_devices(whole)
    assert b"p3-" not in msgspec.json.encode(without)
    assert "p3-" not in trial_text(without)
    assert without.replayed == whole.replayed


def test_the_text_says_what_an_admin_needs_to_decide():
    row = fence(ROW)
    play(row, walk("A 0"), walk("sea 0", device="e"))
    script = [*walk("A 0 B 600 A 900")]
    text = trial_text(
        try_out(
            Plan(
                before=ROW,
                after=partition({"A": SQUARES["A"]}),
                partitions=1,
                tracks=lambda _: kept(row),
                pings=lambda _: batched(script, 9),
            )
        )
    )
    assert "At once: 0 of 2 devices change (0.00%), with 0 events.\n" in text
    assert "Crossings: 0 unchanged, 0 moved in time, 2 added, 2 gone.\n" in text
    assert "before 1 of 2 crossings (50.00%, 4.0000 per device-hour); after 1 of 2 crossings" in text
    assert "  A          (outside)          0      0      1     0\n" in text


def test_an_overlay_s_text_says_what_from_a_fence_to_itself_means():
    text = trial_text(
        try_out(
            Plan(
                before=OVER,
                after=overlay(FENCES, dwell_s=3000),
                partitions=1,
                pings=lambda _: batched(walk("N 0 A 60 A 120 A 200 A 300"), 9),
            )
        )
    )
    assert "From a fence to itself is a dwell.\n" in text
    assert "middle     middle          0      0      0     1\n" in text
