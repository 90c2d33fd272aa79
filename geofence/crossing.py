"""Crossings: confirmed changes of region, and the id that makes each one recognisable for ever.

Last step of the core. Invariant: the id depends only on what was decided (source, device, layer, the track's birth, its
sequence), so that the same input gives the same ids on any machine, in any split into batches.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec


class Cause(StrEnum):
    """Why the region of a device changed."""

    MOVED = "moved"
    FIRST_FIX = "first_fix"
    BOUNDARY = "boundary"
    CONSENT = "consent"
    EXPIRED = "expired"


class Change(StrEnum):
    """What kind of change: one A to B in a partition; one per fence in an overlay."""

    CHANGED = "changed"
    ENTERED = "entered"
    EXITED = "exited"
    DWELLED = "dwelled"


class Place(msgspec.Struct, frozen=True, gc=False):
    """A region as an event names it."""

    id: str
    name: str = ""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Why a crossing was confirmed, in short."""

    pings: int
    seconds: float
    score: float


class Crossing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One confirmed change. `origin` or `target` None: outside every region, or not known yet (the cause tells)."""

    device: str
    layer: str
    change: Change
    cause: Cause
    origin: Place | None
    target: Place | None
    born_ms: int
    sequence: int
    occurred_ms: int
    confirmed_ms: int
    received_ms: int | None = None
    user: str | None = None
    confidence: float = 1.0
    evidence: Evidence | None = None
    version: str = ""

    def event_id(self, source: str) -> str:
        """The event's id at the deployment `source`: 32 hex digits."""
        parts = [part.encode() for part in (source, self.device, self.layer, str(self.born_ms), str(self.sequence))]
        sized = b"".join([len(part).to_bytes(4, "little") + part for part in parts])
        return hashlib.blake2b(sized, digest_size=16).hexdigest()
