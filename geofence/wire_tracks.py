"""The bytes of what is remembered: a row for each device's tracks, and one for the partition itself.

What a compacted topic keeps: `rows_out` fills these rows from the columns, `rows_in` puts them back. A row is a number
that names its layout, then packed little-endian records, field by field; what says how long the next part is comes
first in every layout. Regions stand as the codes that they keep for ever, never as places in one version. Invariants:
what was encoded comes back; an older layout is read, fields it did not have at their beginning; a newer one is refused.

A row: number, head, user; then for each layer its head, name, motion, place (overlay) and beliefs (a partition has one,
an overlay one for each fence): head, evidence, trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.hysteresis import EVIDENCE, MOTION, TRAIL, UNKNOWN, new_evidence, new_motion
from geofence.malformed import Malformed, decode
from geofence.text import Texts
from geofence.tracks import PLACE
from geofence.wire import NewerVersion

TRACK_VERSION = 1
PARTITION_VERSION = 1

Layout = Mapping[str, np.dtype[Any]]

HEAD = np.dtype(
    [
        ("layers", "<u1"),
        ("user_bytes", "<u2"),
        ("consent", "<u1"),
        ("heard_ms", "<i8"),
        ("barred_ms", "<i8"),
        ("barred_until_ms", "<i8"),
    ]
)
LAYER = np.dtype(
    [
        ("name_bytes", "<u2"),
        ("places", "<u1"),  # 1 in an overlay
        ("beliefs", "<u4"),
        ("epoch", "<i4"),  # tells which version's regions it speaks of, see PartitionRow
        ("sequence", "<i4"),
        ("born_ms", "<i8"),
        ("since_ms", "<i8"),
    ]
)
BELIEF = np.dtype(
    [
        ("entries", "<u1"),  # of the trail
        ("dwelled", "<u1"),
        ("fence", "<i4"),  # its code; 0 in a partition
        ("since_ms", "<i8"),
        ("due_ms", "<i8"),
    ]
)
LAYOUT: Layout = {
    "head": HEAD,
    "layer": LAYER,
    "motion": MOTION,
    "place": PLACE,
    "belief": BELIEF,
    "evidence": EVIDENCE,
    "trail": TRAIL,
}
# The layouts of earlier numbers; a change of LAYOUT moves it here and raises TRACK_VERSION.
OLDER: dict[int, Layout] = {}


@dataclass(frozen=True, slots=True)
class TrackRows:
    """Rows by device, as one arena: row i is `arena[offsets[i]:offsets[i + 1]]`. An empty one is a tombstone."""

    device: Texts
    arena: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, bytes | None]]) -> TrackRows:
        """Single rows together; None is a tombstone."""
        pairs = list(rows)
        packed = Texts.of_bytes([row or b"" for _, row in pairs])
        return cls(Texts.of([device for device, _ in pairs]), packed.arena, packed.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> bytes | None:
        """One row; None for a tombstone."""
        return self.arena[self.offsets[index] : self.offsets[index + 1]].tobytes() or None


class LayerInForce(msgspec.Struct, frozen=True, array_like=True):
    """The version of a layer in force. While `before` is not None, tracks of the epoch before still stand in it."""

    layer: str
    version: str
    epoch: int
    before: str | None = None
    switched_ms: int = 0
    number: int = 0  # of the newest publication that was obeyed


class PartitionRow(msgspec.Struct, frozen=True, array_like=True):
    """The state of a partition beside its devices: its clock, and what is in force."""

    clock_ms: int
    layers: tuple[LayerInForce, ...]


_read_partition = msgspec.msgpack.Decoder(PartitionRow).decode
_write = msgspec.msgpack.Encoder().encode


def encode_partition(row: PartitionRow) -> bytes:
    """The partition's row."""
    return bytes([PARTITION_VERSION]) + _write(row)


def decode_partition(raw: bytes) -> PartitionRow:
    """The partition's row. Raises Malformed."""
    if not raw or raw[0] == 0:
        raise Malformed(
            f"the partition row is not as expected: it begins with no version; allowed: 1 to {PARTITION_VERSION}"
        )
    if raw[0] > PARTITION_VERSION:
        raise NewerVersion("the partition row", raw[0], PARTITION_VERSION)
    return decode(_read_partition, raw[1:], "the partition row")


def layout_of(number: int) -> Layout:
    """The records of a layout number as they are stored, without gaps. Raises Malformed or NewerVersion."""
    if number > TRACK_VERSION:
        raise NewerVersion("the track row", number, TRACK_VERSION)
    if number != TRACK_VERSION and number not in OLDER:
        raise Malformed(
            f"the track row is not as expected: it begins with the number {number}; allowed: 1 to {TRACK_VERSION}"
        )
    layout = LAYOUT if number == TRACK_VERSION else OLDER[number]
    return {kind: packed(dtype) for kind, dtype in layout.items()}


class Said(IntEnum):
    """What a device has said of its consent."""

    NOTHING = 0
    GIVEN = 1
    WITHDRAWN = 2


def consent_of(row: bytes) -> Said:
    """What the device of a row has said. Raises Malformed or NewerVersion."""
    size, place = _consent_at(row[0])
    if len(row) < 1 + size:
        raise Malformed(f"the track row is not as expected: it has {len(row)} bytes; restore the topic")
    return Said(row[1 + place])


@lru_cache
def _consent_at(number: int) -> tuple[int, int]:
    """The size of a head in this layout, and where in it the consent stands: a byte."""
    head = layout_of(number)["head"]
    fields: Mapping[str, Any] = head.fields or {}
    return head.itemsize, fields["consent"][1]


def packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype without gaps, little-endian."""
    fields: Mapping[str, Any] = dtype.fields or {}
    return np.dtype([(name, fields[name][0].newbyteorder("<")) for name in dtype.names or ()])


def bytes_of(kind: str, records: NDArray[Any]) -> NDArray[np.uint8]:
    """Records of one kind as they are stored: a line of bytes for each."""
    stored = packed(LAYOUT[kind])
    plain = np.ascontiguousarray(records.astype(stored, copy=False))
    return plain.view(np.uint8).reshape(len(records), stored.itemsize)


def records_of(kind: str, raw: NDArray[np.uint8], number: int) -> NDArray[Any]:
    """The records of `bytes_of`, written in the layout of any number so far."""
    found = raw.reshape(-1).view(layout_of(number)[kind])
    if number == TRACK_VERSION:
        return found.astype(LAYOUT[kind], copy=False)
    records = _beginning(kind, len(found))
    for name in set(found.dtype.names or ()) & set(records.dtype.names or ()):
        records[name] = found[name]
    return records


def _beginning(kind: str, count: int) -> NDArray[Any]:
    """Records as they are when nothing is known: for the fields that an older layout did not have."""
    records = np.zeros(count, LAYOUT[kind]).view(np.recarray)
    for record in records:
        if kind == "motion":
            new_motion(record)
        elif kind == "evidence":
            new_evidence(record, UNKNOWN)
    return records.view(np.ndarray)
