"""What an account is made of: steps, each with what was seen, weighed and told. Plain data, as JSON has it.

Between `account`, which fills them, and whoever shows them. Invariant: nothing here refers to a fence or a track.
"""

from __future__ import annotations

import msgspec

from geofence.crossing import Cause, Change, Evidence, Place


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A ping as it came."""

    lon: float
    lat: float
    accuracy_m: float | None = None
    source: str = "unknown"
    received_ms: int | None = None


class Located(msgspec.Struct, frozen=True):
    """A region that a ping lies in (None: in none), and how deep, up to what can matter."""

    region: Place | None
    margin_m: float


class Claimed(msgspec.Struct, frozen=True):
    """A region that a device may have moved to, and what speaks for it."""

    region: Place | None
    since_ms: int
    pings: int
    own: float


class Weighed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the evidence has come against what is believed: of a partition, or of one fence.

    Where the ping confirmed a crossing, `score` is the evidence that it had then, before it began anew.
    """

    fence: str | None = None
    region: Place | None
    known: bool
    added: float
    score: float
    needed: float
    crossed: bool = False
    pending: tuple[Claimed, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event: what was told, and in words why."""

    id: str
    layer: str
    change: Change
    cause: Cause
    origin: Place | None
    target: Place | None
    occurred_ms: int
    confirmed_ms: int
    confidence: float
    evidence: Evidence | None = None
    words: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ping in one layer, or something else that told something or may have: a control record, or time."""

    kind: str
    time_ms: int
    layer: str
    why: str = ""
    version: str = ""
    outcome: str = ""
    seen: Seen | None = None
    located: tuple[Located, ...] = ()
    sigma_m: float | None = None
    moved_m: float | None = None
    pause_s: float | None = None
    worth: float | None = None
    moving: bool = False
    suspect: bool = False
    beliefs: tuple[Weighed, ...] = ()
    told: tuple[Told, ...] = ()

    @property
    def fullest(self) -> Weighed | None:
        """The belief that is nearest to a crossing."""
        return max(self.beliefs, key=lambda one: (one.crossed, one.score / one.needed), default=None)
