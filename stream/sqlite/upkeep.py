"""Rounds of retention, and rounds of compaction, beside the work.

Plans in the readers' threads, deletes in the writer's, in transactions small enough that appends hardly wait. A round
of compaction may take long where the machine is busy, so retention does not wait for it. Invariant: after a round that
deleted, nothing of what it deleted is left in the file or in the -wal beside it; where a reader kept it from being so,
the next round makes it so.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from stream.port import Cleanup, LogError
from stream.sqlite import compaction, retention, shelf
from stream.sqlite.compaction import Bucket
from stream.sqlite.readers import Readers
from stream.sqlite.settings import Settings
from stream.sqlite.shelf import Shelf
from stream.sqlite.tide import Tide
from stream.sqlite.writer import Writer

_log = logging.getLogger(__name__)
_POLITE_S = 0.05


class Upkeep:
    """What has to be done now and then."""

    def __init__(
        self, path: Path, readers: Readers, tide: Tide, writer: Writer, settings: Settings, now: Callable[[], int]
    ) -> None:
        self._path, self._readers, self._tide, self._writer = path, readers, tide, writer
        self._settings, self._now = settings, now
        self._changes, self._folded = 1, 0  # what a process before this one has deleted may still be in its -wal
        self._expiring, self._compacting = asyncio.Lock(), asyncio.Lock()

    async def run(self) -> None:
        """A round of each every `upkeep_s`, for ever. Trouble is logged; the next round tries again."""
        await asyncio.gather(self._again(self.expire), self._again(self.compact))

    async def _again(self, its: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self._settings.upkeep_s)
            try:
                await its()
            except (LogError, OSError) as error:
                _log.warning("retention and compaction have to wait: %s", error, extra={"action": "upkeep"})
            except Exception:  # nobody awaits this task: what kills it would never be heard of
                _log.exception("retention and compaction failed", extra={"action": "upkeep"})

    async def round(self) -> None:
        """Retention and compaction of all that is due. Raises Unavailable and Unusable."""
        await self.expire()
        await self.compact()

    async def expire(self) -> None:
        """Retention of all that is due. Raises Unavailable and Unusable."""
        async with self._expiring:
            for there, part in await self._parts(Cleanup.DELETE):
                await self._expire(there, part)
            await self._fold()

    async def compact(self) -> None:
        """Compaction of all that is due. Raises Unavailable and Unusable."""
        async with self._compacting:
            for there, part in await self._parts(Cleanup.COMPACT):
                await self._compact(there, part)
            await self._fold()

    async def _parts(self, cleanup: Cleanup) -> list[tuple[Shelf, int]]:
        shelves = await self._readers.ask(shelf.shelves)
        return [(there, part) for there in shelves.values() if there.topic.cleanup is cleanup for part in there.parts]

    async def _fold(self) -> None:
        changes = self._changes
        if changes != self._folded and await self._writer.fold():
            self._folded = changes

    async def _expire(self, there: Shelf, part: int) -> None:
        unread_too = self._settings.drop_unread and await self._readers.ask(self._nearly_full)
        plan = partial(retention.slices, there=there, part=part, now_ms=self._now(), unread_too=unread_too)
        for heads in await self._readers.ask(plan):
            await self._change(part, partial(retention.remove, part=part, heads=heads))

    async def _compact(self, there: Shelf, part: int) -> None:
        now_ms, within_ms = self._now(), there.topic.compact_within_ms
        tombstone_ms = self._settings.tombstone_ms if within_ms is None else within_ms
        end = await self._readers.ask(
            partial(compaction.due, part=part, topic=there.topic, now_ms=now_ms, tombstone_ms=tombstone_ms)
        )
        if end is None:
            return
        newest = await self._newest(part, end)
        tombs: list[int] = []
        bucket, start = Bucket(), 0
        while some := await self._readers.ask(partial(compaction.rows, part=part, start=start, end=end)):
            start = compaction.after(some)
            for row in some:
                kept = compaction.stays(row, newest, now_ms - tombstone_ms)
                tombs += (time for time, value in zip(kept.times_ms, kept.values, strict=True) if value is None)
                if not bucket.has_room(row, kept):
                    await self._empty(bucket, part)
                    bucket = Bucket()
                bucket.add(row, kept)
                await asyncio.sleep(0)
        await self._empty(bucket, part)
        tomb_ms = min(tombs, default=None)
        await self._writer.write((), partial(compaction.mark, part=part, end=end, tomb_ms=tomb_ms))

    async def _newest(self, part: int, end: int) -> dict[bytes, int]:
        """The newest offset of each key."""
        newest: dict[bytes, int] = {}
        start = 0
        while some := await self._readers.ask(partial(compaction.rows, part=part, start=start, end=end)):
            start = compaction.after(some)
            for row in some:
                newest.update(zip(row.records.keys, row.records.offsets, strict=True))
                await asyncio.sleep(0)
        return newest

    async def _empty(self, bucket: Bucket, part: int) -> None:
        if bucket.changes:
            await self._change(part, partial(bucket.write, part=part))

    async def _change(self, part: int, act: Callable[[Connection], None]) -> None:
        began = time.monotonic()
        try:
            await self._writer.write((), act)
        finally:
            self._changes += 1
        self._tide.fresh.forget(part)
        # At most half of the disk's time: appends go first. No more than that: what is slow may be the processor.
        await asyncio.sleep(min(time.monotonic() - began, _POLITE_S))

    def _nearly_full(self, connection: Connection) -> bool:
        reusable = connection.execute("SELECT * FROM pragma_freelist_count").fetchone()[0]
        page = connection.execute("SELECT * FROM pragma_page_size").fetchone()[0]
        free: int = shutil.disk_usage(self._path.parent).free + reusable * page
        return free < self._settings.spare_bytes
