"""`geofence log dump` and `geofence topics`: a partition's input as text, and the topics as they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from ingest.dump import dump
from ingest.topics import PINGS, topics
from service.complaints import note
from service.logs import default_partitions, open_log
from service.source import Unusable


async def dump_partition(url: str, out: BinaryIO, partition: int, *, value_bytes: int) -> None:
    """Write a partition's input as NDJSON; say how many records were left out, as the worker refuses them unread."""
    left_out = 0
    async with open_log(url, read_only=True) as log:
        many = await log.partitions(PINGS)
        if partition >= many:
            raise Unusable(f"--partition is {partition}; allowed: 0 to {many - 1}")
        async for dumped in dump(log, partition, value_bytes=value_bytes):
            out.writelines(line + b"\n" for line in dumped.lines)
            left_out += dumped.left_out
    out.flush()
    if left_out:
        note(f"{left_out} records that are refused unread were left out. See: geofence rejected list")


async def create_topics(url: str, partitions: int | None) -> Sequence[str]:
    """Make the topics that are missing; their names."""
    async with open_log(url) as log:
        made = await log.create(topics(partitions or default_partitions(url)))
    note(f"made: {', '.join(made) or 'none, all are there'}")
    return made


async def check_topics(url: str, partitions: int | None, out: BinaryIO | None = None) -> None:
    """Say what is not as it should be, and write it as JSON to `out`. Raises Unusable if anything is."""
    async with open_log(url, read_only=True) as log:
        wrong = await log.check(topics(partitions or default_partitions(url)))
    for one in wrong:
        note(f"{one.topic}: {one.setting} is {one.found}; it should be {one.wanted}. {one.fix}")
        if out is not None:
            out.write(msgspec.json.encode(one) + b"\n")
    if wrong:
        raise Unusable(f"{len(wrong)} settings of topics are not as they should be")
    note("all topics are as they should be")
