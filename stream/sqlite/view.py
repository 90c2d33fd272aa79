"""The newest value of each key of a topic, in memory.

Between a topic and whoever looks things up in it. One task follows each partition. Invariant: a value is never
replaced by an older one; after an error the view stands still, says so in `caught_up`, and goes on when the log
does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from stream.newest import Newest
from stream.port import LogError, OnChange, Unavailable
from stream.sqlite.cursor import Cursor

_MOST, _PAUSE_S = 8192, 0.5


class SqliteView(Newest):
    """Follows some cursors, one for each partition."""

    def __init__(
        self, cursors: Sequence[Cursor], look: Callable[[], Awaitable[None]], on_change: OnChange | None
    ) -> None:
        super().__init__(on_change)
        self._cursors, self._look = cursors, look
        self._moved = asyncio.Condition()
        self._error: LogError | None = None

    async def caught_up(self) -> None:
        """Wait until all that was committed before this call has arrived. Raises what keeps it from arriving."""
        await self._look()
        targets = [cursor.end for cursor in self._cursors]

        def arrived() -> bool:
            if self._error:
                raise self._error
            return all(cursor.at >= target for cursor, target in zip(self._cursors, targets, strict=True))

        async with self._moved:
            await self._moved.wait_for(arrived)

    async def follow(self, cursor: Cursor) -> None:
        """Take in one partition, for ever."""
        while True:
            try:
                await self._take_in(cursor)
                self._error = None
            except LogError as error:
                await self._say(error)
                if not isinstance(error, Unavailable):
                    return
                await asyncio.sleep(_PAUSE_S)

    async def _take_in(self, cursor: Cursor) -> None:
        while (batch := await cursor.next(_MOST)) is not None:
            for key, value in zip(batch.keys, batch.values, strict=True):
                self._put(key, value)
        await self._say(None)
        await cursor.more(lambda: False)

    async def _say(self, error: LogError | None) -> None:
        async with self._moved:
            self._error = error
            self._moved.notify_all()


@asynccontextmanager
async def keeping(
    cursors: Sequence[Cursor], look: Callable[[], Awaitable[None]], on_change: OnChange | None = None
) -> AsyncIterator[SqliteView]:
    """A view for as long as this is entered; caught up once it is."""
    view = SqliteView(cursors, look, on_change)
    tasks = [asyncio.create_task(view.follow(cursor)) for cursor in cursors]
    try:
        await view.caught_up()
        yield view
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
