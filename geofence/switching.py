"""What another version of a layer does to its tracks: each device moves to it, with an event where its place changed.

A device moves before anything else happens to it, or when the sweep comes to it. Invariant: a device gets an event only
if the new version no longer puts its anchor into the region that it was in, however many are swept at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.crossing import Cause, Crossing
from geofence.hysteresis import OUTSIDE, UNKNOWN, settle
from geofence.layer import Ints, LayerState, User, dwell_ms
from geofence.region import Version
from geofence.tracks import give_back_trail

_GONE = -3


def switch(layer: LayerState, atlas: Atlas, at_ms: int) -> None:
    """Put another version in force; every device moves to it before anything else happens to it."""
    layer.before, layer.switched_ms = layer.atlas, at_ms
    layer.put_in_force(atlas)
    layer.epoch += 1
    layer.stale = None


def sweep(layer: LayerState, most: int | None, user: User | None = None) -> list[Crossing]:
    """Move up to `most` devices to the version in force, in the order of their names."""
    if layer.before is None:
        return []
    if layer.stale is None:
        alive = layer.tracks.alive()
        stale = sorted(alive[layer.is_stale(alive)].tolist(), key=layer.devices.name)
        layer.stale = np.array(stale, np.int64)
    left = layer.stale[layer.is_stale(layer.stale)]  # without those that have moved by themselves
    some, layer.stale = left[:most], left[len(left[:most]) :]
    told = move(layer, some, user)
    if not len(layer.stale):
        layer.before = layer.stale = None
    return told


def move(layer: LayerState, slots: Ints, user: User | None = None) -> list[Crossing]:
    """Move these devices to the version in force, if they stand in the one before."""
    if layer.before is None or not len(slots):
        return []
    stale = slots[layer.is_stale(slots)]
    layer.devices.touched.add(stale)
    layer.devices.told.add(stale)
    layer.tracks.span["epoch"][slots] = layer.epoch
    return (_move_overlay if layer.atlas.overlay else _move_partition)(layer, layer.before, stale, user)


def _move_partition(layer: LayerState, before: Atlas, slots: Ints, user: User | None) -> list[Crossing]:
    tracks = layer.tracks
    old, lon = tracks.evidence["region"][slots], tracks.evidence["anchor_lon"][slots]
    lat, same = tracks.evidence["anchor_lat"][slots], _successors(before.version, layer.version)[old]
    seen = ~np.isnan(lon)
    new = np.where(same == _GONE, OUTSIDE, same)
    new[seen] = layer.atlas.locate(lon[seen], lat[seen], 0.0).region
    new[old == UNKNOWN] = UNKNOWN
    _settle_rows(tracks.evidence, slots, new)
    _drop_trails(tracks.span, slots, tracks.trails.columns[0], tracks.trails.free, tracks.trails.left)
    changed = (new != same) & ~((old < 0) & (new < 0))
    return layer.events(
        slots[changed], old[changed], new[changed], Cause.BOUNDARY, layer.switched_ms,
        user=user, origin_of=before.version,
    )  # fmt: skip


def _move_overlay(layer: LayerState, before: Atlas, slots: Ints, user: User | None) -> list[Crossing]:
    """Out of the fences that no longer hold their anchors, then into those that were laid over the devices."""
    tracks = layer.tracks
    rows, begin = tracks.chains_of(slots)
    chain, beliefs = tracks.fences.columns
    owner = np.repeat(np.arange(len(slots)), np.diff(begin))
    old, was_in = chain["fence"][rows].astype(np.int64), beliefs["region"][rows] >= 0
    fence = _successors(before.version, layer.version)[old]
    lon, lat = beliefs["anchor_lon"][rows], beliefs["anchor_lat"][rows]
    held = _pairs(layer.atlas, lon, lat)
    stays = was_in & (fence != _GONE)
    stays &= np.isnan(lon) | np.isin(np.arange(len(rows)) * _WIDE + fence, held)
    chain["due_ms"][rows[stays]] = _due_again(layer, before, chain[rows[stays]])
    _keep(tracks, slots, rows, stays, fence)
    entered = _laid_over(layer, before, slots, owner[stays] * _WIDE + fence[stays])
    at, into = entered // _WIDE, entered % _WIDE
    tracks.begin_in(slots[at], into, layer.switched_ms, layer.switched_ms + max(0, layer.dwell_ms))
    left = was_in & ~stays
    who = np.concatenate([owner[left], at])
    origin = np.concatenate([old[left], np.full(len(at), OUTSIDE)])
    target = np.concatenate([np.full(int(left.sum()), OUTSIDE), into])
    order = np.argsort(who, kind="stable")
    return layer.events(
        slots[who[order]], origin[order], target[order], Cause.BOUNDARY, layer.switched_ms,
        user=user, origin_of=before.version,
    )  # fmt: skip


_WIDE = 1 << 32  # a pair of a row and a fence as one number


def _pairs(atlas: Atlas, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Ints:
    """Which row's place lies in which fence."""
    known = np.flatnonzero(~np.isnan(lon))
    found = atlas.locate(lon[known], lat[known], 0.0)
    inside = found.region >= 0
    return np.asarray(known[found.row[inside]] * _WIDE + found.region[inside])


