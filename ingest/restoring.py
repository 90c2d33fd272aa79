"""A fence as it stood at the committed offset: made anew, then filled from the partition's tracks.

Before the first record of a partition is taken. Invariant: rows go straight into columns, in large batches; rows that
can't be understood, or without their partition's row, stop the partition instead of being passed over.
"""

from __future__ import annotations

import logging

from geofence.fence import Fence
from geofence.malformed import Malformed
from geofence.text import Texts
from geofence.wire_tracks import PartitionRow, TrackRows, decode_partition
from ingest.fences import Fences
from ingest.status import PartitionStatus, tell
from ingest.topics import PARTITION_KEY, TRACKS
from stream.port import Batch, Log

ROWS = 65_536
_PROGRESS = 500_000  # rows between two lines in the log

_TAIL = 20_000  # offsets at the end of a partition among which its row is looked for first: more than one commit writes
_END_OF_TIME_MS = 2**62


async def restore(log: Log, partition: int, fences: Fences, status: PartitionStatus) -> Fence:
    """The fence of a partition, as its newest commit has left it.

    Raises UnknownVersion if a version that was in force is not at hand, Malformed if the rows are none or too new.
    """
    fence = await fences.make(await in_force_in(log, partition))
    end, begin = await log.offset_at(TRACKS, partition, time_ms=_END_OF_TIME_MS), -1
    in_force, status.restored, status.restored_ratio, told = None, 0, 0.0, 0
    async for batch in log.read(TRACKS, partition, to_end=True, most=ROWS):
        begin = batch.offsets[0] if begin < 0 else begin
        status.restored_ratio = min(1.0, (batch.end - begin) / max(1, end - begin))
        rows, newest = split(batch)
        in_force = newest or in_force
        if len(rows):
            fence.restore(rows)
        status.restored += len(rows)
        if status.restored - told >= _PROGRESS:
            told = status.restored
            tell(logging.INFO, "restoring", partition=partition, rows=told)
    if in_force is not None:
        fence.resume(in_force)
    elif status.restored:
        raise Malformed(f"partition {partition} of {TRACKS} has rows of devices and none of its own; restore the topic")
    status.restored_ratio = 1.0
    return fence


async def in_force_in(log: Log, partition: int) -> PartitionRow | None:
    """The newest row of a partition itself, found from the end: every commit writes it. Raises Malformed."""
    end = await log.offset_at(TRACKS, partition, time_ms=_END_OF_TIME_MS)
    begin, tail = end, _TAIL
    while begin > 0:
        begin, until, newest = max(0, end - tail), begin, None
        async for batch in log.read(TRACKS, partition, start=begin, to_end=True, most=ROWS):
            newest = split(batch)[1] or newest
            if batch.end >= until and newest is None:
                break
        if newest is not None:
            return decode_partition(newest)
        tail *= 4
    return None


def split(batch: Batch) -> tuple[TrackRows, bytes | None]:
    """The rows of devices in a batch of `tracks`, and the newest of the partition itself."""
    keys = [key or b"" for key in batch.keys]
    values = [value or b"" for value in batch.values]
    own = [row for row, key in enumerate(keys) if key == PARTITION_KEY]
    newest = values[own[-1]] if own else None
    for row in reversed(own):
        del keys[row], values[row]
    packed = Texts.of_bytes(values)
    return TrackRows(Texts.of_bytes(keys), packed.arena, packed.offsets), newest
