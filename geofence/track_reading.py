"""One row of `tracks` as plain values: what a reader that has no fence and no version can know of a device.

Beside `rows_in`, which puts rows back into columns for deciding. Regions stay the codes that the catalog gave them.
Invariant: a row is understood to its last byte, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np

from geofence.evidence import LEAST_DOUBT, log_odds
from geofence.hysteresis import TRAIL_LENGTH, UNKNOWN
from geofence.malformed import Malformed
from geofence.motion import NEVER_MS
from geofence.wire_tracks import Layout, Said, layout_of

_TORN = "the track row is not as expected: its length is not what its counts say; restore the topic"
_SURE = 50.0  # log-odds beyond which nothing changes


@dataclass(frozen=True, slots=True)
class PendingRead:
    """A region that a device may have moved to, and what speaks for it. `code` negative: outside."""

    code: int
    first_ms: int
    pings: int
    own: float


@dataclass(frozen=True, slots=True)
class BeliefRead:
    """What is held true of a device and a layer, or a device and a fence (`fence`: its code)."""

    code: int  # of the region it is in; negative: outside, or not known
    fence: int | None
    since_ms: int
    confidence: float | None  # that it is there, by its anchor and what is pending; None: not known to be anywhere
    pending: tuple[PendingRead, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the newest ping that counted in a layer said the device is; the radius as it was taken."""

    time_ms: int
    lon: float
    lat: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class TrackRead:
    """A device in one layer."""

    layer: str
    sequence: int
    born_ms: int  # the time of its first ping
    since_ms: int
    spot: Spot | None
    beliefs: tuple[BeliefRead, ...]


@dataclass(frozen=True, slots=True)
class RowRead:
    """All that a row says of a device. `heard_ms`: when its last ping was received; None: no ping counted."""

    user: str | None
    consent: Said
    heard_ms: int | None
    tracks: tuple[TrackRead, ...]

    @property
    def spot(self) -> Spot | None:
        """The newest of all layers: they differ only where one found a ping too coarse for its rule."""
        return max((track.spot for track in self.tracks if track.spot), key=lambda spot: spot.time_ms, default=None)


def read_row(row: bytes) -> RowRead:
    """Read a row. Raises Malformed or NewerVersion."""
    its = _Walk(row)
    head = its.take("head")
    user, said = its.text(int(head["user_bytes"])), int(head["consent"])
    heard_ms = int(head["heard_ms"])
    tracks = tuple(_track(its) for _ in range(int(head["layers"])))
    if its.at != len(row) or said not in set(Said):
        raise Malformed(_TORN)
    return RowRead(user or None, Said(said), None if heard_ms < -(2**61) else heard_ms, tracks)


class _Walk:
    """A place in a row that moves on as it is read."""

    def __init__(self, row: bytes) -> None:
        if not row:
            raise Malformed(_TORN)
        self._row, self._layout, self.at = row, _layout(row[0]), 1

    def take(self, kind: str) -> Any:
        """The next record of this kind."""
        dtype = self._layout[kind]
        if self.at + dtype.itemsize > len(self._row):
            raise Malformed(_TORN)
        found = np.frombuffer(self._row, dtype, 1, self.at)[0]
        self.at += dtype.itemsize
        return found

    def text(self, size: int) -> str:
        """The next text of this many bytes."""
        if self.at + size > len(self._row):
            raise Malformed(_TORN)
        self.at += size
        try:
            return self._row[self.at - size : self.at].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise Malformed(_TORN) from None


_layouts: dict[int, Layout] = {}


def _layout(number: int) -> Layout:
    if number not in _layouts:
        _layouts[number] = layout_of(number)
    return _layouts[number]


def _track(its: _Walk) -> TrackRead:
    head = its.take("layer")
    name = its.text(int(head["name_bytes"]))
    spot = _spot(its.take("motion"))
    overlay = bool(head["places"])
    if overlay:
        its.take("place")
    since_ms = int(head["since_ms"])
    beliefs = tuple(_belief(its, overlay, since_ms) for _ in range(int(head["beliefs"])))
    return TrackRead(name, int(head["sequence"]), int(head["born_ms"]), since_ms, spot, beliefs)


def _spot(motion: Any) -> Spot | None:
    last_ms = int(motion["last_ms"])
    if last_ms == NEVER_MS:
        return None
    return Spot(last_ms, float(motion["last_lon"]), float(motion["last_lat"]), float(motion["last_radius_m"]))


def _belief(its: _Walk, overlay: bool, since_ms: int) -> BeliefRead:
    head, evidence = its.take("belief"), its.take("evidence")
    entries = int(head["entries"])
    if entries > TRAIL_LENGTH:
        raise Malformed(_TORN)
    pending = tuple(_pending(its.take("trail")) for _ in range(entries))
    code = int(evidence["region"])
    fence = int(head["fence"]) if overlay else None
    since = int(head["since_ms"]) if overlay else since_ms
    return BeliefRead(code, fence, since, _confidence(code, evidence), pending)


def _pending(entry: Any) -> PendingRead:
    return PendingRead(int(entry["region"]), int(entry["first_ms"]), int(entry["pings"]), float(entry["own"]))


def _confidence(code: int, evidence: Any) -> float | None:
    """The odds that the anchor lies where it is believed to, less what speaks for having left since."""
    if code == UNKNOWN:
        return None
    inside = log_odds(float(evidence["anchor_sigmas"]), 1.0, LEAST_DOUBT) - float(evidence["score"])
    return 1.0 / (1.0 + exp(-min(max(inside, -_SURE), _SURE)))
