"""The bytes of what is remembered: a row for each device's tracks, and one for the partition itself.

Between `tracks` and a compacted topic. State records are packed little-endian, field by field, in the layout that the
first byte's number stands for; regions stand as the codes that they keep for ever, never as places in one version.
Invariants: what was encoded comes back; an older layout is read, fields it did not have at their beginning; a newer one
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.hysteresis import EVIDENCE, MOTION, TRAIL, UNKNOWN, new_evidence, new_motion
from geofence.malformed import Malformed, decode
from geofence.tracks import NONE, PLACE, Tracks
from geofence.wire import NewerVersion

TRACK_VERSION = 1
PARTITION_VERSION = 1

Layout = Mapping[str, np.dtype[Any]]
Translate = Callable[[NDArray[Any]], NDArray[Any]]

LAYOUT: Layout = {"motion": MOTION, "place": PLACE, "evidence": EVIDENCE, "trail": TRAIL}
OLDER: dict[
    int, Layout
] = {}  # the layouts of earlier numbers; a change of LAYOUT moves it here and raises TRACK_VERSION
_REGION = {"evidence", "trail"}  # kinds whose field `region` names a region


class BeliefRow(msgspec.Struct, frozen=True, array_like=True):
    """Where a device is believed to be: in a layer (fence 0), or in respect of one fence (its code)."""

    fence: int
    since_ms: int
    dwelled: bool
    due_ms: int
    evidence: bytes
    trail: bytes


class LayerRow(msgspec.Struct, frozen=True, array_like=True):
    """A device's track in one layer. `epoch` tells which version's regions it speaks of (see PartitionRow)."""

    layer: str
    born_ms: int
    sequence: int
    epoch: int
    since_ms: int
    motion: bytes
    place: bytes
    beliefs: tuple[BeliefRow, ...]


class TrackRow(msgspec.Struct, frozen=True, array_like=True):
    """All that is remembered of a device. No layers: only its consent, or that older pings are barred."""

    device: str
    user: str | None
    consent: int
    heard_ms: int
    barred_ms: int
    barred_until_ms: int
    layers: tuple[LayerRow, ...]


class LayerInForce(msgspec.Struct, frozen=True, array_like=True):
    """The version of a layer in force. While `before` is not None, devices of an older epoch still stand in it."""

    layer: str
    version: str
    epoch: int
    before: str | None = None
    switched_ms: int = 0
    moved: int = 0


class PartitionRow(msgspec.Struct, frozen=True, array_like=True):
    """The state of a partition beside its devices: its clock, and how far each switch has come."""

    clock_ms: int
    layers: tuple[LayerInForce, ...]


_read_track = msgspec.msgpack.Decoder(TrackRow).decode
_read_partition = msgspec.msgpack.Decoder(PartitionRow).decode
_write = msgspec.msgpack.Encoder().encode


def encode_track(row: TrackRow) -> bytes:
    """A device's row; its records as `pack` gave them."""
    return bytes([TRACK_VERSION]) + _write(row)


def decode_track(raw: bytes) -> tuple[TrackRow, int]:
    """A device's row, and the number of the layout that `unpack` has to read its records by. Raises Malformed."""
    number = _number(raw, "the track row", TRACK_VERSION)
    return decode(_read_track, raw[1:], "the track row"), number


def encode_partition(row: PartitionRow) -> bytes:
    """The partition's row."""
    return bytes([PARTITION_VERSION]) + _write(row)


def decode_partition(raw: bytes) -> PartitionRow:
    """The partition's row. Raises Malformed."""
    _number(raw, "the partition row", PARTITION_VERSION)
    return decode(_read_partition, raw[1:], "the partition row")


def layer_row(tracks: Tracks, slot: int, layer: str, code_of: Translate) -> LayerRow:
    """A device's track in one layer, ready to be encoded."""
    span = tracks.span[slot]
    chain = tracks.fences.columns[0]
    if tracks.overlay:
        rows = list(tracks.fence_rows(slot))
        fences = code_of(chain["fence"][rows]).tolist() if rows else []
        beliefs = [
            _belief(tracks, fence, chain[row], tracks.fences.columns[1][row : row + 1], code_of)
            for fence, row in zip(fences, rows, strict=True)
        ]
    else:
        beliefs = [_belief(tracks, 0, span, tracks.evidence[slot : slot + 1], code_of)]
    return LayerRow(
        layer=layer,
        born_ms=int(span["born_ms"]),
        sequence=int(span["sequence"]),
        epoch=int(span["epoch"]),
        since_ms=int(span["since_ms"]),
        motion=pack("motion", tracks.motion[slot : slot + 1], code_of),
        place=pack("place", tracks.place[slot : slot + 1], code_of) if tracks.overlay else b"",
        beliefs=tuple(beliefs),
    )


