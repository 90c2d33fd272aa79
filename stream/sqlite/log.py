"""The embedded log: the port on one SQLite file.

The composition of this package. `append`, `claims` and `create` need the owning process; everything else works in
any. A log belongs to the event loop it was opened in. Invariants: as in `stream.port`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from stream.partitioner import partition_of
from stream.port import BEGINNING, Batch, Cleanup, OnChange, Record, Standing, Topic, Unusable, Wrong
from stream.sqlite import shelf
from stream.sqlite.checking import faults_of
from stream.sqlite.claim import Seat, SqliteClaim
from stream.sqlite.cursor import Cursor
from stream.sqlite.group import Group
from stream.sqlite.readers import Readers
from stream.sqlite.retention import Overdue
from stream.sqlite.settings import Settings
from stream.sqlite.shelf import Shelf
from stream.sqlite.tide import Tide
from stream.sqlite.upkeep import Upkeep
from stream.sqlite.view import SqliteView, keeping
from stream.sqlite.writer import Writer

_partition_of = lru_cache(1 << 16)(partition_of)  # hashing costs more than all else done with a record


def clock_ms() -> int:
    """Now."""
    return time.time_ns() // 1_000_000


class SqliteLog:
    """A log that is open; made by `opening`."""

    def __init__(
        self,
        path: Path,
        readers: Readers,
        tide: Tide,
        settings: Settings,
        now: Callable[[], int],
        owned: tuple[Writer, Upkeep] | None,
    ) -> None:
        self._path, self._readers, self._tide, self._settings, self._now = path, readers, tide, settings, now
        self._writer: Writer | None
        self._upkeep: Upkeep | None
        self._writer, self._upkeep = owned or (None, None)
        self._shelves: dict[str, Shelf] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._seats: dict[tuple[str, int], Seat] = {}

    @property
    def waiting_bytes(self) -> int:
        """What waits to be written."""
        return self._writer.waiting_bytes if self._writer else 0

    async def append(self, topic: str, records: Sequence[Record], *, partition: int | None = None) -> None:
        """Append; returns when all are on disk."""
        writer, to = self._owned(), await self._shelf(topic)
        puts: list[tuple[int, Sequence[Record]]]
        if partition is not None:
            puts = [(to.part(partition), records)]
        else:
            split: defaultdict[int, list[Record]] = defaultdict(list)
            for record in records:
                split[_partition_of(record.key, len(to.parts))].append(record)
            puts = [(to.parts[number], some) for number, some in split.items()]
        if records:
            await writer.write(puts)

    async def read(
        self, topic: str, partition: int, *, start: int = BEGINNING, to_end: bool = False, most: int = 8192
    ) -> AsyncIterator[Batch]:
        """Committed records from `start` on."""
        cursor = await self._cursor_of(topic, partition, start)
        end = cursor.end
        while not to_end or cursor.at < end:
            batch = await cursor.next(most)
            if batch is None:
                if not to_end:
                    await cursor.more(lambda: False)
                continue
            if to_end and batch.end > end:
                batch = _until(batch, end)
                if batch is None:
                    return
            yield batch

    def view(self, topic: str, *, on_change: OnChange | None = None) -> AbstractAsyncContextManager[SqliteView]:
        """Keep a compacted topic's newest values in memory."""
        return self._view(topic, on_change)

    @asynccontextmanager
    async def _view(self, topic: str, on_change: OnChange | None) -> AsyncIterator[SqliteView]:
        count = await self.partitions(topic)
        cursors = [await self._cursor_of(topic, partition, BEGINNING) for partition in range(count)]
        async with keeping(cursors, self._tide.look, on_change) as view:
            yield view

    @asynccontextmanager
    async def claims(self, topic: str, *, group: str) -> AsyncIterator[AsyncIterator[SqliteClaim]]:
        """Join a group that shares out the topic's partitions."""
        self._owned()
        shelves = await self._shelf(topic)
        make = partial(self._claim, shelves, group)
        key = (topic, group)
        members = self._groups.setdefault(key, Group(len(shelves.parts), make, self._settings.patience_s))
        member = members.join()
        try:
            yield member.claims()
        finally:
            members.leave(member)
            if members.empty:
                self._groups.pop(key, None)

    async def partitions(self, topic: str) -> int:
        """How many the topic has."""
        return len((await self._shelf(topic)).parts)

    async def keeps_ms(self, topic: str) -> int | None:
        """For how long the topic keeps a record."""
        there = (await self._shelf(topic)).topic
        return there.keep_ms if there.cleanup is Cleanup.DELETE else None

    async def offset_at(self, topic: str, partition: int, *, time_ms: int) -> int:
        """The first offset whose record was received then or later."""
        part = (await self._shelf(topic)).part(partition)
        return await self._readers.ask(partial(shelf.offset_at, part=part, time_ms=time_ms))

    async def standing(self, topic: str, *, group: str) -> Mapping[int, Standing]:
        """How far a group has come, by partition; the ends are those that readers see, which come after the file's."""
        parts = (await self._shelf(topic)).parts
        found = await self._readers.ask(partial(shelf.standing, parts=parts, group=group))
        await self._tide.look()
        return {partition: replace(one, end=self._tide.ends[parts[partition]]) for partition, one in found.items()}

    async def create(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Make those that are missing."""
        for topic in topics:
            if topic.partitions < 1:
                raise Unusable(f"topic {topic.name}: {topic.partitions} partitions; it needs 1 or more")
        made: list[str] = await self._owned().write((), partial(shelf.make, topics=topics))
        self._shelves = await self._readers.ask(shelf.shelves)
        for name in self._shelves:
            for part in self._shelves[name].parts:
                self._tide.ends.setdefault(part, 0)
        return made

    async def check(self, topics: Sequence[Topic]) -> Sequence[Wrong]:
        """What is not as it must be."""
        there = await self._readers.ask(shelf.shelves)
        return [wrong for topic in topics for wrong in faults_of(topic, there.get(topic.name), self._path)]

    async def upkeep(self) -> None:
        """One round of retention and compaction now, instead of when its time comes."""
        self._owned()
        if self._upkeep:
            await self._upkeep.round()

    async def overdue(self) -> Sequence[Overdue]:
        """What is past its time and kept only because a group has not committed it: what `drop_unread` would lose."""
        return await self._readers.ask(partial(Overdue.all, now_ms=self._now()))

    def _claim(self, shelves: Shelf, group: str, partition: int) -> SqliteClaim:
        part = shelves.parts[partition]
        topic = shelves.topic.name
        if (group, part) not in self._seats:
            cursor = partial(Cursor, self._readers, self._tide, topic, partition, part)
            self._seats[group, part] = Seat(
                group, topic, partition, part, self._owned(), self._tide, cursor, self._part_known
            )
        return SqliteClaim(self._seats[group, part])

    def _part_known(self, topic: str, partition: int) -> int:
        if topic not in self._shelves:
            raise self._no_topic(topic)
        return self._shelves[topic].part(partition)

    async def _cursor_of(self, topic: str, partition: int, start: int) -> Cursor:
        part = (await self._shelf(topic)).part(partition)
        await self._tide.look()
        return Cursor(self._readers, self._tide, topic, partition, part, max(start, BEGINNING))

    async def _shelf(self, topic: str) -> Shelf:
        if topic not in self._shelves:
            self._shelves = await self._readers.ask(shelf.shelves)
            if topic not in self._shelves:
                raise self._no_topic(topic)
        return self._shelves[topic]

    def _no_topic(self, topic: str) -> Unusable:
        there = ", ".join(sorted(self._shelves)) or "none"
        return Unusable(f"{self._path}: no topic {topic}. There are: {there}. Create it first")

    def _owned(self) -> Writer:
        if self._writer is None:
            raise Unusable(f"{self._path}: opened for reading only. Only the process that owns the log can write")
        return self._writer


def _until(batch: Batch, end: int) -> Batch | None:
    """What of a batch lies before `end`."""
    keep = sum(1 for offset in batch.offsets if offset < end)
    if not keep:
        return None
    columns = (batch.offsets, batch.times_ms, batch.keys, batch.values, batch.headers)
    offsets, times_ms, keys, values, headers = (column[:keep] for column in columns)
    return Batch(batch.topic, batch.partition, offsets, times_ms, keys, values, headers)  # type: ignore[arg-type]
