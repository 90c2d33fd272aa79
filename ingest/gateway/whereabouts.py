"""What is known of one device now: regions and since when from `presence`, the rest from `tracks`.

Between the two views and the endpoints. The views may be of different moments for a moment: what only makes sense
together is told only where the sequence of a layer is the same in both. Invariant: no coordinates.
"""

from __future__ import annotations

import msgspec

from geofence.instant import text_of
from geofence.presence import LayerPresence, Presence
from geofence.track_reading import BeliefRead, RowRead, TrackRead, read_row
from geofence.wire_tracks import Said
from ingest.gateway.consents import Consents
from ingest.gateway.members import presence_in
from ingest.topics import PARTITION_KEY
from stream.port import View


class InRegion(msgspec.Struct, frozen=True):
    """A region that the device is in; `id` None: outside every region."""

    id: str | None
    name: str
    since: str
    confidence: float | None


class Pending(msgspec.Struct, frozen=True, omit_defaults=True):
    """A region that it may be in by now, and what speaks for it. `code` None: outside."""

    code: int | None
    since: str
    pings: int
    evidence: float
    fence: int | None = None


class InLayer(msgspec.Struct, frozen=True):
    """The device in one layer."""

    regions: list[InRegion]
    sequence: int
    version: str | None
    last_ping: str | None
    pending: list[Pending]


class Known(msgspec.Struct, frozen=True):
    """All of it."""

    device: str
    user: str | None
    consent: str
    last_received: str | None
    last_ping: str | None
    layers: dict[str, InLayer]


class Whereabouts:
    """Looks devices up."""

    def __init__(self, presence: View, tracks: View, consents: Consents) -> None:
        self._presence, self._tracks, self._consents = presence, tracks, consents

    def of(self, device: str) -> Known | None:
        """What is known of a device; None: nothing. Raises Malformed."""
        key = device.encode("utf-8", "surrogatepass")
        if key == PARTITION_KEY:
            return None
        presence, row = presence_in(self._presence.get(key)), self._tracks.get(key)
        its = read_row(row) if row else None
        said = self._consents.said(device)
        if presence is None and said is Said.NOTHING and (its is None or not its.tracks):
            return None
        return _known(device, presence, its, said)


def _known(device: str, presence: Presence | None, its: RowRead | None, said: Said) -> Known:
    tracks = {track.layer: track for track in its.tracks} if its else {}
    stays = presence.layers if presence else {}
    layers = {name: _layer(stays.get(name), tracks.get(name)) for name in sorted(tracks.keys() | stays.keys())}
    spot = its.spot if its else None
    return Known(
        device=device,
        user=its.user if its else presence.user if presence else None,
        consent=said.name.lower(),
        last_received=text_of(its.heard_ms) if its and its.heard_ms is not None else None,
        last_ping=text_of(spot.time_ms) if spot else None,
        layers=layers,
    )


def _layer(stays: LayerPresence | None, track: TrackRead | None) -> InLayer:
    sure: list[float | None] = [None] * len(stays.stays) if stays else []
    if stays and track and stays.sequence == track.sequence:
        inside = [one for one in track.beliefs if one.confidence is not None and (one.fence is None or one.code >= 0)]
        if len(inside) == len(sure):
            sure = [None if one.confidence is None else round(one.confidence, 3) for one in inside]
    told = stays.stays if stays else ()
    return InLayer(
        regions=[InRegion(stay.id, stay.name, stay.since, at) for stay, at in zip(told, sure, strict=True)],
        sequence=track.sequence if track else stays.sequence if stays else 0,
        version=stays.version if stays else None,
        last_ping=text_of(track.spot.time_ms) if track and track.spot else None,
        pending=[one for belief in track.beliefs for one in _pending(belief)] if track else [],
    )


def _pending(belief: BeliefRead) -> list[Pending]:
    return [
        Pending(one.code if one.code >= 0 else None, text_of(one.first_ms), one.pings, round(one.own, 3), belief.fence)
        for one in belief.pending
    ]
