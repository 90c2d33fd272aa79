"""What a ping and what it causes weigh on disk, on either engine: bytes a record in each topic, before compaction.

The people of `bench.feed`, appended as a gateway does that has batches of 100 from 32 senders, then all of it taken by
a worker; and some pings that come one by one. `docs/capacity.md` is made of these figures. Invariant: what is told is
what lies on the disk, headers, marks of transactions and compression included.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.client import measure
from bench.feed import Feed, feed
from bench.figures import Figure
from ingest.topics import CHANGES, PINGS, PRESENCE, TRACKS, topics
from service.logs import open_log
from stream.port import Log, Record, Topic
from tests.broker import running

PARTITIONS, PEOPLE, AT_ONCE, MANY = 4, 6_000, 32, 100
ALONE, ALONE_MANY = "pings-alone", 2_000
TOPICS = (PINGS, TRACKS, PRESENCE, CHANGES, ALONE)


def figures() -> Iterator[Figure]:
    """On both engines."""
    traffic = feed(PARTITIONS, PEOPLE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        counts = asyncio.run(_run(f"sqlite:{path}", traffic))
        yield from _told("embedded", counts, _sizes_of_file(path))
    with running() as cluster:
        counts = asyncio.run(_run(f"kafka://{cluster.bootstrap}", traffic))
        yield from _told("Kafka", counts, _sizes_of_folder(cluster.brokers[0].folder / "data"))


def _told(engine: str, counts: dict[str, int], sizes: dict[str, int]) -> Iterator[Figure]:
    pings = counts[PINGS]
    for topic in TOPICS:
        case = f"{topic} on {engine}, {counts[topic] / pings:.3f} records a ping"
        yield Figure("sizes", case, sizes[topic] / counts[topic], "bytes a record")


async def _run(url: str, traffic: Feed) -> dict[str, int]:
    """Append all of it, and have a worker take it; how many records there are in each topic then."""
    async with open_log(url) as log:
        await log.create([*topics(PARTITIONS), Topic(ALONE, PARTITIONS)])
        records = [one for part in (*traffic.warm, *traffic.records) for one in part]
        records.sort(key=lambda one: one.time_ms or 0)
        await _append(log, records)
        for one in records[:ALONE_MANY]:
            await log.append(ALONE, [one])
    await asyncio.to_thread(measure, "worker", url, 1, len(records))
    async with open_log(url) as log:
        return {topic: await _count(log, topic) for topic in TOPICS}


async def _append(log: Log, records: Sequence[Record]) -> None:
    bound = asyncio.Semaphore(AT_ONCE)

    async def send(some: Sequence[Record]) -> None:
        async with bound:
            await log.append(PINGS, some)

    async with asyncio.TaskGroup() as group:
        for start in range(0, len(records), MANY):
            group.create_task(send(records[start : start + MANY]))


async def _count(log: Log, topic: str) -> int:
    return sum([len(batch.keys) for part in range(PARTITIONS) async for batch in log.read(topic, part, to_end=True)])


def _sizes_of_file(path: Path) -> dict[str, int]:
    asked = "SELECT topic.name, sum(part.bytes) FROM part JOIN topic ON topic.id = part.topic GROUP BY 1"
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute(asked).fetchall())


def _sizes_of_folder(folder: Path) -> dict[str, int]:
    def size(topic: str) -> int:
        parts = [folder / f"{topic}-{part}" for part in range(PARTITIONS)]
        return sum(file.stat().st_size for part in parts for file in part.glob("*.log"))

    return {topic: size(topic) for topic in TOPICS}
