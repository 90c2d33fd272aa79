"""Dwells that time alone brings: a device has stayed in a fence and is silent.

Asked by a tick, or between pings where a fence keeps time; what a device's own ping brings stands in `passing_fences`.
Invariant: a dwell is told once a stay, and never while something speaks for the device's having left.
"""

from __future__ import annotations

import numpy as np

from geofence.crossing import Cause, Crossing
from geofence.layer import Ints, LayerState, User
from geofence.switching import sweep


def dwell_due_ms(layer: LayerState) -> int | None:
    """When the next dwell is due, in partition time."""
    due = _undwelled(layer)[1]
    return int(due.min()) if len(due) else None


def dwells(
    layer: LayerState, clock_ms: int, *, user: User | None = None, at_due: bool = False, most: int | None = None
) -> list[Crossing]:
    """The dwells that are due, up to `most`, in the order in which they became so; told now, or `at_due` each then."""
    # Whoever is not swept yet may dwell in a fence that is new to it.
    told = sweep(layer, None, user) if layer.dwell_ms >= 0 else []
    rows, due = _undwelled(layer)
    rows, due = rows[due <= clock_ms], due[due <= clock_ms]
    if not len(rows):
        return told
    chain = layer.tracks.fences.columns[0]
    names = [layer.devices.name(slot) for slot in chain["slot"][rows].tolist()]
    keys = list(zip(due.tolist(), names, chain["fence"][rows].tolist(), strict=True))
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__)[:most], np.int64)
    rows, due = rows[order], due[order]
    chain["dwelled"][rows] = 1
    slots, fences = chain["slot"][rows].astype(np.int64), chain["fence"][rows]
    dwelled_ms = chain["since_ms"][rows] + layer.dwell_ms
    confirmed_ms = due if at_due else clock_ms
    return told + layer.events(slots, fences, fences, Cause.MOVED, dwelled_ms, confirmed_ms=confirmed_ms, user=user)


def _undwelled(layer: LayerState) -> tuple[Ints, Ints]:
    """The fence rows whose device is inside, with nothing pending, and has not dwelled yet; when each will have."""
    if layer.dwell_ms < 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = layer.tracks.fences_in_use()
    chain, beliefs = layer.tracks.fences.columns
    rows = rows[(beliefs["region"][rows] >= 0) & (beliefs["entries"][rows] == 0) & (chain["dwelled"][rows] == 0)]
    return rows, chain["due_ms"][rows]