def put_layer_row(tracks: Tracks, slot: int, row: LayerRow, index_of: Translate, number: int = TRACK_VERSION) -> None:
    """Give a device, whose slot is reserved and has no track, the track that a row tells of."""
    span = tracks.span
    span["born_ms"][slot], span["sequence"][slot], span["epoch"][slot] = row.born_ms, row.sequence, row.epoch
    span["since_ms"][slot] = row.since_ms
    tracks.motion[slot] = unpack("motion", row.motion, index_of, number)[0]
    if tracks.overlay:
        tracks.place[slot] = unpack("place", row.place, index_of, number)[0]
    for belief in row.beliefs:
        evidence = unpack("evidence", belief.evidence, index_of, number)[0]
        trail = _put_trail(tracks, unpack("trail", belief.trail, index_of, number))
        if tracks.overlay:
            fence = int(index_of(np.array([belief.fence]))[0])
            at = tracks.add_fence(slot, fence, belief.since_ms)
            chain, beliefs = tracks.fences.columns
            chain["trail"][at], chain["dwelled"][at], beliefs[at] = trail, belief.dwelled, evidence
            chain["due_ms"][at] = belief.due_ms
        else:
            span["trail"][slot], tracks.evidence[slot] = trail, evidence


def _belief(tracks: Tracks, fence: int, owner: np.void, evidence: NDArray[Any], code_of: Translate) -> BeliefRow:
    """What is believed, with the entries of the trail that count. `owner` is the row that holds the trail."""
    in_fence = "dwelled" in (owner.dtype.names or ())
    dwelled, due_ms = (bool(owner["dwelled"]), int(owner["due_ms"])) if in_fence else (False, 0)
    entries = int(evidence["entries"][0]) if owner["trail"] != NONE else 0
    trail = tracks.trails.columns[0][int(owner["trail"])][:entries] if entries else np.empty(0, TRAIL)
    packed = pack("evidence", evidence, code_of)
    return BeliefRow(fence, int(owner["since_ms"]), dwelled, due_ms, packed, pack("trail", trail, code_of))


def _put_trail(tracks: Tracks, entries: NDArray[Any]) -> int:
    """Take a trail from the pool for these entries; NONE if there are none."""
    if not len(entries):
        return NONE
    tracks.trails.reserve(1)
    tracks.trails.left[0] -= 1
    row = int(tracks.trails.free[int(tracks.trails.left[0])])
    tracks.trails.columns[0][row][: len(entries)] = entries
    return row


def pack(kind: str, records: NDArray[Any], code_of: Translate) -> bytes:
    """Records of one kind as bytes. `code_of` gives codes for region indices; what is no region stays."""
    packed = records.astype(_packed(LAYOUT[kind]))
    if kind in _REGION:
        packed["region"] = _translated(packed["region"], code_of)
    return packed.tobytes()


def unpack(kind: str, raw: bytes, index_of: Translate, number: int = TRACK_VERSION) -> NDArray[Any]:
    """The records of `pack`, in the layout of any number so far. Raises Malformed."""
    stored = _packed(LAYOUT[kind] if number == TRACK_VERSION else OLDER[number][kind])
    if len(raw) % stored.itemsize:
        raise Malformed(f"the track row has {len(raw)} bytes of {kind}; allowed: multiples of {stored.itemsize}")
    found = np.frombuffer(raw, stored)
    if number == TRACK_VERSION:
        records = found.astype(LAYOUT[kind])
    else:
        records = _beginning(kind, len(found))
        for name in set(stored.names or ()) & set(records.dtype.names or ()):
            records[name] = found[name]
    if kind in _REGION:
        records["region"] = _translated(records["region"], index_of)
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


def _translated(regions: NDArray[Any], translate: Translate) -> NDArray[Any]:
    """The regions in other numbers; OUTSIDE and UNKNOWN mean the same everywhere."""
    return np.where(regions >= 0, translate(np.maximum(regions, 0)), regions)


def _packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype without gaps, little-endian."""
    fields: Mapping[str, Any] = dtype.fields or {}
    return np.dtype([(name, fields[name][0].newbyteorder("<")) for name in dtype.names or ()])


def _number(raw: bytes, what: str, known: int) -> int:
    if not raw or raw[0] == 0:
        raise Malformed(f"{what} is not as expected: it begins with no version; allowed: 1 to {known}")
    if raw[0] > known:
        raise NewerVersion(what, raw[0], known)
    return raw[0]
