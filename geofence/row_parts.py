"""Where the parts of stored rows stand: a walk through their bytes by what they say of their own lengths.

What `rows_in` begins with. Invariant: a row is understood to its last byte, or refused.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.hysteresis import TRAIL_LENGTH
from geofence.layer import LayerState
from geofence.malformed import Malformed
from geofence.text import Texts
from geofence.wire_tracks import LAYOUT, TrackRows, layout_of

Ints = NDArray[np.int64]
_GOOD, _TORN, _NO_LAYER = range(3)
_PROBLEMS = {
    _TORN: "its length is not what its counts say; allowed: rows as they were written",
    _NO_LAYER: "it tells of a layer that this fence does not have; give it a version of every layer",
}


class Found(NamedTuple):
    """Where the parts of some rows stand in their arena."""

    row: Ints
    head: Ints
    user: Ints
    tracks: Ints  # (row, layer, head, motion, place) of each
    beliefs: Ints  # (track, head, evidence, trail, entries) of each


def find_all(rows: TrackRows, some: Ints, layers: list[LayerState], *, others: bool = False) -> dict[int, Found]:
    """The parts of these rows without the tombstones, by layout number; with `others` other layers are passed over.

    Raises Malformed.
    """
    some = some[np.diff(rows.offsets)[some] > 0]
    numbers = rows.arena[rows.offsets[some]]
    found = {}
    for number in np.unique(numbers).tolist():
        found[number] = _find(rows, some[numbers == number], number, [layer.version.layer for layer in layers], others)
        _check_beliefs(rows, found[number], layers)
    return found


def _find(rows: TrackRows, some: Ints, number: int, names: list[str], others: bool) -> Found:
    """Walk through rows of one layout."""
    layout = layout_of(number)
    sizes = tuple(layout[kind].itemsize for kind in LAYOUT)
    named = Texts.of(names)
    none = np.zeros((0, 5), np.int64)
    heads, users = np.empty(len(some), np.int64), np.empty(len(some), np.int64)
    args = (rows.arena, rows.offsets, some, sizes, named.arena, named.offsets, others, heads, users)
    problem, row, tracks, beliefs = _walk(*args, none, none)
    if problem != _GOOD:
        raise Malformed(f"the track row of {rows.device[int(row)]!r} is not as expected: {_PROBLEMS[int(problem)]}")
    found = np.empty((tracks, 5), np.int64), np.empty((beliefs, 5), np.int64)
    _walk(*args, *found)
    return Found(some, heads, users, *found)


def _check_beliefs(rows: TrackRows, found: Found, layers: list[LayerState]) -> None:
    """Each track as many places and beliefs as the kind of its layer asks for."""
    overlay = np.array([layer.atlas.overlay for layer in layers], np.bool_)[found.tracks[:, 1]]
    many = np.bincount(found.beliefs[:, 0], minlength=len(found.tracks))
    wrong = np.flatnonzero((overlay != (found.tracks[:, 4] >= 0)) | (~overlay & (many != 1)))
    if len(wrong):
        row, layer = found.tracks[wrong[0], :2].tolist()
        kind = layers[layer].version.kind
        raise Malformed(
            f"the track row of {rows.device[row]!r} is not that of a {kind}, as layer "
            f"{layers[layer].version.layer!r} is; the kind of a layer never changes"
        )


@njit(cache=True)
def _number(arena, at, size):  # type: ignore[no-untyped-def]
    value = np.int64(0)
    for k in range(size):
        value |= np.int64(arena[at + k]) << (8 * k)
    return value


@njit(cache=True)
def _layer_named(arena, at, size, names, name_offsets):  # type: ignore[no-untyped-def]
    """The index of the layer of this name, or -1."""
    for index in range(len(name_offsets) - 1):
        begin = name_offsets[index]
        if name_offsets[index + 1] - begin != size:
            continue
        same = True
        for k in range(size):
            same = same and arena[at + k] == names[begin + k]
        if same:
            return index
    return -1


@njit(cache=True)
def _walk(arena, offsets, rows, sizes, names, name_offsets, others, heads, users, tracks, beliefs):  # type: ignore[no-untyped-def]
    """Find the parts of every row: what is wrong and in which, how many tracks and beliefs; writes where there is room.

    `sizes` are those of the records in the order of LAYOUT. Of every record that says how long something is, those
    fields come first: head (1, 2 bytes), layer (2, 1, 4), belief (1).
    """
    head, layer_head, motion, place, belief, evidence, trail = sizes
    many_tracks, many_beliefs, seen = 0, 0, np.full(len(name_offsets), -1)  # the last: of layers passed over
    for k in range(len(rows)):
        row = rows[k]
        at, end = offsets[row] + 1, offsets[row + 1]
        if at + head > end:
            return _TORN, row, 0, 0
        heads[k], users[k] = at, at + head
        layers, at = arena[at], at + head + _number(arena, at + 1, 2)
        for _ in range(layers):
            if at + layer_head > end:
                return _TORN, row, 0, 0
            start, size, places, count = at, _number(arena, at, 2), arena[at + 2], _number(arena, at + 3, 4)
            at += layer_head
            if at + size + motion + (place if places else 0) > end:
                return _TORN, row, 0, 0
            index = _layer_named(arena, at, size, names, name_offsets)
            known = index >= 0
            if (not known and not others) or (known and seen[index] == row):
                return (_TORN if known else _NO_LAYER), row, 0, 0
            seen[index], at = row, at + size
            if known and len(tracks):
                it = tracks[many_tracks]
                it[0], it[1], it[2], it[3], it[4] = row, index, start, at, (at + motion if places else -1)
            at += motion + (place if places else 0)
            for _ in range(count):
                entries = arena[at] if at + belief + evidence <= end else np.uint8(255)
                if entries > TRAIL_LENGTH or at + belief + evidence + entries * trail > end:
                    return _TORN, row, 0, 0
                if known and len(beliefs):
                    it = beliefs[many_beliefs]
                    it[0], it[1], it[2] = many_tracks, at, at + belief
                    it[3], it[4] = at + belief + evidence, entries
                at += belief + evidence + entries * trail
                many_beliefs += known
            many_tracks += known
        if at != end:
            return _TORN, row, 0, 0
    return _GOOD, 0, many_tracks, many_beliefs