def _laid_over(layer: LayerState, before: Atlas, slots: Ints, kept: Ints) -> Ints:
    """The fences that these devices' places lie in now, without those that they are in, or lay in before as well.

    Where a device lay in the fence before, and that was not enough, it is not the border that did it.
    """
    place = layer.tracks.place[slots]
    now, then = (_pairs(atlas, place["lon"], place["lat"]) for atlas in (layer.atlas, before))
    then_fence = _successors(before.version, layer.version)[then % _WIDE]
    then = (then - then % _WIDE + then_fence)[then_fence >= 0]
    return np.setdiff1d(now, np.concatenate([kept, then]))


def _keep(tracks, slots: Ints, rows: Ints, stays: NDArray[np.bool_], fence: Ints) -> None:  # type: ignore[no-untyped-def]
    """Of these chains keep the rows that stay, in their new numbers and with nothing pending."""
    chain, beliefs = tracks.fences.columns
    _drop_trails(chain, rows, tracks.trails.columns[0], tracks.trails.free, tracks.trails.left)
    chain["fence"][rows[stays]] = fence[stays]
    _settle_rows(beliefs, rows[stays], fence[stays])
    tracks.unchain(slots, rows[~stays])


def _due_again(layer: LayerState, before: Atlas, chain: NDArray[np.void]) -> Ints:
    """When these fences' dwells are due, the dwell time being another now."""
    before_ms = dwell_ms(before.version)
    if layer.dwell_ms < 0 or layer.dwell_ms == before_ms:
        return np.asarray(chain["due_ms"], np.int64)
    begin_ms = chain["since_ms"] if before_ms < 0 else chain["due_ms"] - before_ms
    return np.asarray(np.maximum(layer.switched_ms, begin_ms + layer.dwell_ms), np.int64)


def move_first(
    layer: LayerState, slots: Ints, rows: Iterable[int], user_until: NDArray[np.int32]
) -> list[tuple[int, Crossing]]:
    """Move the devices of these rows of a batch, each at its first row, told with the user known before the batch."""
    told = []
    for row in rows:

        def user_then(_: int | None, slot: int, row: int = row) -> str | None:
            return layer.devices.user(int(user_until[row]), slot)

        told += [(row, crossing) for crossing in move(layer, slots[row : row + 1], user_then)]
    return told


def _successors(old: Version, new: Version) -> Ints:
    """For each region of the old version the index of the same id in the new one, or _GONE; -1 (the last) stays -1."""
    found = [new.index.get(region.id, _GONE) for region in old.regions]
    return np.array([*found, _GONE, OUTSIDE], np.int64)  # indexed by UNKNOWN (-2) and OUTSIDE (-1) too


@njit(cache=True)
def _settle_rows(beliefs, rows, regions):  # type: ignore[no-untyped-def]
    """Put each row into a region, by decree."""
    for k in range(len(rows)):
        settle(beliefs[rows[k]], regions[k])


@njit(cache=True)
def _drop_trails(holders, rows, trails, free, left):  # type: ignore[no-untyped-def]
    for row in rows:
        give_back_trail(holders[row], trails, free, left)
