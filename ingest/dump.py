"""A partition's input as text: one JSON object per line, pings and control records with the times of the log.

What `geofence replay` reads. Invariant: replaying the lines gives what the partition's owner made of the records; what
it refused unread is left out, as it had no effect.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from geofence.wire import encode_control, encode_ping
from ingest.reading import Reader, Run
from ingest.topics import PINGS
from stream.port import Batch, Log


@dataclass(frozen=True, slots=True)
class Dumped:
    """The lines of a batch, and how many records were left out."""

    lines: list[bytes]
    left_out: int


async def dump(log: Log, partition: int, *, value_bytes: int, start: int = 0) -> AsyncIterator[Dumped]:
    """The input of a partition from an offset on, up to where it ends now."""
    reader = Reader(partition, await log.partitions(PINGS), value_bytes)
    async for batch in log.read(PINGS, partition, start=start, to_end=True):
        yield lines_of(reader, batch)


def lines_of(reader: Reader, batch: Batch) -> Dumped:
    """One batch as lines."""
    items, refused = reader.read(batch)
    lines: list[bytes] = []
    for item in items:
        if isinstance(item, Run):
            lines.extend(encode_ping(item.pings.ping(row)) for row in range(len(item.pings)))
        else:
            lines.append(encode_control(item.control))
    return Dumped(lines, len(refused))
