"""NDJSON: one documented ping or control record per line, as a dump of a log's partition has them.

Behind `readers`. Invariant: pings and control records keep the order of the file, so that a replay decides as
the partition's owner did.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from geofence.control import InvalidControl
from geofence.malformed import Malformed
from geofence.wire import NewerVersion, decode_control, decode_pings
from service.rows import BATCH_ROWS, Batch, Misread, Order, Part, Rejected
from service.source import Source, Unusable

LINE_BYTES = 16 << 20
_BOM = b"\xef\xbb\xbf"


class _Kinded(msgspec.Struct):
    kind: msgspec.Raw = msgspec.Raw(b"")


_read_kind = msgspec.json.Decoder(_Kinded).decode


def read_ndjson_pings(source: Source, *, begun: bytes = b"") -> Iterator[Part]:
    """The file's records. Raises Unusable if a line is too long to be one."""
    row = 0
    raws: list[bytes] = []
    places: list[tuple[int, int]] = []
    for line, raw in _lines(source, begun):
        if not raw.strip():
            continue
        row += 1
        if b'"kind"' in raw and _is_control(raw):
            if raws:
                yield _batch(raws, places)
                raws, places = [], []
            yield _order(raw, row, line)
            continue
        raws.append(raw)
        places.append((row, line))
        if len(raws) >= BATCH_ROWS:
            yield _batch(raws, places)
            raws, places = [], []
    if raws:
        yield _batch(raws, places)


def _lines(source: Source, begun: bytes) -> Iterator[tuple[int, bytes]]:
    line, carry, chunk = 0, begun.removeprefix(_BOM), b"\n"
    while chunk:
        chunk = source.read()
        *lines, carry = (carry + chunk).split(b"\n")
        for raw in lines:
            line += 1
            _check_length(raw, line, source.name)
            yield line, raw
        _check_length(carry, line + 1, source.name)
    if carry:
        yield line + 1, carry


def _check_length(raw: bytes, line: int, name: str) -> None:
    if len(raw) > LINE_BYTES:
        raise Unusable(f"{name}: line {line} is longer than {LINE_BYTES >> 20} MiB. Write one JSON object per line.")


def _is_control(raw: bytes) -> bool:
    try:
        return bytes(_read_kind(raw).kind) not in (b"", b"null")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _order(raw: bytes, row: int, line: int) -> Order | Misread:
    try:
        return Order(decode_control(raw), row, line)
    except (Malformed, InvalidControl) as fault:
        reason = "version_newer" if isinstance(fault, NewerVersion) else "malformed"
        return Misread(Rejected(row, line, reason, str(fault)))


def _batch(raws: list[bytes], places: list[tuple[int, int]]) -> Batch:
    pings, kept, unread = decode_pings(raws)
    table = np.array(places, np.int64).reshape(-1, 2)[kept]
    faults = [Rejected(*places[one.row], one.reason, one.message) for one in unread]
    return Batch(pings, table[:, 0], table[:, 1], faults)
