"""What pings do in a layer: located, put through the rule, and what comes of it told in order.

Between `fence`, which knows devices and records, and the loops, which know columns. Invariant: devices that stand in
the version before move to the one in force before their ping is weighed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geofence.crossing import Crossing
from geofence.dwelling import dwell_due_ms, dwells
from geofence.hysteresis import OUTSIDE, REJECTED, UNKNOWN, caps_m
from geofence.layer import Ints, LayerState, User
from geofence.passage import PASSAGE, Passage, Taken
from geofence.passing_fences import pass_overlay
from geofence.passing_regions import pass_partition
from geofence.ping import CONFIDENCE, Pings
from geofence.sighting import Sightings
from geofence.switching import move_first
from geofence.tracks import NEVER

Order = tuple[int, int, int]  # the row; 0 before it, 1 at it; of what comes before it, the time
_FAR_OFF = 2**62


@dataclass(frozen=True, slots=True)
class Heard:
    """Who speaks in each row of a batch, and when."""

    slots: Ints
    ignored: NDArray[np.bool_]  # rows that no layer takes
    user: NDArray[np.int32]  # known at this row
    user_until: NDArray[np.int32]  # known of its device before the batch
    clock_ms: Ints

    def user_before(self, taken: Ints, user_name: User, stop: int) -> User:
        """Who was known as a device's user before row `taken[stop]`."""

        def known(_: int | None, slot: int) -> str | None:
            rows = taken[self.slots[taken] == slot]
            earlier = rows[rows < taken[stop]]
            if len(earlier):
                return user_name(int(self.user[earlier[-1]]), slot)
            return user_name(int(self.user_until[rows[0]]) if len(rows) else None, slot)

        return known


def take(
    layer: LayerState, pings: Pings, heard: Heard, *, timed: bool
) -> tuple[list[tuple[Order, Crossing]], NDArray[np.uint8]]:
    """Take the rows that were heard: the crossings, each with its order, and the outcome of every row.

    If `timed`, dwells that become due on the way, by the clock at each row, are told too.
    """
    slots, outcome = heard.slots, np.full(len(pings), REJECTED, np.uint8)
    taken = np.flatnonzero(~heard.ignored)
    told: list[tuple[Order, Crossing]] = []
    if layer.sweeping:
        firsts = np.sort(taken[np.unique(slots[taken], return_index=True)[1]]).tolist()
        told += [((row, 0, NEVER), one) for row, one in move_first(layer, slots, firsts, heard.user_until)]
    if len(taken) < len(slots):
        pings, slots = pings.take(taken), slots[taken]
    batch, new, lost = _batch(layer, pings, slots, heard.clock_ms[taken]), *_unknown(layer, slots)
    sighted = layer.atlas.locate(batch.lon, batch.lat, batch.cap_m if layer.atlas.overlay else batch.deep_m)
    if layer.atlas.overlay:
        passages, dwelled = _pass_overlay(layer, batch, sighted, heard, taken, timed and layer.dwell_ms >= 0)
        told.extend(dwelled)
    else:
        columns = (batch, sighted.region, sighted.margin_m, sighted.covered)
        passages = pass_partition(layer.books(), layer.atlas.borders, layer.atlas.within_m, *columns)
    outcome[taken] = batch.outcome
    layer.devices.told.add(passages["slot"].astype(np.int64))
    layer.devices.told.add(new[layer.tracks.span["born_ms"][new] != NEVER])
    layer.devices.told.add(lost[layer.tracks.evidence["region"][lost] == OUTSIDE])
    for passage in map(Passage._make, passages.tolist()):
        row = int(taken[passage.row])
        user = layer.devices.user(int(heard.user[row]), passage.slot)
        told.append(((row, 1, 0), layer.crossing(passage, pings, user)))
    return told, outcome


def _unknown(layer: LayerState, slots: Ints) -> tuple[Ints, Ints]:
    """The devices that are new to this layer, and those whose place in a partition is not known yet.

    What becomes known of them may be no crossing: that there is a track, or that a device is outside every region.
    """
    new = slots[layer.tracks.span["born_ms"][slots] == NEVER]
    if layer.atlas.overlay:
        return new, new[:0]
    return new, slots[layer.tracks.evidence["region"][slots] == UNKNOWN]


def _batch(layer: LayerState, pings: Pings, slots: Ints, clock_ms: Ints) -> Taken:
    """The batch as the kernels take it, with the largest margins that each ping can use."""
    confidence = np.where(np.isnan(pings.confidence), CONFIDENCE, pings.confidence)
    caps, deep = caps_m(pings.accuracy_m, confidence, layer.rules[0])
    place = (slots, pings.lon, pings.lat, pings.accuracy_m, confidence, pings.source, pings.time_ms)
    return Taken(*place, caps, deep, clock_ms, np.zeros(len(slots), np.uint8))


def _pass_overlay(
    layer: LayerState, batch: Taken, sighted: Sightings, heard: Heard, taken: Ints, timed: bool
) -> tuple[NDArray[Any], list[tuple[Order, Crossing]]]:
    """The passages, and the dwells told on the way, each with its order."""
    first = np.searchsorted(sighted.row, np.arange(len(batch.slot) + 1))
    found: list[NDArray[Any]] = []
    told: list[tuple[Order, Crossing]] = []
    row = 0
    while row < len(batch.slot):
        layer.tracks.reserve_sighted(batch.slot, len(sighted.row))  # again: dwells may have swept devices into fences
        due = dwell_due_ms(layer) if timed else NEVER
        passages, row = pass_overlay(
            layer.books(), layer.atlas.borders, layer.dwell_ms, batch, first, sighted.region, sighted.margin_m, row,
            _FAR_OFF if due is None else due,
        )  # fmt: skip
        found.append(passages)
        if row < len(batch.slot):
            known = heard.user_before(taken, layer.devices.user, row)
            due_now = dwells(layer, int(batch.clock_ms[row]), user=known, at_due=True)
            told += [((int(taken[row]), 0, crossing.confirmed_ms), crossing) for crossing in due_now]
    if timed:  # refused rows after the last one taken may have moved the clock
        due_now = dwells(layer, int(heard.clock_ms[-1]), at_due=True)
        told += [((len(heard.slots), 0, crossing.confirmed_ms), crossing) for crossing in due_now]
    return np.concatenate(found) if found else np.zeros(0, PASSAGE), told
