"""Tracks back into the columns: rows as a compacted topic has them, later ones replacing earlier ones.

The other half of `rows_out`. Rows go straight into the columns, their regions as codes; `resume` makes indices of them
once it is known which versions are in force. Invariant: rows that can't be read change nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.devices import DEVICE, Devices
from geofence.hysteresis import TRAIL_LENGTH
from geofence.layer import LayerState
from geofence.malformed import Malformed
from geofence.text import Texts, gathered
from geofence.tracks import NONE
from geofence.wire_tracks import HEAD, LAYOUT, LayerInForce, TrackRows, layout_of, records_of

Ints = NDArray[np.int64]
_GOOD, _TORN, _NO_LAYER = range(3)
_LOST = -9
_PROBLEMS = {
    _TORN: "its length is not what its counts say; allowed: rows as they were written",
    _NO_LAYER: "it tells of a layer that this fence does not have; give it a version of every layer",
}


class _Found(NamedTuple):
    """Where the parts of some rows stand in their arena."""

    row: Ints
    head: Ints
    user: Ints
    tracks: Ints  # (row, layer, head, motion, place) of each
    beliefs: Ints  # (track, head, evidence, trail, entries) of each


def take_in(devices: Devices, layers: list[LayerState], rows: TrackRows) -> None:
    """Put rows into the columns, in the order in which they were written. Raises Malformed."""
    found = _find_all(rows, np.arange(len(rows)), layers)  # stale rows too: all or nothing
    where = devices.slots_of(rows.device)
    newest = np.zeros(devices.ready, np.int64)
    newest[where] = np.arange(len(rows))
    slots = where[newest[where] == np.arange(len(rows))]
    if len(slots) < len(rows):
        found = _find_all(rows, newest[slots], layers)
    known = slots[devices.is_stored(slots)]
    for layer in layers:
        layer.tracks.reserve(devices.ready, 0)
        layer.tracks.clear(known)
    devices.forget_users(known)
    for number, parts in found.items():
        _put_devices(devices, rows, parts, where, number)
        for index, layer in enumerate(layers):
            _put_layer(layer, index, rows, parts, where, number)
    empty = np.diff(rows.offsets)[newest[slots]] == 0
    devices.mark_stored(slots, ~empty)
    devices.drop(slots[empty])


def _find_all(rows: TrackRows, some: Ints, layers: list[LayerState]) -> dict[int, _Found]:
    """The parts of these rows without the tombstones, by layout number. Raises Malformed."""
    some = some[np.diff(rows.offsets)[some] > 0]
    numbers = rows.arena[rows.offsets[some]]
    found = {}
    for number in np.unique(numbers).tolist():
        found[number] = _find(rows, some[numbers == number], number, [layer.version.layer for layer in layers])
        _check_beliefs(rows, found[number], layers)
    return found


def _find(rows: TrackRows, some: Ints, number: int, names: list[str]) -> _Found:
    """Walk through rows of one layout."""
    layout = layout_of(number)
    sizes = tuple(layout[kind].itemsize for kind in LAYOUT)
    named = Texts.of(names)
    none = np.zeros((0, 5), np.int64)
    heads, users = np.empty(len(some), np.int64), np.empty(len(some), np.int64)
    args = (rows.arena, rows.offsets, some, sizes, named.arena, named.offsets, heads, users)
    problem, row, tracks, beliefs = _walk(*args, none, none)
    if problem != _GOOD:
        raise Malformed(f"the track row of {rows.device[int(row)]!r} is not as expected: {_PROBLEMS[int(problem)]}")
    found = np.empty((tracks, 5), np.int64), np.empty((beliefs, 5), np.int64)
    _walk(*args, *found)
    return _Found(some, heads, users, *found)


def _check_beliefs(rows: TrackRows, found: _Found, layers: list[LayerState]) -> None:
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


def _records(kind: str, rows: TrackRows, at: Ints, number: int) -> NDArray[Any]:
    size = layout_of(number)[kind].itemsize
    raw, _ = gathered(rows.arena, at, np.full(len(at), size))
    return records_of(kind, raw, number)


def _put_devices(devices: Devices, rows: TrackRows, found: _Found, where: Ints, number: int) -> None:
    slots, heads = where[found.row], _records("head", rows, found.head, number)
    for name in set(DEVICE.names or ()) & set(HEAD.names or ()):
        devices.rows[name][slots] = heads[name]
    sizes = heads["user_bytes"].astype(np.int64)
    some = np.flatnonzero(sizes)
    if len(some):
        users = devices.users.slots_of(Texts(*gathered(rows.arena, found.user[some], sizes[some])))
        np.add.at(devices.users.holders, users, 1)
        devices.rows["user"][slots[some]] = users


def _put_layer(layer: LayerState, index: int, rows: TrackRows, found: _Found, where: Ints, number: int) -> None:
    """The tracks that these rows have in one layer."""
    mine = found.tracks[:, 1] == index
    tracks, slots = found.tracks[mine], where[found.tracks[mine, 0]]
    head, columns = _records("layer", rows, tracks[:, 2], number), layer.tracks
    for name in ("epoch", "sequence", "born_ms", "since_ms"):
        columns.span[name][slots] = head[name]
    columns.motion[slots] = _records("motion", rows, tracks[:, 3], number)
    beliefs = found.beliefs[mine[found.beliefs[:, 0]]] if len(found.beliefs) else found.beliefs
    evidence = _records("evidence", rows, beliefs[:, 2], number)
    held = _put_trails(layer, rows, beliefs, number)
    owner = where[found.tracks[beliefs[:, 0], 0]]
    if not layer.atlas.overlay:
        columns.evidence[owner], columns.span["trail"][owner] = evidence, held
        return
    columns.place[slots] = _records("place", rows, tracks[:, 4], number)
    columns.fences.reserve(len(beliefs))
    pool, (chain, held_beliefs) = columns.fences, columns.fences.columns
    told = _records("belief", rows, beliefs[:, 1], number)
    _put_fences(columns.span, chain, held_beliefs, pool.free, pool.left, owner, told, evidence, held)


def _put_trails(layer: LayerState, rows: TrackRows, beliefs: Ints, number: int) -> NDArray[np.int32]:
    """A trail for each belief that has entries: its row, or NONE."""
    held, pool = np.full(len(beliefs), NONE, np.int32), layer.tracks.trails
    some = np.flatnonzero(beliefs[:, 4])
    if len(some):
        pool.reserve(len(some))
        pool.left[0] -= len(some)
        held[some] = pool.free[int(pool.left[0]) : int(pool.left[0]) + len(some)]
        entries, size = beliefs[some, 4], layout_of(number)["trail"].itemsize
        which = np.repeat(np.arange(len(some)), entries)
        within = np.arange(len(which)) - np.repeat(np.cumsum(entries) - entries, entries)
        at = beliefs[some, 3][which] + size * within
        _put_entries(pool.columns[0], held[some][which], within, _records("trail", rows, at, number))
    return held


def resume(layer: LayerState, kept: LayerInForce, atlas: Atlas, before: Atlas | None) -> None:
    """Put what was in force in force again, and make indices of the codes in the columns. Raises Malformed."""
    layer.put_in_force(atlas)
    layer.before, layer.stale, layer.switched_ms, layer.epoch = before, None, kept.switched_ms, kept.epoch
    alive = layer.tracks.alive()
    now = _table(atlas)
    then = now if before is None else _table(before)
    tracks, args = layer.tracks, (alive, kept.epoch, before is not None, *now, *then)
    trails, (chain, beliefs) = tracks.trails.columns[0], tracks.fences.columns
    if layer.atlas.overlay:
        lost = _index_fences(tracks.span, chain, beliefs, trails, *args)
    else:
        lost = _index_regions(tracks.span, tracks.evidence, trails, *args)
    if lost != NONE:
        raise Malformed(
            f"the track row of {layer.devices.name(int(lost))!r} speaks of a region or a version of layer "
            f"{kept.layer!r} that is not in force; allowed: rows and a partition row of one moment"
        )


def _table(atlas: Atlas) -> tuple[Ints, Ints]:
    """The codes of a version in order, and the index of each."""
    codes = np.array(atlas.version.codes, np.int64)
    order = np.argsort(codes)
    return codes[order], order


@njit(cache=True)
def _index(code, codes, order):  # type: ignore[no-untyped-def]
    """The index of a region's code; what is no region stays."""
    if code < 0:
        return code
    at = np.searchsorted(codes, code)
    return order[at] if at < len(codes) and codes[at] == code else _LOST


