"""Forgetting devices: asked for, after a withdrawal, or after a long silence; and what stays behind to bar older pings.

Works on many devices at once. Invariant: what is forgotten leaves no position, and does not come back with pings that
were on their way.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from geofence.crossing import Cause, Crossing
from geofence.devices import CONSENT_UNSAID, Devices
from geofence.layer import LayerState
from geofence.switching import move
from geofence.tracks import NEVER

Layers = Collection[LayerState]


def has_track(layers: Layers, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these have a track in some layer."""
    has = np.zeros(len(slots), np.bool_)
    for layer in layers:
        has |= layer.tracks.span["born_ms"][slots] != NEVER
    return has


def let_go(devices: Devices, layers: Layers, slots: NDArray[np.int64]) -> None:
    """Give up the slots of which nothing needs to be remembered."""
    idle = ~has_track(layers, slots) & (devices.rows["consent"][slots] == CONSENT_UNSAID)
    idle &= (devices.rows["barred_until_ms"][slots] == NEVER) & devices.roster.in_use(slots)
    devices.drop(slots[idle])


def erase(
    devices: Devices, layers: Layers, slots: NDArray[np.int64], cause: Cause, at_ms: int, bar_until_ms: int
) -> list[Crossing]:
    """Forget devices' tracks, with an event wherever they were in a region; older pings stay barred for a while."""
    crossings = [crossing for layer in layers for crossing in move(layer, slots)]  # as a sweep would have told them
    last_ms = np.full(len(slots), NEVER)
    for layer in layers:
        crossings += layer.leave(slots, cause, at_ms)
        last_ms = np.maximum(last_ms, layer.forget(slots))
    place = {devices.name(slot): row for row, slot in enumerate(slots.tolist())}
    crossings.sort(key=lambda crossing: place[crossing.device])  # layers keep their order
    had, rows = slots[last_ms != NEVER], devices.rows
    rows["barred_ms"][had] = np.maximum(last_ms[last_ms != NEVER], rows["barred_ms"][had])
    rows["barred_until_ms"][had] = bar_until_ms
    devices.touched.add(slots)
    devices.told.add(slots)
    devices.forget_users(slots)
    let_go(devices, layers, slots)
    return crossings


def silent_ms(devices: Devices, layers: Layers, forget_ms: int) -> int | None:
    """When the next device has been silent for too long, or a bar ends."""
    live = devices.roster.live()
    silent = devices.rows["heard_ms"][live[has_track(layers, live)]] + forget_ms
    barred = devices.rows["barred_until_ms"][live]
    dues = np.concatenate([silent, barred[barred != NEVER]])
    return int(dues.min()) if len(dues) else None


def silent(devices: Devices, layers: Layers, until_ms: int, most: int | None) -> NDArray[np.int64]:
    """Up to `most` devices with a track that were last heard by then, in the order in which they fell silent."""
    live = devices.roster.live()
    live = live[has_track(layers, live) & (devices.rows["heard_ms"][live] <= until_ms)]
    return _earliest(devices, live, devices.rows["heard_ms"][live], most)


def end_bars(devices: Devices, layers: Layers, clock_ms: int, most: int | None) -> None:
    """Lift up to `most` bars whose time is over; devices of which nothing else is remembered go."""
    live = devices.roster.live()
    until = devices.rows["barred_until_ms"][live]
    over = (until != NEVER) & (until <= clock_ms)
    ended = _earliest(devices, live[over], until[over], most)
    devices.rows["barred_ms"][ended] = devices.rows["barred_until_ms"][ended] = NEVER
    devices.touched.add(ended)
    let_go(devices, layers, ended)


def _earliest(
    devices: Devices, slots: NDArray[np.int64], when_ms: NDArray[np.int64], most: int | None
) -> NDArray[np.int64]:
    """Up to `most` of these in the order of their times, then of their names; never of their slots: they are chance."""
    if most is not None and len(slots) > most:
        soon = when_ms <= np.partition(when_ms, most)[most]
        slots, when_ms = slots[soon], when_ms[soon]
    keys = sorted(zip(when_ms.tolist(), map(devices.name, slots.tolist()), slots.tolist(), strict=True))
    return np.array([slot for _, _, slot in keys[:most]], np.int64)
