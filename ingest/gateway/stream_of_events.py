"""One reader's stream of region changes: what was told before, then what comes, without a gap or a repeat between.

Between `events` and the history and feed. Invariants: every piece that has events says with the last id where to
resume; a reader whose right has ended gets nothing more within seconds; a stream that ends says why; whoever reads
slowly holds no reading of the log.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from time import monotonic

import msgspec

from ingest.gateway.bookmark import Marks, bookmark_of
from ingest.gateway.feed import Joined
from ingest.gateway.history import Gap, History
from ingest.gateway.ring import TooSlow
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.sse import PIECE_BYTES, cut, frame, heartbeat, opening
from ingest.gateway.streams import Streams
from ingest.gateway.told import Told, Wanted
from stream.port import LogError
from web.problem import Problem

LOOK_AGAIN_S = 2.0  # for so long a right that was found is trusted
SLOW = "too_slow"
_PART = 256  # events of what was told before that are in memory for one reader
_SLOW_SAYS = "What was to come next has been dropped here. Connect again with Last-Event-ID: nothing is lost."

Right = Callable[[], Awaitable[object]]  # raises Problem once it has ended


class Ended(Exception):
    """The reader's right has ended."""


class StillAllowed:
    """Whether a stream may go on, asked every few seconds."""

    def __init__(self, right: Right) -> None:
        self._right, self._asked = right, monotonic()

    async def check(self) -> None:
        """Raises Ended."""
        if monotonic() - self._asked > LOOK_AGAIN_S:
            try:
                await self._right()
            except Problem as problem:
                if problem.status in (401, 403):
                    raise Ended(problem.detail) from None
            self._asked = monotonic()


class EventsOfOne:
    """The stream of one reader."""

    def __init__(
        self, history: History, settings: GatewaySettings, wanted: Wanted, right: Right, streams: Streams
    ) -> None:
        self._feed, self._history, self._wanted, self._streams = history.feed, history, wanted, streams
        self._allowed, self._beat_s = StillAllowed(right), settings.heartbeat_s

    async def pieces(self, marks: Marks, gap: Gap | None) -> AsyncGenerator[bytes, None]:
        """All of it, as bytes to write, from marks that are still there on."""
        yield opening("" if gap else bookmark_of(marks))
        if gap:
            yield _told_gap(gap)
        self._marks = marks
        try:
            while not self._feed.holds(self._marks):
                async with aclosing(self._catch_up()) as pieces:
                    async for piece in pieces:
                        yield piece
            with self._feed.join(self._marks, self._wanted) as joined:
                async with aclosing(self._live(joined)) as pieces:
                    async for piece in pieces:
                        yield piece
        except TooSlow:
            yield cut(self._streams, SLOW, _SLOW_SAYS)
        except Ended as ended:
            yield cut(self._streams, "not_allowed", str(ended))
        except LogError:
            yield cut(self._streams, "log_away", "The log does not answer. Connect again with Last-Event-ID.")

    async def _catch_up(self) -> AsyncGenerator[bytes, None]:
        """Some of what the feed does not keep any more; where others read, too, wait for them."""
        while not await self._history.get_slot(self._beat_s):
            await self._allowed.check()
            yield heartbeat()
        try:
            standing = await self._history.standing()
            gap = self._history.gap(self._marks, standing, self._wanted)
            begin = gap.marks if gap else self._marks
            found, marks, late = await self._history.gather(standing, self._wanted, begin, _PART)
        finally:
            self._history.give_slot()
        await self._allowed.check()
        for one in ([gap] if gap else []) + late:
            yield _told_gap(one)
        for some in _frames(found):
            yield some
        self._marks = marks
        if not found:
            yield heartbeat(bookmark_of(marks))

    async def _live(self, joined: Joined) -> AsyncGenerator[bytes, None]:
        """What comes."""
        while True:
            found = joined.reader.take(PIECE_BYTES)
            if found:
                await self._allowed.check()
                yield b"".join([frame(one.data, bookmark=joined.bookmark(one)) for one in found])
            elif not await joined.reader.wait(self._beat_s):
                here = joined.here()  # before others run: what comes meanwhile is not told yet
                await self._allowed.check()
                yield heartbeat(here)


def _frames(events: Sequence[Told]) -> Iterator[bytes]:
    """Events of history as bytes, not too many at once."""
    some, size = list[bytes](), 0
    for one in events:
        some.append(frame(one.data, bookmark=one.bookmark))
        size += len(some[-1])
        if size > PIECE_BYTES:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)


def _told_gap(gap: Gap) -> bytes:
    return frame(msgspec.json.encode(gap.told()), bookmark=bookmark_of(gap.marks), kind="gap")