@njit(cache=True)
def _index_belief(belief, holder, trails, codes, order):  # type: ignore[no-untyped-def]
    """Indices for the codes of a belief and its trail; whether every one is known."""
    belief.region = _index(belief.region, codes, order)
    known = belief.region != _LOST
    if holder.trail != NONE:
        for k in range(belief.entries):
            trails[holder.trail][k].region = _index(trails[holder.trail][k].region, codes, order)
            known = known and trails[holder.trail][k].region != _LOST
    return known


@njit(cache=True)
def _index_regions(span, evidence, trails, slots, epoch, switching, codes, order, old_codes, old_order):  # type: ignore[no-untyped-def]
    for slot in slots:
        stale = span[slot].epoch != epoch
        known = not stale or (switching and span[slot].epoch == epoch - 1)
        some, places = (old_codes, old_order) if stale else (codes, order)
        if not _index_belief(evidence[slot], span[slot], trails, some, places) or not known:
            return slot
    return NONE


@njit(cache=True)
def _index_fences(span, fences, beliefs, trails, slots, epoch, switching, codes, order, old_codes, old_order):  # type: ignore[no-untyped-def]
    for slot in slots:
        stale = span[slot].epoch != epoch
        known = not stale or (switching and span[slot].epoch == epoch - 1)
        some, places = (old_codes, old_order) if stale else (codes, order)
        row, last = span[slot].fences, np.int64(-1)
        while row != NONE:
            fences[row].fence = _index(np.int64(fences[row].fence), some, places)
            known = known and _index_belief(beliefs[row], fences[row], trails, some, places)
            known = known and fences[row].fence > last
            row, last = fences[row].next, fences[row].fence
        if not known:
            return slot
    return NONE


