"""What a batch has caused, as records for the partition of the same number: events, presence, tracks, dead letters.

Between the fence and the commit. Invariant: every field that can influence a later event is among the rows of tracks,
those of all devices touched and of the partition, so that rows and offset are always of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from geofence.crossing import Crossing
from geofence.fence import Fence
from geofence.wire_events import encode_binary, event_of
from geofence.wire_tracks import TrackRows
from ingest.letters import letter_of
from ingest.reading import Refused
from ingest.topics import CHANGES, PARTITION_KEY, PRESENCE, REJECTED, TRACKS
from stream.port import Batch, Outgoing, Packed, Record


def event_records(crossings: Iterable[Crossing], source: str) -> list[Record]:
    """Crossings as CloudEvents in binary mode."""
    records = []
    for crossing in crossings:
        headers, data = encode_binary(event_of(crossing, source=source))
        told = tuple((name, text.encode()) for name, text in headers.items())
        records.append(Record(crossing.device.encode(), data, told))
    return records


def state_records(fence: Fence) -> tuple[Packed, list[Record]]:
    """What has changed since this was last asked: rows of tracks, and presence; tombstones of what is gone."""
    rows = fence.changed()
    gone = np.flatnonzero(np.diff(rows.offsets) == 0).tolist()
    presence = [Record(rows.device[row].encode("utf-8", "surrogatepass"), None) for row in gone]
    presence += [Record(device.encode(), value) for device, value in fence.presences()]
    return _packed(rows, fence.partition_row()), presence


def letters(batch: Batch, refused: Sequence[Refused]) -> list[Record]:
    """Dead letters, in the order of the input."""
    return [letter_of(batch, one) for one in sorted(refused, key=lambda one: one.row)]


def outgoing(
    partition: int, events: list[Record], presence: list[Record], tracks: Sequence[Record], rejected: list[Record]
) -> list[Outgoing]:
    """All of it by topic; topics that get nothing are left out."""
    every = ((CHANGES, events), (PRESENCE, presence), (TRACKS, tracks), (REJECTED, rejected))
    return [Outgoing(topic, partition, records) for topic, records in every if records]


def _packed(rows: TrackRows, partition: bytes) -> Packed:
    """The rows of devices and behind them that of the partition: there is one for nearly every ping."""
    keys, key_at = _with(rows.device.arena, rows.device.offsets, PARTITION_KEY)
    return Packed(keys, key_at, *_with(rows.arena, rows.offsets, partition))


def _with(arena: NDArray[np.uint8], offsets: NDArray[np.int64], last: bytes) -> tuple[memoryview, memoryview]:
    every = np.concatenate([arena, np.frombuffer(last, np.uint8)])
    return every.data, np.append(offsets, offsets[-1] + len(last)).data
