"""Columns of state: rows come and go, keep their numbers while in use, and leave nothing behind."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geofence.pool import Pool, grown
from geofence.tracks import NEVER, NONE, Tracks


def take(pool):
    pool.left[0] -= 1
    return int(pool.free[int(pool.left[0])])


def give_back(pool, row):
    pool.free[int(pool.left[0])] = row
    pool.left[0] += 1


@given(st.lists(st.integers(-5, 20), max_size=40))
def test_rows_of_a_pool_keep_their_numbers_and_their_contents_however_it_grows(steps):
    pool, held = Pool(np.dtype("i8"), np.dtype([("x", "f8")])), {}
    for number, step in enumerate(steps):
        if step > 0:
            pool.reserve(step)
            assert pool.left[0] >= step
        for _ in range(step):
            row = take(pool)
            assert row not in held
            held[row] = number
            pool.columns[0][row] = number
        for row in sorted(held)[: max(0, -step)]:
            del held[row]
            give_back(pool, row)
        assert pool.used == len(held)
        assert {row: int(pool.columns[0][row]) for row in held} == held
        assert all(len(column) == len(pool.free) for column in pool.columns)


def test_a_pool_takes_low_rows_first_so_that_memory_stays_together():
    pool = Pool(np.dtype("i8"))
    pool.reserve(3)
    rows = [take(pool) for _ in range(3)]
    pool.reserve(100)
    assert rows + [take(pool) for _ in range(3)] == [0, 1, 2, 3, 4, 5]


def test_a_grown_array_keeps_its_rows_and_the_new_ones_are_zero():
    array = np.arange(5)
    assert grown(array, 5) is array
    assert grown(array, 6).tolist()[:7] == [0, 1, 2, 3, 4, 0, 0]


def new_overlay(devices=2):
    tracks = Tracks(overlay=True)
    tracks.reserve(devices, 1)
    return tracks


def put_in(tracks, slot, fence):
    """The new row."""
    before = set(tracks.fence_rows(slot))
    tracks.begin_in(np.array([slot]), np.array([fence]), fence, fence)
    return next(iter(set(tracks.fence_rows(slot)) - before))


def fences_of(tracks, slot):
    return [int(tracks.fences.columns[0]["fence"][row]) for row in tracks.fence_rows(slot)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 9)), max_size=40))
def test_the_fences_of_a_device_stand_in_order_whatever_comes_and_goes(steps):
    tracks, held = new_overlay(), ({}, {})
    for add, slot, fence in steps:
        if add and fence not in held[slot]:
            held[slot][fence] = put_in(tracks, slot, fence)
        elif not add and fence in held[slot]:
            tracks.unchain(np.array([slot]), np.array([held[slot].pop(fence)]))
        for device in (0, 1):
            assert fences_of(tracks, device) == sorted(held[device])
        assert tracks.fences.used == len(held[0]) + len(held[1])
        assert sorted(tracks.fences_in_use().tolist()) == sorted([*held[0].values(), *held[1].values()])
    for device in (0, 1):
        tracks.clear(np.array([device]))
    assert tracks.fences.used == 0


def test_room_for_trails_covers_every_fence_of_the_devices_that_ping():
    tracks = new_overlay(3)
    for slot in (0, 1):
        for fence in range(7):
            put_in(tracks, slot, fence)
    tracks.reserve_sighted(np.array([0, 2, 1]), sightings=3)
    assert tracks.trails.left[0] >= 14 + 3
    assert tracks.fences.left[0] >= 3


def test_a_cleared_track_leaves_no_position_behind():
    tracks = new_overlay()
    tracks.span["born_ms"][0], tracks.motion["last_lon"][0], tracks.place["lon"][0] = 5, 12.5, 12.5
    row = put_in(tracks, 0, 3)
    tracks.fences.columns[1]["anchor_lon"][row] = 12.5
    tracks.trails.reserve(1)
    trail = take(tracks.trails)
    tracks.trails.columns[0][trail]["lon"] = 12.5
    tracks.fences.columns[0]["trail"][row] = trail
    assert tracks.alive().tolist() == [0]
    tracks.clear(np.array([0, 1]))
    assert not len(tracks.alive())
    assert (tracks.fences.used, tracks.trails.used) == (0, 0)
    gone = np.float64(12.5).tobytes()
    columns = [tracks.span, tracks.motion, tracks.place, *tracks.fences.columns, *tracks.trails.columns]
    assert not any(gone in column.tobytes() for column in columns)
    assert (tracks.span["born_ms"][0], tracks.span["trail"][0], tracks.span["fences"][0]) == (NEVER, NONE, NONE)