@njit(cache=True)
def _number(arena, at, size):  # type: ignore[no-untyped-def]
    value = 0
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
def _walk(arena, offsets, rows, sizes, names, name_offsets, heads, users, tracks, beliefs):  # type: ignore[no-untyped-def]
    """Find the parts of every row: what is wrong and in which, how many tracks and beliefs; writes where there is room.

    `sizes` are those of the records in the order of LAYOUT. Of every record that says how long something is, those
    fields come first: head (1, 2 bytes), layer (2, 1, 4), belief (1).
    """
    head, layer_head, motion, place, belief, evidence, trail = sizes
    many_tracks, many_beliefs, seen = 0, 0, np.full(len(name_offsets) - 1, -1)
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
            if index < 0 or seen[index] == row:
                return (_NO_LAYER if index < 0 else _TORN), row, 0, 0
            seen[index], at = row, at + size
            if len(tracks):
                it = tracks[many_tracks]
                it[0], it[1], it[2], it[3], it[4] = row, index, start, at, (at + motion if places else -1)
            at += motion + (place if places else 0)
            for _ in range(count):
                entries = arena[at] if at + belief + evidence <= end else np.uint8(255)
                if entries > TRAIL_LENGTH or at + belief + evidence + entries * trail > end:
                    return _TORN, row, 0, 0
                if len(beliefs):
                    it = beliefs[many_beliefs]
                    it[0], it[1], it[2] = many_tracks, at, at + belief
                    it[3], it[4] = at + belief + evidence, entries
                at += belief + evidence + entries * trail
                many_beliefs += 1
            many_tracks += 1
        if at != end:
            return _TORN, row, 0, 0
    return _GOOD, 0, many_tracks, many_beliefs


@njit(cache=True)
def _put_entries(trails, held, within, entries):  # type: ignore[no-untyped-def]
    for k in range(len(held)):
        trails[held[k]][within[k]] = entries[k]


@njit(cache=True)
def _put_fences(span, fences, beliefs, free, left, owner, told, evidence, held):  # type: ignore[no-untyped-def]
    """Make the chains of fence rows; the beliefs of one owner stand together, in the order of fences."""
    last = NONE
    for k in range(len(owner)):
        left[0] -= 1
        row = free[left[0]]
        it = fences[row]
        it.slot, it.fence, it.next, it.trail = owner[k], told[k].fence, NONE, held[k]
        it.dwelled, it.since_ms, it.due_ms = told[k].dwelled, told[k].since_ms, told[k].due_ms
        beliefs[row] = evidence[k]
        if k > 0 and owner[k - 1] == owner[k]:
            fences[last].next = row
        else:
            span[owner[k]].fences = row
        last = row
