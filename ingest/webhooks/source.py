"""The events of one webhook from a position on: from the log what was told before, then from the feed what comes.

Between `history` and `feed`, which all webhooks of the process share, and `sender`. Invariants: each wanted event from
the position on comes once, those of a device in order; whoever takes nothing for long holds no reading of the log.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from catalog.webhook import Filters
from ingest.gateway.bookmark import Marks
from ingest.gateway.feed import Joined
from ingest.gateway.history import Gap, History, together
from ingest.gateway.ring import TooSlow
from ingest.gateway.told import Told, Wanted

_IDLE_S = 5.0  # between two looks at how far events that nobody wants have come
_PIECE_BYTES = 65_536
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Some:
    """Events, where it goes on after them, and what was gone before them."""

    events: list[Told]
    marks: Marks
    gap: Gap | None = None


def wanted_of(filters: Filters) -> Wanted:
    """The filters of a webhook as those of a reader of events."""
    return Wanted(
        frozenset(filters.devices), frozenset(filters.layers), frozenset(filters.types), frozenset(filters.regions)
    )


class Source:
    """Reads on from a position."""

    def __init__(self, history: History, wanted: Wanted, marks: Marks, *, most: int) -> None:
        """At most so many events of what was told before are read at once."""
        self._history, self._feed, self._wanted, self._marks, self._most = history, history.feed, wanted, marks, most

    async def read(self) -> AsyncGenerator[Some, None]:
        """For ever. Raises LogError; may be begun again then."""
        if any(mark > here for mark, here in zip(self._marks, self._feed.marks, strict=True)):
            gap = self._history.gap(self._marks, await self._history.standing(), self._wanted)
            if gap:  # the topic was made anew
                yield self._passed(Some([], gap.marks, gap))
        while True:
            while not self._feed.holds(self._marks):
                some = await self._look_back()
                if some is not None:
                    yield self._passed(some)
            try:
                with self._feed.join(self._marks, self._wanted) as joined:
                    async with aclosing(self._follow(joined)) as coming:
                        async for some in coming:
                            yield self._passed(some)
            except TooSlow:  # what was to come next is read from the log
                continue

    def _passed(self, some: Some) -> Some:
        self._marks = some.marks
        return some

    async def _look_back(self) -> Some | None:
        """Some of what the feed does not keep any more."""
        if not await self._history.get_slot(_PATIENCE_S):
            return None
        try:
            standing = await self._history.standing()
            gap = self._history.gap(self._marks, standing, self._wanted)
            begin = gap.marks if gap else self._marks
            found, marks, late = await self._history.gather(standing, self._wanted, begin, self._most)
        finally:
            self._history.give_slot()
        return Some(found, marks, together([gap, *late] if gap else late))

    async def _follow(self, joined: Joined) -> AsyncGenerator[Some, None]:
        """What comes."""
        while True:
            found = joined.reader.take(_PIECE_BYTES)
            if found:
                yield Some(found, tuple(map(max, found[-1].marks, joined.begin)))
            elif joined.reader.at_end and (here := self._here(joined)) != self._marks:
                yield Some([], here)
            else:
                await joined.reader.wait(_IDLE_S)

    def _here(self, joined: Joined) -> Marks:
        """Where whoever has looked at all there is stands."""
        return tuple(map(max, self._feed.marks, joined.begin))
