"""What the smaller endpoints take and give, as types: keys, devices, the audit, consents, pages of lists.

Between the endpoints, which read and write them, and `documents`, which tells of them. Invariant: a field that is not
known is refused in what is taken, as it may have been meant to narrow a right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from catalog.audit import Line
from catalog.keys import Key
from geofence.fault import DEVICE_BYTES, TIME_END_MS
from ingest.gateway.refusals import Refusal
from web.documents.schemas import NO_CONTROLS

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=DEVICE_BYTES, pattern=NO_CONTROLS)]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to be made."""

    name: Name
    scopes: list[str]
    device: Name | None = None
    user: Name | None = None
    expires_ms: Annotated[int, msgspec.Meta(ge=0, lt=TIME_END_MS)] | None = None


class NewDevice(msgspec.Struct, forbid_unknown_fields=True):
    """A device to be enrolled."""

    device: Name
    user: Name | None = None
    grants_consent: bool = False


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """A one-time code."""

    code: str


@dataclass(frozen=True, slots=True)
class KeyMade(Key):
    """A new key and its text, which is shown this once."""

    key: str


class KeyList(msgspec.Struct):
    """All keys, the oldest first."""

    keys: list[Key]


class AuditLines(msgspec.Struct):
    """Who did what, the newest first."""

    lines: list[Line]


class CodeMade(msgspec.Struct):
    """The one-time code by which a device gets its key."""

    device: str
    code: str
    good_for_s: int = 86_400


class Enrolled(msgspec.Struct):
    """A device's own key, which is shown this once."""

    device: str | None
    user: str | None
    key: str


class ConsentNow(msgspec.Struct):
    """What a device has said, and whether its pings are taken."""

    device: str
    consent: str
    counts: bool


class ConsentSaid(msgspec.Struct):
    """What was just recorded."""

    device: str
    consent: str
    at_ms: int


class RefusalsOf(msgspec.Struct):
    """The last pings of a device that were refused, the newest first; without coordinates."""

    device: str
    refusals: list[Refusal]


class Remains(msgspec.Struct, omit_defaults=True):
    """Something that is kept for a while after an erasure: until when, if that is known; null: for good."""

    what: str
    topics: list[str] = []
    until_ms: int | UnsetType | None = UNSET


class Erased(msgspec.Struct):
    """A device was erased, and what remains of it for how long."""

    device: str
    erased_ms: int
    keys_revoked: int
    remains: list[Remains]


class Member(msgspec.Struct):
    """A device that is in a region: since when, and the hour in which it was last heard."""

    device: str
    user: str | None
    since: str
    seen: str


class MembersPage(msgspec.Struct):
    """Devices in a region, in the order of their names; `next` where there are more."""

    devices: list[Member]
    next: str | UnsetType = UNSET


class Position(msgspec.Struct):
    """The newest ping of a device that counted, as the device stated it."""

    device: str
    lon: float
    lat: float
    accuracy_m: float
    time: str


class Placed(Position):
    """A position, and the regions that the device is in, by layer."""

    regions: dict[str, list[str]]


class PlacedPage(msgspec.Struct):
    """Devices in a box, place by place; `next` where there are more."""

    devices: list[Placed]
    next: str | UnsetType = UNSET


class Lost(msgspec.Struct):
    """Records of a partition that are gone: from which offset, to the one before which."""

    partition: int
    begin: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")


class GapTold(msgspec.Struct):
    """What has expired before it was read, and behind which position it goes on."""

    partitions: list[Lost]
    goes_on_from: str
    reason: str = "expired"


class EventsPage(msgspec.Struct):
    """Region changes, where the next page begins, and whether there was more to look at."""

    events: list[Any]
    next: str
    more: bool
    gap: list[GapTold] | UnsetType = UNSET


class Alive(msgspec.Struct):
    """The process runs."""

    live: bool
