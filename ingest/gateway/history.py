"""Region changes that were told before: from a position in the log to its end, read for one reader.

Where `feed` does not reach, and for pages. Invariants: each event from the marks on comes once, those of a device in
order; if retention has taken some, that is told before the first; only so many readings of the log run at once; an
event that only a newer program can read holds its own partition, and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from geofence.instant import ms_of
from ingest.gateway.bookmark import Marks, bookmark_of, marks_of
from ingest.gateway.feed import GROUP, Feed
from ingest.gateway.forms import GapTold, Lost
from ingest.gateway.told import NewerEvent, Told, Wanted, told_of
from ingest.topics import CHANGES
from stream.partitioner import partition_of
from stream.port import Batch, Log, Standing
from web.problem import Problem

_MOST, _LEAST = 1024, 64  # records of one look
_LOOKED_AT = 50_000  # records that are looked at for a page, at most


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that are gone: by partition, from which offset to which."""

    lost: Mapping[int, tuple[int, int]]
    marks: Marks

    def told(self) -> GapTold:
        """As readers get it."""
        return GapTold([Lost(number, *both) for number, both in self.lost.items()], bookmark_of(self.marks))


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of what was told, and where the reader stands after it; before it the `gap`, if something is gone."""

    events: list[Told]
    marks: Marks
    gap: Gap | None = None


def together(gaps: Sequence[Gap]) -> Gap | None:
    """Several gaps of one reading as one."""
    lost = dict[int, tuple[int, int]]()
    for gap in gaps:
        for number, (begin, end) in gap.lost.items():
            lost[number] = (lost.get(number, (begin, end))[0], end)
    return Gap(lost, gaps[-1].marks) if gaps else None


class History:
    """Reads back."""

    def __init__(self, log: Log, feed: Feed, readings: int) -> None:
        """At most so many `readings` at once."""
        self.feed, self._log = feed, log
        self._slots = asyncio.Semaphore(readings)

    async def begin(self, after: str | None, since: str, *, name: str, now_ms: int) -> Marks:
        """Where to begin: after a position, or since `now`, the `beginning` or a time. Raises Problem."""
        count = len(self.feed.marks)
        if after:
            return marks_of(after, count, name=name)
        if since in ("now", "beginning"):
            standing = await self.standing()
            return tuple(standing[n].end if since == "now" else standing[n].begin for n in range(count))
        time_ms = _time_ms(since, now_ms)
        found = (self._log.offset_at(CHANGES, number, time_ms=time_ms) for number in range(count))
        return tuple(await asyncio.gather(*found))

    async def standing(self) -> Mapping[int, Standing]:
        """Where the partitions begin and end."""
        return await self._log.standing(CHANGES, group=GROUP)

    def gap(self, marks: Marks, standing: Mapping[int, Standing], wanted: Wanted) -> Gap | None:
        """What is gone from these marks on, in the partitions that matter, and where it goes on."""
        lost, on = {}, list(marks)
        for number in self._partitions(wanted):
            one = standing[number]
            if marks[number] < one.begin or marks[number] > max(one.end, self.feed.marks[number]):
                lost[number] = (marks[number], one.begin)
                on[number] = one.begin
        return Gap(lost, tuple(on)) if lost else None

    async def get_slot(self, most_s: float) -> bool:
        """One of the readings that may run at once; False if none is free for so long."""
        try:
            async with asyncio.timeout(most_s):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    def give_slot(self) -> None:
        """Give it back."""
        self._slots.release()

    async def read(
        self, marks: Marks, standing: Mapping[int, Standing], wanted: Wanted, *, at_once: int = _MOST
    ) -> AsyncGenerator[Piece, None]:
        """All that is wanted from the marks to the ends, in pieces. Raises NewerEvent after all else was read.

        Partitions with more to read come first.
        """
        now, newer = list(marks), list[NewerEvent]()
        mine = self._partitions(wanted)
        for number in sorted(standing, key=lambda one: marks[one] - standing[one].end):
            end = standing[number].end
            if number not in mine:
                now[number] = max(now[number], end)
            elif now[number] < end:
                stands = len(newer)
                batches = self._log.read(CHANGES, number, start=now[number], to_end=True, most=at_once)
                async with aclosing(batches) as some:  # type: ignore[type-var]
                    async for batch in some:
                        gap = await self._passed_over(now, batch)
                        yield Piece(_wanted_of(batch, now, wanted, newer), tuple(now), gap)
                        if len(newer) > stands:
                            break
                if len(newer) == stands:
                    now[number] = max(now[number], end)
        yield Piece([], tuple(now))
        if newer:
            raise newer[0]

    async def gather(
        self, standing: Mapping[int, Standing], wanted: Wanted, begin: Marks, limit: int
    ) -> tuple[list[Told], Marks, list[Gap]]:
        """So many events or fewer, where they end, and what was gone in between; looks at 50,000 records at most.

        Raises NewerEvent where nothing else is left to read.
        """
        found, late, first = list[Told](), list[Gap](), begin
        at_once = min(_MOST, max(_LEAST, limit))
        try:
            async with aclosing(self.read(begin, standing, wanted, at_once=at_once)) as pieces:
                async for piece in pieces:
                    if piece.gap and found:  # what is gone is told before what comes after it
                        break
                    late += [piece.gap] if piece.gap else []
                    found += piece.events
                    if len(found) > limit:
                        return found[:limit], found[limit - 1].marks, late
                    begin = piece.marks
                    if len(found) == limit or sum(begin) - sum(first) > _LOOKED_AT:
                        break
        except NewerEvent:
            if begin == first:
                raise
        return found, begin, late

    async def _passed_over(self, now: list[int], batch: Batch) -> Gap | None:
        """What retention took while it was about to be read. Offsets alone do not tell: they may have gaps."""
        number = batch.partition
        if batch.offsets[0] == now[number]:
            return None
        begin = (await self.standing())[number].begin
        if begin <= now[number]:
            return None
        lost, now[number] = {number: (now[number], batch.offsets[0])}, batch.offsets[0]
        return Gap(lost, tuple(now))

    def _partitions(self, wanted: Wanted) -> set[int]:
        """Those that can hold what is wanted."""
        count = len(self.feed.marks)
        if wanted.devices:
            return {partition_of(device.encode("utf-8", "surrogatepass"), count) for device in wanted.devices}
        return set(range(count))


def _wanted_of(batch: Batch, now: list[int], wanted: Wanted, newer: list[NewerEvent]) -> list[Told]:
    """What is wanted of a batch, up to an event that is `newer` than this program."""
    found = list[Told]()
    try:
        found.extend(told for told in told_of(batch, now) if wanted(told))
    except NewerEvent as error:
        newer.append(error)
    return found


def _time_ms(since: str, now_ms: int) -> int:
    try:
        time_ms = ms_of(since)
    except ValueError:
        time_ms = -1
    if not 0 <= time_ms <= now_ms:
        allowed = "allowed: now, beginning, or a time that has passed, such as 2026-01-31T08:15:00.250Z"
        raise Problem(400, "No such time", f"from is {since[:60]!r}; {allowed}.")
    return time_ms
