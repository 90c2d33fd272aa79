"""Presence: where a device is believed to be, in bytes for those who want to know now and not what changed.

Read from the columns by `fence`, never written back. Who is told of is marked while pings and control records are
taken: at each crossing, when it has moved to another version, and when a device is first heard in an hour. Invariant:
what was told last is what the columns say now; it depends on the input alone.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import numpy as np

from geofence.devices import SEEN_MS, Devices
from geofence.hysteresis import OUTSIDE, UNKNOWN
from geofence.instant import text_of
from geofence.layer import LayerState
from geofence.region import Version
from geofence.tracks import NEVER

PRESENCE_VERSION = 1


class Stay(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A region that a device is in, and since when. No id: outside every region."""

    since: str
    id: str | None = None
    name: str = ""


class LayerPresence(msgspec.Struct, frozen=True, gc=False):
    """A device in one layer. No stays: not known yet (partition), or in no fence (overlay)."""

    stays: tuple[Stay, ...]
    sequence: int
    version: str


class Presence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A device in all layers. `seen` is the hour in which it was last heard."""

    v: int = PRESENCE_VERSION
    device: str
    user: str | None = None
    seen: str
    layers: dict[str, LayerPresence]


_write = msgspec.json.Encoder().encode
decode_presence = msgspec.json.Decoder(Presence).decode


def presence_of(devices: Devices, layers: Collection[LayerState], slot: int) -> bytes | None:
    """The presence of a device; None if nothing is known of its whereabouts."""
    known = {
        layer.version.layer: _in_layer(layer, slot) for layer in layers if layer.tracks.span["born_ms"][slot] != NEVER
    }
    if not known:
        return None
    heard_ms = int(devices.rows["heard_ms"][slot])
    seen = text_of(heard_ms - heard_ms % SEEN_MS)
    return _write(Presence(device=devices.name(slot), user=devices.user(None, slot), seen=seen, layers=known))


def _in_layer(layer: LayerState, slot: int) -> LayerPresence:
    span, version = layer.tracks.span[slot], layer.version_of(slot)
    if layer.atlas.overlay:
        chain, beliefs = layer.tracks.fences.columns
        rows = [row for row in layer.tracks.fence_rows(slot) if beliefs["region"][row] >= 0]
        stays = [_stay(version, int(beliefs["region"][row]), chain["since_ms"][row]) for row in rows]
    else:
        region = int(layer.tracks.evidence["region"][slot])
        stays = [] if region == UNKNOWN else [_stay(version, region, span["since_ms"])]
    return LayerPresence(tuple(stays), int(span["sequence"]), version.hash)


def _stay(version: Version, region: int, since_ms: np.int64) -> Stay:
    since = text_of(int(since_ms))
    if region == OUTSIDE:
        return Stay(since)
    return Stay(since, version.regions[region].id, version.regions[region].name)
