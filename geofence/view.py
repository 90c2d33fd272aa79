"""Tracks as people read them: where each device is believed to be, since when, and what is pending.

Read from the columns, never written back. Invariant: two tracks with the same view, digest included, will treat every
later ping alike.
"""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from geofence.hysteresis import OUTSIDE, UNKNOWN
from geofence.instant import text_of
from geofence.layer import LayerState
from geofence.region import Version
from geofence.tracks import NONE


class PendingView(msgspec.Struct, frozen=True):
    """A region that a device may have moved to, and what speaks for it."""

    region: str | None
    since: str
    pings: int
    own: float


class PlaceView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A region that a device is believed to be in. `region` None: outside every region."""

    region: str | None
    since: str
    score: float = 0.0
    pending: tuple[PendingView, ...] = ()
    dwelled: bool = False


class TrackView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device in one layer. No places: not known yet (partition), or in no fence (overlay)."""

    device: str
    layer: str
    born: str
    heard: str
    sequence: int
    places: tuple[PlaceView, ...]
    digest: str
    user: str | None = None


def track_view(layer: LayerState, slot: int, *, device: str, user: str | None, heard_ms: int) -> TrackView:
    """The view of a device that has a track in this layer."""
    span, version = layer.tracks.span[slot], layer.version_of(slot)
    digest = hashlib.blake2b(layer.tracks.motion[slot].tobytes(), digest_size=8)
    if layer.atlas.overlay:
        chain, beliefs = layer.tracks.fences.columns
        digest.update(layer.tracks.place[slot].tobytes())
        places = [
            _place(
                layer,
                version,
                beliefs[row],
                int(chain["since_ms"][row]),
                int(chain["trail"][row]),
                bool(chain["dwelled"][row]),
                digest,
            )
            for row in layer.tracks.fence_rows(slot)
        ]
    else:
        belief = layer.tracks.evidence[slot]
        places = [_place(layer, version, belief, int(span["since_ms"]), int(span["trail"]), False, digest)]
    return TrackView(
        device=device,
        layer=layer.version.layer,
        born=text_of(int(span["born_ms"])),
        heard=text_of(heard_ms),
        sequence=int(span["sequence"]),
        places=tuple(place for place in places if place is not None),
        digest=digest.hexdigest(),
        user=user,
    )


def _place(
    layer: LayerState,
    version: Version,
    belief: np.void,
    since_ms: int,
    trail: int,
    dwelled: bool,
    digest: hashlib.blake2b,
) -> PlaceView | None:
    """One belief in words, its bytes added to the digest; None for a region that is not known and nothing pending."""
    digest.update(belief.tobytes())
    entries = [] if trail == NONE else layer.tracks.trails.columns[0][trail][: belief["entries"]]
    pending = []
    for entry in entries:
        digest.update(entry.tobytes())
        pending.append(
            PendingView(
                _id(version, int(entry["region"])),
                text_of(int(entry["first_ms"])),
                int(entry["pings"]),
                round(float(entry["own"]), 3),
            )
        )
    region = int(belief["region"])
    if region == UNKNOWN and not pending:
        return None
    since = "" if region == UNKNOWN else text_of(since_ms)
    return PlaceView(_id(version, region), since, round(float(belief["score"]), 3), tuple(pending), dwelled)


def _id(version: Version, index: int) -> str | None:
    return None if index in (OUTSIDE, UNKNOWN) else version.regions[index].id
