"""Tracks out of a fence and back: what was kept goes on as if it had never rested."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box
from worlds import (
    FENCES,
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

from geofence import wire_tracks
from geofence.fence import Fence
from geofence.library import UnknownVersion
from geofence.malformed import Malformed
from geofence.ping import Ping, Pings
from geofence.region import Kind, Region, Version
from geofence.wire import NewerVersion
from geofence.wire_tracks import LAYOUT, TrackRows, packed

CODES = {"A": 70, "B": 3, "C": 900, "inner": 5, "middle": 250, "outer": 4, "side": 1, "new": 2}
ROW = partition(codes=CODES)
OVER = overlay(dwell_s=100, codes=CODES)
LIBRARY = [
    ROW,
    OVER,
    partition(SHIFTED, codes=CODES),
    partition({"A": SQUARES["B"], "C": SQUARES["A"]}, codes=CODES),
    partition({}),
    overlay({"inner": FENCES["inner"], "side": FENCES["middle"], "new": FENCES["outer"]}, dwell_s=40, codes=CODES),
    overlay({}, dwell_s=100),
    overlay(FENCES, codes=CODES),
]
SOON = {"forget_after_s": 30_000, "max_age_s": 10_000}


def new(**more):
    return fence(ROW, OVER, library=LIBRARY, **(SOON | more))


def as_dict(rows):
    return {rows.device[index]: rows[index] for index in range(len(rows))}


def kept_after(kept, rows):
    """What a compacted topic has once these rows were written too."""
    for device, row in as_dict(rows).items():
        if row is None:
            del kept[device]  # a tombstone of what was never written would be one too many
        else:
            kept[device] = row
    return kept


def restored(source, rows=None, **more):
    other = new(**more)
    other.restore(source.rows() if rows is None else rows)
    other.resume(source.partition_row())
    return other


def same(one, two):
    assert list(one.tracks()) == list(two.tracks())
    assert (one.due_ms(), one.clock_ms, one.sweeping) == (two.due_ms(), two.clock_ms, two.sweeping)
    assert as_dict(one.rows()) == as_dict(two.rows())
    assert one.partition_row() == two.partition_row()


def do(some, item):
    return some.observe(Pings.of([item])) if isinstance(item, Ping) else some.apply(item)


# -- the contract ----------------------------------------------------------------------------------------------------


@given(
    scripts(library=LIBRARY),
    st.integers(0, 40),
    st.sets(st.integers(0, 40)),
    st.sampled_from([None, 1, 2]),
    st.booleans(),
)
def test_a_fence_that_rested_goes_on_as_one_that_did_not(script, cut, sweeps, most, in_time):
    more = {"sweep_devices": None if in_time else most, "keeps_time": in_time}
    awake = new(**more)
    for item in script[:cut]:
        do(awake, item)
    asleep = restored(awake, **more)
    same(asleep, awake)
    awake.changed()
    for row, item in enumerate(script[cut:]):
        assert do(asleep, item) == do(awake, item)
        if row in sweeps:
            assert asleep.sweep() == awake.sweep()
        assert asleep.due_ms() == awake.due_ms()
        assert as_dict(asleep.changed()) == as_dict(awake.changed())
    same(asleep, awake)


@given(scripts(library=LIBRARY), st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)), st.sampled_from([None, 1]))
def test_rows_of_what_changed_add_up_to_the_rows_of_all(script, writes, sweeps, most):
    some, kept, log = new(sweep_devices=most), {}, []
    for row, item in enumerate(script):
        before = as_dict(some.rows())
        do(some, item)
        if row in sweeps:
            some.sweep()
        if row in writes:
            rows = some.changed()
            log.append(rows)
            kept = kept_after(kept, rows)
            assert as_dict(some.rows()) == kept
        else:
            touched = set(some._devices.touched.listed[: some._devices.touched.many[0]].tolist())
            now = as_dict(some.rows())
            changed = {device for device in now if now[device] != before.get(device)}
            assert {some._devices.roster.slot_of(device) for device in changed} <= touched
    log.append(some.changed())
    assert as_dict(some.rows()) == kept_after(kept, log[-1])
    assert not len(some.changed())
    asleep = new(sweep_devices=most)
    for rows in log:
        asleep.restore(rows)
    asleep.resume(some.partition_row())
    same(asleep, some)
    together = [(rows.device[index], rows[index]) for rows in log for index in range(len(rows))]
    same(restored(some, TrackRows.of(together), sweep_devices=most), some)


def test_only_devices_that_were_touched_are_written():
    some = new()
    play(some, [ping("A", 0, device) for device in "abc"])
    assert set(as_dict(some.changed())) == {"a", "b", "c"}
    play(some, ping("A", 60, "b"), ping((200.0, 0.0), 61, "c"), tick(62))
    assert set(as_dict(some.changed())) == {"b"}
    play(some, consent("x", True, 70), erase("nobody", 71))
    assert set(as_dict(some.changed())) == {"x"}


def test_what_is_forgotten_leaves_a_row_that_bars_and_then_a_tombstone():
    some = new()
    play(some, walk("A 0", user="anna"))
    some.changed()
    play(some, erase("d", 100))
    row = as_dict(some.changed())["d"]
    assert row is not None
    assert b"anna" not in row
    assert len(row) == 1 + packed(LAYOUT["head"]).itemsize, "no position, no layer"
    play(some, tick(10_100))
    assert as_dict(some.changed()) == {"d": None}
    assert not len(some.changed())


def test_a_device_that_comes_and_goes_between_two_writes_leaves_nothing_to_write():
    some = new(consent="required")
    play(some, walk("A 0"))
    assert not len(some.changed())


def test_a_device_that_goes_and_comes_back_between_two_writes_has_a_row_and_no_tombstone():
    some = new()
    play(some, consent("d", True, 0))
    some.changed()
    play(some, walk("A 1"), erase("d", 2), tick(20_000), walk("A 20_001".replace("_", "")))
    rows = some.changed()
    assert rows.device[0] == "d"
    assert len(rows) == 1


def test_a_switch_that_is_half_way_is_in_the_partition_row_and_the_rows_of_its_devices():
    some = fence(ROW, library=LIBRARY, sweep_devices=1)
    play(some, [ping("A", 0, device) for device in "abc"])
    some.changed()
    some.apply(switch(LIBRARY[2], 100))
    assert set(as_dict(some.changed())) == {"a"}
    row = wire_tracks.decode_partition(some.partition_row()).layers[0]
    assert (row.version, row.before, row.epoch, row.switched_ms) == (LIBRARY[2].hash, ROW.hash, 1, at(100))
    other = fence(ROW, library=LIBRARY, sweep_devices=1)
    other.restore(some.rows())
    other.resume(some.partition_row())
    for one in (some, other):
        assert [crossing.device for crossing in one.sweep().crossings] == ["b"]
        assert set(as_dict(one.changed())) == {"b"}
        assert [crossing.device for crossing in one.sweep().crossings] == ["c"]
        assert not one.sweeping


def test_many_devices_in_many_fences_come_back():
    shapes = {f"{number:02}": box(0.0, 0.0, 0.01, 0.0005 * number + 0.0001) for number in range(30)}
    codes = {name: 1000 - rank for rank, name in enumerate(shapes)}
    over = overlay(shapes, codes=codes)
    some, other = fence(over), fence(over)
    rng = np.random.default_rng(5)
    play(some, [ping((0.005, y), 0, f"d{k}", 30.0, user=f"u{k % 7}") for k, y in enumerate(rng.uniform(0, 0.015, 300))])
    play(some, [ping((0.005, y), 60, f"d{k}", 30.0) for k, y in enumerate(rng.uniform(0, 0.015, 300))])
    other.restore(some.rows())
    other.resume(some.partition_row())
    same(some, other)
    after = [ping((0.005, y), 200, f"d{k}", 10.0) for k, y in enumerate(rng.uniform(0, 0.015, 300))]
    assert play(some, after).crossings == play(other, after).crossings


# -- what is refused -------------------------------------------------------------------------------------------------


def one_row():
    some = new()
    play(some, walk("A 0 b 60", accuracy_m=30.0, user="u"))
    return some, as_dict(some.rows())["d"]


def test_a_newer_row_is_refused_naming_both_versions():
    with pytest.raises(NewerVersion, match="the track row has version 9; this program reads versions up to 1"):
        new().restore(TrackRows.of([("d", b"\x09abc")]))


def test_rows_that_are_torn_are_refused_and_change_nothing():
    some, row = one_row()
    other = new()
    for size in [*range(len(row)), len(row) + 1]:
        torn = (row + b"\0")[:size]
        if torn:
            with pytest.raises(Malformed, match="the track row of 'd' is not as expected"):
                other.restore(TrackRows.of([("e", row), ("d", torn)]))
    assert not len(other.rows())
    same(restored(some), some)


def test_a_fence_that_refused_rows_takes_pings_as_a_new_one_does():
    _, row = one_row()
    other = new()
    with pytest.raises(Malformed):
        other.restore(TrackRows.of([("d", row[:-1])]))
    assert play(other, walk("A 0 A 60", device="e")).told == play(new(), walk("A 0 A 60", device="e")).told


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_whatever_the_bytes_a_row_is_read_or_refused(place, byte):
    some, row = one_row()
    broken = bytearray(row)
    broken[place % len(row)] = byte
    other = new()
    try:
        other.restore(TrackRows.of([("d", bytes(broken))]))
        other.resume(some.partition_row())
    except (Malformed, UnicodeDecodeError):
        return
    try:  # the log guards the bytes: here nothing but them may be touched, whatever they say
        other.observe(Pings.of(walk("A 0 A 60 B 120 B 180 B 240 A 300 A 360")))
        other.apply(switch(LIBRARY[2], 500))
        other.apply(erase("d", 600))
    except (ZeroDivisionError, UnicodeDecodeError):
        return
    assert not list(other.tracks())


def test_a_layer_or_a_version_that_is_not_at_hand_is_named():
    some, row = one_row()
    with pytest.raises(Malformed, match="tells of a layer that this fence does not have"):
        fence(ROW).restore(TrackRows.of([("d", row)]))
    with pytest.raises(UnknownVersion, match="had a layer 'fences'; give a version of it too"):
        fence(ROW).resume(some.partition_row())
    play(some, switch(LIBRARY[2], 100))
    other = fence(ROW, OVER)
    other.restore(some.rows())
    with pytest.raises(UnknownVersion, match="is not at hand"):
        other.resume(some.partition_row())


def test_rows_of_another_moment_than_the_partition_row_are_refused():
    some, _ = one_row()
    row, rows = some.partition_row(), some.rows()
    play(some, switch(LIBRARY[2], 100))
    for pair in ((some.rows(), row), (rows, some.partition_row())):
        other = new()
        other.restore(pair[0])
        with pytest.raises(Malformed, match="rows and a partition row of one moment"):
            other.resume(pair[1])


def test_a_row_of_another_kind_of_layer_is_refused():
    _, row = one_row()
    swapped = Fence(
        [
            Version.of("row", [Region("A", SQUARES["A"])], kind=Kind.OVERLAY),
            Version.of("fences", [Region("A", SQUARES["A"])]),
        ]
    )
    with pytest.raises(Malformed, match="the kind of a layer never changes"):
        swapped.restore(TrackRows.of([("d", row)]))


def test_a_fence_is_restored_before_it_is_used_and_resumed_before_it_goes_on():
    some, row = one_row()
    with pytest.raises(ValueError, match="restore is for a new fence"):
        some.restore(TrackRows.of([]))
    other = new()
    other.restore(TrackRows.of([("d", row)]))
    with pytest.raises(ValueError, match="call resume after restore"):
        other.observe(Pings.of(walk("A 0")))


# -- the layout ------------------------------------------------------------------------------------------------------


def test_the_layout_of_rows_is_the_one_that_its_number_stands_for():
    """If this fails, stored rows could not be read any more: move LAYOUT to OLDER and raise TRACK_VERSION."""
    text = repr([(kind, [(n, f[0].str, f[1]) for n, f in packed(t).fields.items()]) for kind, t in LAYOUT.items()])
    assert (wire_tracks.TRACK_VERSION, hashlib.sha256(text.encode()).hexdigest()[:16]) == (1, "533a5f65b0615ee6")
    _, row = one_row()
    assert (len(row), hashlib.sha256(row).hexdigest()[:16]) == (893, "2d86a64bbf8720df")
