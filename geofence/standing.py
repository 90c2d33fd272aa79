"""Where a device stands: a read-only window on what a fence remembers of it, for who explains what was decided.

Beside `view`, which shows tracks to people; here are the rows themselves, copied, so that the rule's own functions can
be asked about them. Invariant: looking changes nothing, and nothing that changes later shows in what was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from geofence.atlas import Atlas
from geofence.hysteresis import EVIDENCE, MOTION, UNKNOWN, Evidence, new_evidence, new_motion
from geofence.layer import LayerState
from geofence.motion import Motion
from geofence.region import Version
from geofence.tracks import NEVER, NONE


@dataclass(frozen=True, slots=True)
class Claim:
    """A region that is pending, and what speaks for it."""

    region: int
    since_ms: int
    pings: int
    own: float


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed in a partition (`fence` is NONE), or of one fence."""

    fence: int
    row: Evidence
    since_ms: int
    claims: tuple[Claim, ...] = ()

    @property
    def score(self) -> float:
        """The evidence so far: while no region is known, that of the region with the most of its own."""
        if self.row.region == UNKNOWN:
            return max((claim.own for claim in self.claims), default=0.0)
        return float(self.row.score)


@dataclass(frozen=True, slots=True)
class Standing:
    """A device in one layer."""

    atlas: Atlas
    motion: Motion
    beliefs: tuple[Belief, ...]
    born_ms: int = NEVER  # the time of the track's first ping; NEVER: there is no track

    @property
    def version(self) -> Version:
        """The version in force."""
        return self.atlas.version

    def of(self, fence: int) -> Belief:
        """The belief of a fence, or of the partition; one of which nothing is known, where there is none."""
        return next((one for one in self.beliefs if one.fence == fence), Belief(fence, _unknown(), NEVER))


def standing_of(layer: LayerState, slot: int | None) -> Standing:
    """Where the device in this row stands; None: a device that is new."""
    tracks = layer.tracks
    if slot is None or tracks.span["born_ms"][slot] == NEVER:
        motion = _copied(np.zeros((), MOTION))
        new_motion(motion)
        return Standing(layer.atlas, motion, () if tracks.overlay else (Belief(NONE, _unknown(), NEVER),))
    motion = _copied(tracks.motion[slot])
    if not tracks.overlay:
        its = tracks.span[slot]
        beliefs = [_belief(layer, NONE, tracks.evidence[slot], int(its["since_ms"]), int(its["trail"]))]
    else:
        chain, rows = tracks.fences.columns
        beliefs = [
            _belief(layer, int(it["fence"]), rows[row], int(it["since_ms"]), int(it["trail"]))
            for row, it in ((row, chain[row]) for row in tracks.fence_rows(slot))
        ]
    return Standing(layer.atlas, motion, tuple(beliefs), int(tracks.span["born_ms"][slot]))


def _belief(layer: LayerState, fence: int, row: Any, since_ms: int, trail: int) -> Belief:
    entries = [] if trail == NONE else layer.tracks.trails.columns[0][trail][: row["entries"]]
    claims = [Claim(int(one["region"]), int(one["first_ms"]), int(one["pings"]), float(one["own"])) for one in entries]
    return Belief(fence, _copied(row), since_ms, tuple(claims))


def _unknown() -> Any:
    row = _copied(np.zeros((), EVIDENCE))
    new_evidence(row, UNKNOWN)
    return row


def _copied(row: Any) -> Any:
    """A row of one's own, whose fields read as attributes."""
    copy = np.zeros(1, row.dtype)
    copy[0] = row
    return copy.view(np.recarray)[0]
