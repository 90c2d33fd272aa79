"""What a dry run tells: for admins to look at, kept as JSON with the version.

Filled by `running`, told by `trial_text`. Invariant: only `examples` names devices; everything else is counts, and the
whole is the same without it.
"""

from __future__ import annotations

import msgspec

MOST_EXAMPLES = 100
MOST_PAIRS = 1000
_WORDS = {"origin": "from", "target": "to"}


class RegionMove(msgspec.Struct, frozen=True, rename=_WORDS):
    """How many devices change from one region to another; None: outside every region."""

    origin: str | None
    target: str | None
    devices: int


class AtOnce(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for devices at rest the moment the version is in force."""

    devices: int  # with a track in this layer
    affected: int  # that get at least one event
    share: float  # of them; 0 where there are none
    events: int
    moves: list[RegionMove]  # most devices first
    moves_left_out: int = 0  # pairs beyond the most that are listed


class Flapping(msgspec.Struct, frozen=True, kw_only=True):
    """How often a crossing is taken back within ten minutes."""

    crossings: int
    flaps: int
    per_device_hour: float
    per_crossing: float


class RegionCrossings(msgspec.Struct, frozen=True, rename=_WORDS):
    """What becomes of the crossings from one region to another. In an overlay from = to is a dwell."""

    origin: str | None
    target: str | None
    unchanged: int = 0
    moved: int = 0
    added: int = 0
    gone: int = 0


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What the retained pings come to under both versions. First fixes are no crossings."""

    pings: int
    devices: int
    device_hours: float  # of each device from its first ping to its last
    since_ms: int | None  # when the first ping was received; None: there was none
    until_ms: int | None
    unchanged: int
    moved: int  # the same crossing at another time, at most `within_s` apart
    moved_median_s: float | None  # positive: later than before
    within_s: float
    added: int
    gone: int
    before: Flapping
    after: Flapping
    pairs: list[RegionCrossings]  # most changed first
    pairs_left_out: int = 0


class DeviceMove(msgspec.Struct, frozen=True, rename=_WORDS):
    """A device that changes its region at once."""

    device: str
    origin: str | None
    target: str | None


class DeviceCrossing(msgspec.Struct, frozen=True, rename=_WORDS):
    """A crossing that is added, gone or moved: when it occurred before, and after."""

    device: str
    origin: str | None
    target: str | None
    before_ms: int | None
    after_ms: int | None


class Examples(msgspec.Struct, frozen=True):
    """Some devices by name, for those who may read them."""

    at_once: list[DeviceMove]
    crossings: list[DeviceCrossing]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a dry run of version `after` in place of `before`; None: that part was not asked for."""

    layer: str
    kind: str
    before: str  # the version's hash
    after: str
    at_once: AtOnce | None
    replayed: Replayed | None
    examples: Examples | None


def without_devices(trial: Trial) -> Trial:
    """The same for those who may not read devices."""
    return msgspec.structs.replace(trial, examples=None)
