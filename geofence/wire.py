"""The bytes of what comes in: pings and control records, as JSON objects with an optional version `v` (1
unless said).

Events leave by `wire_events`, tracks rest by `wire_tracks`. Invariants: decoding what was encoded gives the
same; fields that are not known are ignored, an older version is read, a newer one refused; one bad record
never hides another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.control import Control, check
from geofence.malformed import Malformed, decode, shown
from geofence.ping import TIME_END_MS, Ping, Pings, Source
from geofence.text import Texts

PING_VERSION = 1
CONTROL_VERSION = 1
SOURCES = {source.name.lower(): int(source) for source in Source}  # plain numbers: enums are slow in columns
_INT64 = 2**62  # times beyond are out of range all the same


class NewerVersion(Malformed):
    """Bytes of a version that this program does not know yet."""

    def __init__(self, what: str, found: int, known: int) -> None:
        super().__init__(
            f"{what} has version {found}; this program reads versions up to {known}. Update the program that reads."
        )


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be decoded: its place among the records given, and why."""

    row: int
    reason: str
    message: str


class _PingRecord(msgspec.Struct, kw_only=True, gc=False):
    """The documented ping, absent fields as they stand in the columns; null is as good as absent."""

    device: str
    lon: float
    lat: float
    time_ms: int
    accuracy_m: float | None = nan
    source: str | None = "unknown"
    user: str | None = ""
    received_ms: Annotated[int, msgspec.Meta(ge=0, lt=TIME_END_MS)] | None = -1
    confidence: float | None = nan
    speed_mps: float | None = nan
    mock: bool | None = False
    v: int = PING_VERSION


class _PingText(Ping, frozen=True, kw_only=True, omit_defaults=True):
    """A ping as it is written, its source a word."""

    source: str = "unknown"  # type: ignore[assignment]


class _Versioned(msgspec.Struct):
    v: int = 1


_read_ping = msgspec.json.Decoder(_PingRecord).decode
_read_control = msgspec.json.Decoder(Control).decode
_read_version = msgspec.json.Decoder(_Versioned).decode
_write = msgspec.json.Encoder().encode


def encode_ping(ping: Ping) -> bytes:
    """One ping as JSON; fields that are absent are left out."""
    return _write(_PingText(**{**msgspec.structs.asdict(ping), "source": ping.source.name.lower()}))


def decode_ping(raw: bytes) -> Ping:
    """One ping. Raises Malformed; whether its values are in range is for `geofence.ping.check` to say."""
    record = decode(_read_ping, raw, "the ping")
    _check_record(record)
    return _columns([record]).ping(0)


def decode_pings(raws: Sequence[bytes]) -> tuple[Pings, NDArray[np.int64], list[Unread]]:
    """Many pings at once: columns, the place of each among `raws`, and those that could not be decoded."""
    unread: list[Unread] = []
    try:
        records = [_read_ping(raw) for raw in raws]
        rows = np.arange(len(raws))
        if any(record.v > PING_VERSION for record in records):
            records, rows = _decode_each(raws, unread)
        return _columns(records), rows, unread
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        records, rows = _decode_each(raws, unread)
        return _columns(records), rows, unread


def encode_control(control: Control) -> bytes:
    """A control record as JSON; `kind` tells which."""
    return _write(control)


def decode_control(raw: bytes) -> Control:
    """One control record. Raises Malformed or InvalidControl."""
    version = decode(_read_version, raw, "the control record").v
    if version > CONTROL_VERSION:
        raise NewerVersion("the control record", version, CONTROL_VERSION)
    control: Control = decode(_read_control, raw, "the control record")
    check(control)
    return control


def _decode_each(raws: Sequence[bytes], unread: list[Unread]) -> tuple[list[_PingRecord], NDArray[np.int64]]:
    records, rows = [], []
    for row, raw in enumerate(raws):
        try:
            record = decode(_read_ping, raw, "the ping")
            _check_record(record)
        except NewerVersion as fault:
            unread.append(Unread(row, "version_newer", str(fault)))
        except Malformed as fault:
            unread.append(Unread(row, "malformed", str(fault)))
        else:
            records.append(record)
            rows.append(row)
    return records, np.array(rows, np.int64)


def _check_record(record: _PingRecord) -> None:
    if record.v > PING_VERSION:
        raise NewerVersion("the ping", record.v, PING_VERSION)
    if (record.source or "unknown") not in SOURCES:
        allowed = ", ".join(SOURCES)
        raise Malformed(f"source is {shown(record.source)}; allowed: {allowed}. Leave it out if it is not known.")


def _columns(records: list[_PingRecord]) -> Pings:
    users = [record.user or "" for record in records]
    return Pings(
        device=Texts.of([record.device for record in records]),
        lon=np.array([record.lon for record in records], np.float64),
        lat=np.array([record.lat for record in records], np.float64),
        time_ms=_int64([record.time_ms for record in records]),
        accuracy_m=np.array([record.accuracy_m for record in records], np.float64),
        source=np.array([SOURCES[record.source or "unknown"] for record in records], np.uint8),
        received_ms=_int64([-1 if record.received_ms is None else record.received_ms for record in records]),
        confidence=np.array([record.confidence for record in records], np.float64),
        speed_mps=np.array([record.speed_mps for record in records], np.float64),
        mock=np.array([record.mock for record in records], np.bool_),
        user=Texts.of(users) if any(users) else Texts.blank(len(users)),
    )


def _int64(values: list[int]) -> NDArray[np.int64]:
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return np.array([max(-_INT64, min(_INT64, value)) for value in values], np.int64)
