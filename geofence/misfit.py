"""Why a ping's JSON can't be read, told field by field as the core tells of values out of range.

Behind `wire`, on the slow way of records that the decoder has refused. Invariant: whatever was wrong, the message says
the field, what stands there, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from geofence.fault import FAULTS, TIME_END_MS
from geofence.malformed import Malformed
from geofence.ping import Source

ReceivedMs = Annotated[int, msgspec.Meta(ge=0, lt=TIME_END_MS)]
_INT64 = 2**63
_SHOWN_BYTES = 60


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field must be: how it is read, and what is said where it can't be."""

    read: Callable[[bytes | msgspec.Raw], object]
    allowed: str
    remedy: str


def _field(kind: object, name: str, what: str) -> _Field:
    """A field of the ping, with the range and the remedy that the core has for it."""
    fault = next(fault for fault in FAULTS if fault.field == name)
    return _Field(msgspec.json.Decoder(kind).decode, f"{what}, {fault.allowed}", fault.remedy)


_FIELDS = {
    "device": _field(str, "device", "text in UTF-8"),
    "lon": _field(float, "lon", "a number"),
    "lat": _field(float, "lat", "a number"),
    "time_ms": _field(int, "time_ms", "a whole number"),
    "accuracy_m": _field(float | None, "accuracy_m", "a number"),
    "source": _Field(
        msgspec.json.Decoder(str | None).decode,
        ", ".join(source.name.lower() for source in Source),
        "Leave it out if it is not known.",
    ),
    "user": _field(str | None, "user", "text"),
    "received_ms": _field(ReceivedMs | None, "received_ms", "a whole number"),
    "confidence": _field(float | None, "confidence", "a number"),
    "speed_mps": _field(float | None, "speed_mps", "a number"),
    "mock": _Field(msgspec.json.Decoder(bool | None).decode, "true or false", "Leave it out if it is not known."),
    "v": _Field(msgspec.json.Decoder(int).decode, "a whole number", "Leave it out: 1 is assumed."),
}
_REQUIRED = ("device", "lon", "lat", "time_ms")
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Misfit:
    """A field of a ping that can't be read. `value`: what stands there, None if nothing does."""

    field: str
    value: str | None
    allowed: str
    remedy: str

    def __str__(self) -> str:
        found = "missing" if self.value is None else self.value
        return f"{self.field} is {found}; allowed: {self.allowed}. {self.remedy}"


def misfit_of(raw: bytes | msgspec.Raw) -> Misfit | None:
    """The first field of a ping that can't be read; None where it is not a matter of one field."""
    try:
        members = _read_members(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for name, field in _FIELDS.items():
        member = members.get(name)
        if member is None and name in _REQUIRED:
            return Misfit(name, None, field.allowed, field.remedy)
        if member is not None and not _readable(field, member):
            return Misfit(name, _shown(bytes(member)), field.allowed, field.remedy)
    return None


def check_time(time_ms: int) -> None:
    """Raise Malformed where a time does not fit into a column."""
    if not -_INT64 <= time_ms < _INT64:
        field = _FIELDS["time_ms"]
        raise Malformed(f"time_ms is {_shown(str(time_ms).encode())}; allowed: {field.allowed}. {field.remedy}")


def _readable(field: _Field, member: msgspec.Raw) -> bool:
    try:
        field.read(member)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _shown(raw: bytes) -> str:
    """What stands there, as it stands there."""
    if len(raw) <= _SHOWN_BYTES:
        return raw.decode("utf-8", "backslashreplace")
    return f"{raw[:_SHOWN_BYTES].decode('utf-8', 'backslashreplace')}... ({len(raw)} bytes)"
