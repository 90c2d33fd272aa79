"""What a batch has caused, as records for the partition of the same number: events, presence, tracks, dead letters.

Between the fence and the commit. Invariant: every field that can influence a later event is among the rows of tracks,
those of all devices touched and of the partition, so that rows and offset are always of one moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from geofence.crossing import Crossing
from geofence.fence import Fence
from geofence.wire_events import encode_binary, event_of
from geofence.wire_tracks import TrackRows
from ingest.letters import letter_of
from ingest.reading import Refused
from ingest.topics import CHANGES, PARTITION_KEY, PRESENCE, REJECTED, TRACKS
from stream.port import Batch, Outgoing, Record


def event_records(crossings: Iterable[Crossing], source: str) -> list[Record]:
    """Crossings as CloudEvents in binary mode."""
    records = []
    for crossing in crossings:
        headers, data = encode_binary(event_of(crossing, source=source))
        told = tuple((name, text.encode()) for name, text in headers.items())
        records.append(Record(crossing.device.encode(), data, told))
    return records


def state_records(fence: Fence) -> tuple[list[Record], list[Record]]:
    """What has changed since this was last asked: rows of tracks, and presence; tombstones of what is gone."""
    rows = fence.changed()
    keys, values = pieces(rows)
    tracks = [Record(key, value or None) for key, value in zip(keys, values, strict=True)]
    presence = [Record(key, None) for key, value in zip(keys, values, strict=True) if not value]
    presence += [Record(device.encode(), value) for device, value in fence.presences()]
    tracks.append(Record(PARTITION_KEY, fence.partition_row()))
    return tracks, presence


def letters(batch: Batch, refused: Sequence[Refused]) -> list[Record]:
    """Dead letters, in the order of the input."""
    return [letter_of(batch, one) for one in sorted(refused, key=lambda one: one.row)]


def outgoing(
    partition: int, events: list[Record], presence: list[Record], tracks: list[Record], rejected: list[Record]
) -> list[Outgoing]:
    """All of it by topic; topics that get nothing are left out."""
    every = ((CHANGES, events), (PRESENCE, presence), (TRACKS, tracks), (REJECTED, rejected))
    return [Outgoing(topic, partition, records) for topic, records in every if records]


def pieces(rows: TrackRows) -> tuple[list[bytes], list[bytes]]:
    """The names and the rows, each as bytes of its own."""
    return _split(rows.device.arena.tobytes(), rows.device.offsets.tolist()), _split(
        rows.arena.tobytes(), rows.offsets.tolist()
    )


def _split(raw: bytes, offsets: list[int]) -> list[bytes]:
    return [raw[start:end] for start, end in pairwise(offsets)]
