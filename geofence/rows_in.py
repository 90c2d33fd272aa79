"""Tracks back into the columns: rows as a compacted topic has them, later ones replacing earlier ones.

The other half of `rows_out`. Rows go straight into the columns, their regions as codes; `resuming` makes indices
of them once it is known which versions are in force. Invariant: rows that can't be read change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.devices import DEVICE, Devices
from geofence.layer import LayerState
from geofence.row_parts import Found, find_all
from geofence.text import Texts, gathered
from geofence.tracks import NONE
from geofence.wire_tracks import HEAD, TrackRows, layout_of, records_of

Ints = NDArray[np.int64]


def take_in(devices: Devices, layers: list[LayerState], rows: TrackRows, *, others: bool = False) -> None:
    """Put rows into the columns, in the order in which they were written. Raises Malformed.

    With `others` the rows may tell of other layers, which are passed over; without, that is an error.
    """
    found = find_all(rows, np.arange(len(rows)), layers, others=others)  # stale rows too: all or nothing
    where = devices.slots_of(rows.device)
    newest = np.zeros(devices.ready, np.int64)
    newest[where] = np.arange(len(rows))
    slots = where[newest[where] == np.arange(len(rows))]
    if len(slots) < len(rows):
        found = find_all(rows, newest[slots], layers, others=others)
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


def _records(kind: str, rows: TrackRows, at: Ints, number: int) -> NDArray[Any]:
    size = layout_of(number)[kind].itemsize
    raw, _ = gathered(rows.arena, at, np.full(len(at), size))
    return records_of(kind, raw, number)


def _put_devices(devices: Devices, rows: TrackRows, found: Found, where: Ints, number: int) -> None:
    slots, heads = where[found.row], _records("head", rows, found.head, number)
    for name in set(DEVICE.names or ()) & set(HEAD.names or ()):
        devices.rows[name][slots] = heads[name]
    sizes = heads["user_bytes"].astype(np.int64)
    some = np.flatnonzero(sizes)
    if len(some):
        users = devices.users.slots_of(Texts(*gathered(rows.arena, found.user[some], sizes[some])))
        np.add.at(devices.users.holders, users, 1)
        devices.rows["user"][slots[some]] = users


def _put_layer(layer: LayerState, index: int, rows: TrackRows, found: Found, where: Ints, number: int) -> None:
    """The tracks that these rows have in one layer."""
    mine = found.tracks[:, 1] == index
    tracks, slots = found.tracks[mine], where[found.tracks[mine, 0]]
    head, columns = _records("layer", rows, tracks[:, 2], number), layer.tracks
    for name in ("epoch", "sequence", "born_ms", "since_ms"):
        columns.span[name][slots] = head[name]
    columns.motion[slots] = _records("motion", rows, tracks[:, 3], number)
    beliefs = found.beliefs[mine[found.beliefs[:, 0]]] if len(found.beliefs) else found.beliefs
    evidence = _records("evidence", rows, beliefs[:, 2], number)
    evidence["entries"] = beliefs[:, 4]  # what was walked through, whatever else the bytes say
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
