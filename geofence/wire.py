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
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.control import Control, check
from geofence.malformed import Malformed, decode, shown
from geofence.misfit import ReceivedMs, check_time, misfit_of
from geofence.ping import Ping, Pings, Source
from geofence.text import Texts

PING_VERSION = 1
CONTROL_VERSION = 1
_PING = "an object with device, lon, lat and time_ms. Write one object per line."
_CONTROLS = (
    "the kinds consent (device, given), erase (device), tick, version (layer, version), each with at_ms in Unix "
    "milliseconds. Correct the record; a ping has no `kind`."
)
SOURCES = {source.name.lower(): int(source) for source in Source}  # plain numbers: enums are slow in columns
_CODES = dict[str | None, int](SOURCES) | {None: SOURCES["unknown"], "": SOURCES["unknown"]}


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


class PingRecord(msgspec.Struct, kw_only=True, gc=False, omit_defaults=True):
    """The documented ping; null is as good as absent, and a default is how absence stands in the columns."""

    device: str
    lon: float
    lat: float
    time_ms: int
    accuracy_m: float | None = nan
    source: str | None = "unknown"
    user: str | None = ""
    received_ms: ReceivedMs | None = -1
    confidence: float | None = nan
    speed_mps: float | None = nan
    mock: bool | None = False
    v: int = PING_VERSION


class _PingText(Ping, frozen=True, kw_only=True, omit_defaults=True):
    """A ping as it is written, its source a word."""

    source: str = "unknown"  # type: ignore[assignment]


class _Versioned(msgspec.Struct):
    v: int = 1


_read_ping = msgspec.json.Decoder(PingRecord).decode
_read_pings = msgspec.json.Decoder(list[PingRecord]).decode
_read_control = msgspec.json.Decoder(Control).decode
_read_version = msgspec.json.Decoder(_Versioned).decode
_write = msgspec.json.Encoder().encode


def encode_ping(ping: Ping) -> bytes:
    """One ping as JSON; fields that are absent are left out."""
    return _write(_PingText(**{**msgspec.structs.asdict(ping), "source": ping.source.name.lower()}))


def decode_ping(raw: bytes) -> Ping:
    """One ping. Raises Malformed; whether its values are in range is for `geofence.ping.check` to say."""
    return _columns([_record(raw)]).ping(0)


def decode_pings(raws: Sequence[bytes]) -> tuple[Pings, NDArray[np.int64], list[Unread]]:
    """Many pings at once: columns, the place of each among `raws`, and those that could not be decoded."""
    unread: list[Unread] = []
    try:
        records = [_read_ping(raw) for raw in raws]
        rows = np.arange(len(raws))
        if any(record.v > PING_VERSION for record in records):
            records, rows = _decode_each(raws, unread)
        return _columns(records), rows, unread
    except (msgspec.MsgspecError, ValueError, KeyError, OverflowError, RecursionError):
        records, rows = _decode_each(raws, unread)
        return _columns(records), rows, unread


def decode_records(raws: Sequence[bytes]) -> tuple[list[PingRecord], NDArray[np.int64], list[Unread]]:
    """Many pings at once, to be judged as `columns_of` and sent on by `encode_records`; as `decode_pings` otherwise."""
    unread: list[Unread] = []
    records, rows = _decode_each(raws, unread)
    return records, rows, unread


def decode_array(body: bytes) -> list[PingRecord] | None:
    """All pings of a JSON array in one go, as `decode_records` brings them; None: some have to be looked at singly."""
    try:
        records = _read_pings(body)
        for record in records:
            _check_record(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Malformed):
        return None
    return records


def columns_of(records: list[PingRecord]) -> Pings:
    """Records as columns. Their sources must be words that exist, their times numbers of 64 bits."""
    return _columns(records)


def encode_records(records: Sequence[PingRecord], received_ms: int) -> list[bytes]:
    """Records as JSON, received at this time; what is absent is left out."""
    for record in records:
        record.received_ms = received_ms
    return [_write(record) for record in records]


def encode_control(control: Control) -> bytes:
    """A control record as JSON; `kind` tells which."""
    return _write(control)


def decode_control(raw: bytes) -> Control:
    """One control record. Raises Malformed or InvalidControl."""
    _check_version(raw, "the control record", CONTROL_VERSION)
    control: Control = decode(_read_control, raw, "the control record", _CONTROLS)
    check(control)
    return control


def _check_version(raw: bytes, what: str, known: int) -> None:
    """Refuse a newer version first, whatever else is in it; that it is no JSON is for others to say."""
    try:
        found = _read_version(raw).v
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if found > known:
        raise NewerVersion(what, found, known)


def _decode_each(raws: Sequence[bytes], unread: list[Unread]) -> tuple[list[PingRecord], NDArray[np.int64]]:
    records, rows = [], []
    for row, raw in enumerate(raws):
        try:
            record = _record(raw)
        except NewerVersion as fault:
            unread.append(Unread(row, "version_newer", str(fault)))
        except Malformed as fault:
            unread.append(Unread(row, "malformed", str(fault)))
        else:
            records.append(record)
            rows.append(row)
    return records, np.array(rows, np.int64)


def _record(raw: bytes) -> PingRecord:
    try:
        record: PingRecord = decode(_read_ping, raw, "the ping", _PING)
    except Malformed as fault:
        _check_version(raw, "the ping", PING_VERSION)
        raise Malformed(str(misfit_of(raw) or fault)) from None
    _check_record(record)
    return record


def _check_record(record: PingRecord) -> None:
    check_time(record.time_ms)
    if record.v > PING_VERSION:
        raise NewerVersion("the ping", record.v, PING_VERSION)
    if (record.source or "unknown") not in SOURCES:
        allowed = ", ".join(SOURCES)
        raise Malformed(f"source is {shown(record.source)}; allowed: {allowed}. Leave it out if it is not known.")


def _columns(records: list[PingRecord]) -> Pings:
    many = len(records)
    users = [record.user or "" for record in records]
    return Pings(
        device=Texts.of([record.device for record in records]),
        lon=np.fromiter([record.lon for record in records], np.float64, many),
        lat=np.fromiter([record.lat for record in records], np.float64, many),
        time_ms=np.fromiter([record.time_ms for record in records], np.int64, many),
        accuracy_m=_column([record.accuracy_m for record in records], np.float64, nan),
        source=np.fromiter([_CODES[record.source] for record in records], np.uint8, many),
        received_ms=_column([record.received_ms for record in records], np.int64, -1),
        confidence=_column([record.confidence for record in records], np.float64, nan),
        speed_mps=_column([record.speed_mps for record in records], np.float64, nan),
        mock=_column([record.mock for record in records], np.bool_, False),
        user=Texts.of(users) if any(users) else Texts.blank(many),
    )


def _column(values: list[Any], dtype: type[np.generic], absent: object) -> NDArray[Any]:
    """A column in which null is rare."""
    try:
        return np.fromiter(values, dtype, len(values))
    except TypeError:
        return np.array([absent if value is None else value for value in values], dtype)
