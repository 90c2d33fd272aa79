"""Foresight: where another version of a layer would put each device, read from its track without touching it.

What a switch does is decided here and done in `switching`; a trial asks and does nothing. Invariant: a device changes
its region only if the new version no longer puts its anchor into the region that it was in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.hysteresis import OUTSIDE, UNKNOWN
from geofence.layer import Ints, LayerState
from geofence.region import Version
from geofence.tracks import Tracks

_GONE = -3
_WIDE = 1 << 32  # a pair of a row and a fence as one number


class Moves(NamedTuple):
    """Crossings that a switch brings: of which device, out of which region before, into which one after."""

    slot: Ints
    origin: Ints  # its index in the version before, or OUTSIDE
    target: Ints  # its index in the version after, or OUTSIDE


class Refenced(NamedTuple):
    """What becomes of the fence rows of some devices in an overlay."""

    rows: Ints
    stays: NDArray[np.bool_]  # of each row
    fence: Ints  # of each row: its fence in the new version
    slot: Ints  # who is in fences that were laid over them
    into: Ints
    moves: Moves


def foresee(layer: LayerState, atlas: Atlas) -> Moves:
    """What a switch to the version of this atlas would tell; for a layer without devices left to be swept."""
    if layer.sweeping:
        raise ValueError("devices still stand in the version before; sweep them first")
    slots = layer.tracks.alive()
    if layer.atlas.overlay:
        return refenced(layer.tracks, layer.atlas, atlas, slots).moves
    return resettled(layer.tracks, layer.atlas.version, atlas, slots)[1]


def resettled(tracks: Tracks, before: Version, atlas: Atlas, slots: Ints) -> tuple[Ints, Moves]:
    """In a partition: the region of each of these devices then, and which of them change theirs by it."""
    old, lon = tracks.evidence["region"][slots], tracks.evidence["anchor_lon"][slots]
    lat, same = tracks.evidence["anchor_lat"][slots], _successors(before, atlas.version)[old]
    seen = ~np.isnan(lon)
    new = np.where(same == _GONE, OUTSIDE, same)
    new[seen] = atlas.locate(lon[seen], lat[seen], 0.0).region
    new[old == UNKNOWN] = UNKNOWN
    changed = (new != same) & ~((old < 0) & (new < 0))
    return new, Moves(slots[changed], old[changed], new[changed])


def refenced(tracks: Tracks, before: Atlas, after: Atlas, slots: Ints) -> Refenced:
    """In an overlay: out of the fences that no longer hold their anchors, then into those laid over the devices."""
    rows, begin = tracks.chains_of(slots)
    chain, beliefs = tracks.fences.columns
    owner = np.repeat(np.arange(len(slots)), np.diff(begin))
    old, was_in = chain["fence"][rows].astype(np.int64), beliefs["region"][rows] >= 0
    fence = _successors(before.version, after.version)[old]
    lon, lat = beliefs["anchor_lon"][rows], beliefs["anchor_lat"][rows]
    held = _pairs(after, lon, lat)
    stays = was_in & (fence != _GONE)
    stays &= np.isnan(lon) | np.isin(np.arange(len(rows)) * _WIDE + fence, held)
    entered = _laid_over(tracks.place[slots], before, after, owner[stays] * _WIDE + fence[stays])
    at, into = entered // _WIDE, entered % _WIDE
    left = was_in & ~stays
    who = np.concatenate([owner[left], at])
    origin = np.concatenate([old[left], np.full(len(at), OUTSIDE)])
    target = np.concatenate([np.full(int(left.sum()), OUTSIDE), into])
    order = np.argsort(who, kind="stable")
    moves = Moves(slots[who[order]], origin[order], target[order])
    return Refenced(rows, stays, fence, slots[at], into, moves)


def _pairs(atlas: Atlas, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Ints:
    """Which row's place lies in which fence."""
    known = np.flatnonzero(~np.isnan(lon))
    found = atlas.locate(lon[known], lat[known], 0.0)
    inside = found.region >= 0
    return np.asarray(known[found.row[inside]] * _WIDE + found.region[inside])


def _laid_over(place: NDArray[np.void], before: Atlas, after: Atlas, kept: Ints) -> Ints:
    """The fences that these places lie in now, without those that are kept, or that they lay in before as well.

    Where a device lay in the fence before, and that was not enough, it is not the border that did it.
    """
    now, then = (_pairs(atlas, place["lon"], place["lat"]) for atlas in (after, before))
    then_fence = _successors(before.version, after.version)[then % _WIDE]
    then = (then - then % _WIDE + then_fence)[then_fence >= 0]
    return np.setdiff1d(now, np.concatenate([kept, then]))


def _successors(old: Version, new: Version) -> Ints:
    """For each region of the old version the index of the same id in the new one, or _GONE; -1 (the last) stays -1."""
    found = [new.index.get(region.id, _GONE) for region in old.regions]
    return np.array([*found, _GONE, OUTSIDE], np.int64)  # indexed by UNKNOWN (-2) and OUTSIDE (-1) too
