"""What another version of a layer does to its tracks: each device moves to it, with an event where its place changed.

A device moves before anything else happens to it, or when the sweep comes to it; where to stands in `foresight`.
Invariant: what becomes of a device does not depend on how many are swept at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.crossing import Cause, Crossing
from geofence.foresight import Moves, refenced, resettled
from geofence.hysteresis import settle
from geofence.layer import Ints, LayerState, User, dwell_ms
from geofence.tracks import give_back_trail


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
    regions, moves = resettled(tracks, before.version, layer.atlas, slots)
    _settle_rows(tracks.evidence, slots, regions)
    _drop_trails(tracks.span, slots, tracks.trails.columns[0], tracks.trails.free, tracks.trails.left)
    return _tell(layer, moves, before, user)


def _move_overlay(layer: LayerState, before: Atlas, slots: Ints, user: User | None) -> list[Crossing]:
    """Out of the fences that no longer hold their anchors, then into those that were laid over the devices."""
    tracks, its = layer.tracks, refenced(layer.tracks, before, layer.atlas, slots)
    chain, kept = tracks.fences.columns[0], its.rows[its.stays]
    chain["due_ms"][kept] = _due_again(layer, before, chain[kept])
    _keep(tracks, slots, its.rows, its.stays, its.fence)
    tracks.begin_in(its.slot, its.into, layer.switched_ms, layer.switched_ms + max(0, layer.dwell_ms))
    return _tell(layer, its.moves, before, user)


def _tell(layer: LayerState, moves: Moves, before: Atlas, user: User | None) -> list[Crossing]:
    return layer.events(*moves, Cause.BOUNDARY, layer.switched_ms, user=user, origin_of=before.version)


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


@njit(cache=True)
def _settle_rows(beliefs, rows, regions):  # type: ignore[no-untyped-def]
    """Put each row into a region, by decree."""
    for k in range(len(rows)):
        settle(beliefs[rows[k]], regions[k])


@njit(cache=True)
def _drop_trails(holders, rows, trails, free, left):  # type: ignore[no-untyped-def]
    for row in rows:
        give_back_trail(holders[row], trails, free, left)
