"""A layer that was taken in from rows goes on: codes become indices of the versions that are in force.

The last step of restoring, after `rows_in`. Invariant: every track speaks of the version in force, or, half-way through
a switch, of the one before; rows of any other moment are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.hysteresis import UNKNOWN
from geofence.layer import LayerState
from geofence.library import Library, UnknownVersion
from geofence.malformed import Malformed
from geofence.tracks import NONE
from geofence.wire_tracks import LayerInForce

Ints = NDArray[np.int64]
_LOST = -9


def kept_of(layer: LayerState) -> LayerInForce:
    """What is in force in a layer, as a partition's row has it."""
    before = layer.before.version.hash if layer.before else None
    return LayerInForce(
        layer.version.layer, layer.version.hash, layer.epoch, before, layer.switched_ms, number=layer.number
    )


def resume(layers: Mapping[str, LayerState], library: Library, kept: Sequence[LayerInForce]) -> None:
    """Put what was in force in each layer in force again. Raises UnknownVersion and Malformed."""
    for one in kept:
        layer = layers.get(one.layer)
        if layer is None:
            raise UnknownVersion(f"the kept fence had a layer {one.layer!r}; give a version of it too")
        kind = layer.version.kind
        before = None if one.before is None else library.find(one.layer, one.before, kind)
        resume_layer(layer, one, library.find(one.layer, one.version, kind), before)


def resume_layer(layer: LayerState, kept: LayerInForce, atlas: Atlas, before: Atlas | None) -> None:
    """Put what was in force in force again, and make indices of the codes in the columns. Raises Malformed."""
    layer.put_in_force(atlas)
    layer.before, layer.stale, layer.switched_ms, layer.epoch = before, None, kept.switched_ms, kept.epoch
    layer.number = kept.number
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
    """The index of a region's code; OUTSIDE and UNKNOWN stay."""
    if code < 0:
        return code if code >= UNKNOWN else _LOST
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
        row, last = span[slot].fences, -1
        while row != NONE:
            fences[row].fence = _index(np.int64(fences[row].fence), some, places)
            known = known and _index_belief(beliefs[row], fences[row], trails, some, places)
            known = known and fences[row].fence > last
            row, last = fences[row].next, int(fences[row].fence)
        if not known:
            return slot
    return NONE
