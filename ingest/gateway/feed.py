"""Region changes as they come: one reading of each partition for all readers, and the last minute of them.

Between the log and the streams. A reader who stands within what is kept joins without reading the log. Invariants: all
events from `kept` on are in the ring; a reader who has joined gets each event from its marks on once, those of a device
in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from ingest.gateway.bookmark import Marks, bookmark_of
from ingest.gateway.ring import Reader, Ring
from ingest.gateway.told import NewerEvent, Told, Wanted, told_of
from ingest.topics import CHANGES
from stream.port import Log, LogError, Unavailable

GROUP = "geofence-gateway"  # under which the log is asked where its partitions begin and end
_log = logging.getLogger("geofence.gateway")
_PAUSE_S, _LONG_PAUSE_S = 0.5, 30.0
_AT_ONCE = 512  # events put before the readers have their turn: far less than the ring holds


class Feed:
    """Follows `region-changes`; opened by `feeding`."""

    def __init__(self, log: Log, begin: Sequence[int], most_bytes: int) -> None:
        self._log = log
        self.marks, self.kept = list(begin), list(begin)
        self.ring: Ring[Told] = Ring(most_bytes, self._forget)

    def _forget(self, told: Told) -> None:
        self.kept[told.partition] = told.offset + 1

    async def load(self, ends: Sequence[int]) -> None:
        """Read up to where the partitions ended."""

        async def one(partition: int) -> None:
            try:
                async for batch in self._log.read(CHANGES, partition, start=self.marks[partition], to_end=True):
                    self._take(told_of(batch, self.marks))
            except NewerEvent:  # `follow` comes to it again, and says so
                return
            self.marks[partition] = max(self.marks[partition], ends[partition])

        await asyncio.gather(*(one(partition) for partition in range(len(ends))))

    async def follow(self, partition: int) -> None:
        """Take one partition in, for ever; while the log is away, wait for it."""
        while True:
            try:
                async for batch in self._log.read(CHANGES, partition, start=self.marks[partition], most=_AT_ONCE):
                    self._take(told_of(batch, self.marks))
                    await asyncio.sleep(0)
            except LogError as error:
                _log.warning("%s %s can't be followed: %s", CHANGES, partition, error, extra={"action": "feed_stands"})
                await asyncio.sleep(_PAUSE_S if isinstance(error, Unavailable) else _LONG_PAUSE_S)
            except Exception:  # the marks are past the record already: better one less than none from here on
                _log.exception("a record of %s %s was not taken", CHANGES, partition, extra={"action": "feed_fault"})

    def _take(self, events: Iterator[Told]) -> None:
        for told in events:
            self.ring.put(told)

    def holds(self, marks: Sequence[int]) -> bool:
        """Whether all from these marks on is kept here, or still to come."""
        return all(mark >= kept for mark, kept in zip(marks, self.kept, strict=True))

    @contextmanager
    def join(self, marks: Marks, wanted: Wanted) -> Iterator[Joined]:
        """Read on from marks that it `holds`."""
        new = all(mark >= here for mark, here in zip(marks, self.marks, strict=True))
        at = self.ring.next if new else self.ring.first
        joined = Joined(self, marks)

        def wants(told: Told) -> bool:
            return told.offset >= joined.begin[told.partition] and wanted(told)

        with self.ring.reader(wants, at=at, device=wanted.device) as joined.reader:
            yield joined


class Joined:
    """A reader of the feed, and where it stands."""

    reader: Reader[Told]

    def __init__(self, feed: Feed, marks: Marks) -> None:
        self.begin = marks
        self._feed, self._ahead = feed, True
        self._text: tuple[Marks, str] = ((), "")

    def bookmark(self, told: Told) -> str:
        """The id of an event: where this reader stands once it has got it."""
        if self._ahead:  # of the feed, in a partition where it has come from further on
            merged = tuple(map(max, told.marks, self.begin))
            if merged != told.marks:
                return bookmark_of(merged)
            self._ahead = False
        return told.bookmark

    def here(self) -> str:
        """Where it stands once it has looked at all there is."""
        marks = tuple(map(max, self._feed.marks, self.begin))
        if marks != self._text[0]:
            self._text = (marks, bookmark_of(marks))
        return self._text[1]


@asynccontextmanager
async def feeding(log: Log, *, most_bytes: int, since_ms: int) -> AsyncIterator[Feed]:
    """A feed that has what was told since then, as far as it has room."""
    standing = await log.standing(CHANGES, group=GROUP)
    numbers = range(len(standing))
    begin = await asyncio.gather(*(log.offset_at(CHANGES, number, time_ms=since_ms) for number in numbers))
    feed = Feed(log, begin, most_bytes)
    await feed.load([standing[number].end for number in numbers])
    tasks = [asyncio.create_task(feed.follow(number)) for number in numbers]
    try:
        yield feed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
