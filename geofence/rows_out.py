"""Tracks out of the columns: the rows of some devices, in one arena.

Between `fence` and whoever keeps the rows. Records are gathered by column, then laid out row by row in compiled code.
Invariant: every field that can influence a later event is in the row, and nothing in a row depends on slots, on memory
or on how the input was split.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.devices import DEVICE, Devices
from geofence.layer import LayerState
from geofence.tracks import NEVER, NONE
from geofence.wire_tracks import BELIEF, HEAD, LAYER, TRACK_VERSION, TrackRows, bytes_of

Ints = NDArray[np.int64]
Lines = NDArray[np.uint8]


class Parts(NamedTuple):
    """The tracks of one layer in bytes, a line for each record. `begin` and `end`: the beliefs of each track."""

    begin: Ints
    end: Ints
    head: Lines
    name: Lines
    motion: Lines
    place: Lines  # no lines in a partition
    belief: Lines
    evidence: Lines
    first: Ints  # where the trail of each belief begins
    trail: Lines


def rows_of(devices: Devices, layers: list[LayerState], slots: Ints, gone: list[str]) -> TrackRows:
    """The rows of these devices, and a tombstone for each name that has gone."""
    owners = [np.flatnonzero(layer.tracks.span["born_ms"][slots] != NEVER) for layer in layers]
    parts = [_parts(layer, slots[rows]) for layer, rows in zip(layers, owners, strict=True)]
    heads, users = _heads(devices, slots, owners)
    line = bytes_of("head", heads)
    sizes = 1 + line.shape[1] + np.diff(users.offsets)
    for rows, part in zip(owners, parts, strict=True):
        sizes[rows] += _sizes(part)
    offsets = np.zeros(len(slots) + len(gone) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1 : len(slots) + 1])
    offsets[len(slots) + 1 :] = offsets[len(slots)]
    arena, at = np.empty(int(offsets[-1]), np.uint8), offsets[: len(slots)].copy()
    _write_heads(arena, at, TRACK_VERSION, line, users.arena, users.offsets)
    for rows, part in zip(owners, parts, strict=True):
        _write_layer(arena, at, rows, *part)
    return TrackRows(devices.roster.names(slots).and_more(gone), arena, offsets)


def _heads(devices: Devices, slots: Ints, owners: list[Ints]) -> tuple[NDArray[Any], Any]:
    its: NDArray[Any] = devices.rows[slots]
    users = devices.users.names(its["user"].astype(np.int64))
    heads = np.zeros(len(slots), HEAD)
    for name in set(DEVICE.names or ()) & set(HEAD.names or ()):
        heads[name] = its[name]
    heads["user_bytes"] = np.diff(users.offsets)
    for rows in owners:
        heads["layers"][rows] += 1
    return heads, users


def _parts(layer: LayerState, slots: Ints) -> Parts:
    tracks = layer.tracks
    spans, stale = tracks.span[slots], layer.is_stale(slots)
    if layer.atlas.overlay:
        chain, beliefs = tracks.fences.columns
        rows, begin = tracks.chains_of(slots)
        its, evidence, stale_beliefs = chain[rows], beliefs[rows], np.repeat(stale, np.diff(begin))
    else:
        begin = np.arange(len(slots) + 1)
        its, evidence, stale_beliefs = None, tracks.evidence[slots], stale
    belief = np.zeros(len(evidence), BELIEF)
    held = spans["trail"] if its is None else its["trail"]
    if its is not None:
        belief["dwelled"], belief["since_ms"], belief["due_ms"] = its["dwelled"], its["since_ms"], its["due_ms"]
        belief["fence"] = _codes(layer, its["fence"].astype(np.int64), stale_beliefs)
    belief["entries"] = np.where(held == NONE, 0, evidence["entries"])
    evidence["region"] = _codes(layer, evidence["region"], stale_beliefs)
    trail, first = _trails(layer, held, belief["entries"].astype(np.int64), stale_beliefs)
    name = np.frombuffer(layer.version.layer.encode(), np.uint8)
    head = np.zeros(len(slots), LAYER)
    head["name_bytes"], head["places"], head["beliefs"] = len(name), layer.atlas.overlay, np.diff(begin)
    head["epoch"] = layer.epoch - stale
    for field in ("sequence", "born_ms", "since_ms"):
        head[field] = spans[field]
    place = tracks.place[slots] if layer.atlas.overlay else tracks.place[:0]
    lines = (bytes_of("layer", head), name, bytes_of("motion", tracks.motion[slots]), bytes_of("place", place))
    told = (bytes_of("belief", belief), bytes_of("evidence", evidence), first, bytes_of("trail", trail))
    return Parts(begin[:-1], begin[1:], *lines, *told)


def _trails(
    layer: LayerState, held: NDArray[np.int32], entries: Ints, stale: NDArray[np.bool_]
) -> tuple[NDArray[Any], Ints]:
    """The entries of these beliefs' trails that count, one behind the other, and where each belief's begin."""
    first = np.zeros(len(entries) + 1, np.int64)
    np.cumsum(entries, out=first[1:])
    trail: NDArray[Any] = _entries(layer.tracks.trails.columns[0], held, first)
    trail["region"] = _codes(layer, trail["region"], np.repeat(stale, entries))
    return trail, first


def _codes(layer: LayerState, regions: Ints, stale: NDArray[np.bool_]) -> Ints:
    """The codes of regions, those of stale tracks being of the version before; what is no region stays."""
    codes = np.array([*layer.version.codes, 0, 0])[np.where(stale, 0, regions)]
    if stale.any() and layer.before is not None:
        codes[stale] = np.array([*layer.before.version.codes, 0, 0])[regions[stale]]
    return np.where(regions < 0, regions, codes)


def _sizes(part: Parts) -> Ints:
    """How many bytes each track of a layer takes."""
    fixed = part.head.shape[1] + len(part.name) + part.motion.shape[1] + (part.place.shape[1] if len(part.place) else 0)
    belief = part.belief.shape[1] + part.evidence.shape[1]
    entries = part.first[part.end] - part.first[part.begin]
    return np.asarray(fixed + belief * (part.end - part.begin) + part.trail.shape[1] * entries)


@njit(cache=True)
def _entries(trails, held, first):  # type: ignore[no-untyped-def]
    out = np.empty(first[-1], trails.dtype)
    for k in range(len(held)):
        for at in range(first[k], first[k + 1]):
            out[at] = trails[held[k]][at - first[k]]
    return out


@njit(cache=True)
def _write_heads(arena, at, number, head, users, user_offsets):  # type: ignore[no-untyped-def]
    for row in range(len(at)):
        arena[at[row]] = number
        place = _put(arena, at[row] + 1, head[row])
        at[row] = _put(arena, place, users[user_offsets[row] : user_offsets[row + 1]])


@njit(cache=True)
def _write_layer(arena, at, rows, begin, end, head, name, motion, place, belief, evidence, first, trail):  # type: ignore[no-untyped-def]
    for k in range(len(rows)):
        to = _put(arena, at[rows[k]], head[k])
        to = _put(arena, to, name)
        to = _put(arena, to, motion[k])
        if len(place):
            to = _put(arena, to, place[k])
        for one in range(begin[k], end[k]):
            to = _put(arena, to, belief[one])
            to = _put(arena, to, evidence[one])
            for entry in range(first[one], first[one + 1]):
                to = _put(arena, to, trail[entry])
        at[rows[k]] = to


@njit(cache=True, inline="always")
def _put(arena, at, raw):  # type: ignore[no-untyped-def]
    to = np.uint64(at)  # unsigned places can't count from the end, which lets many bytes be copied at once
    for k in range(np.uint64(len(raw))):
        arena[to + k] = raw[k]
    return at + len(raw)
