"""The streams that are open: never too many, and all ended in order when the gateway stops.

Invariant: what is counted is given back when the stream ends, however it ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

from web.problem import come_again


class Streams:
    """Counts them, and ends them."""

    def __init__(self, most: int) -> None:
        self.open = self.opened = 0
        self.cut: Counter[str] = Counter()  # those that were ended or not begun from here, by reason
        self._most = most
        self._writing: set[asyncio.Task[None]] = set()

    def add(self, writing: asyncio.Task[None]) -> None:
        """Whoever writes a stream; cancelled when the gateway stops."""
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    def end(self) -> None:
        """The gateway stops: readers are told to come again."""
        self.cut["stopping"] += len(self._writing)
        for writing in self._writing:
            writing.cancel()

    def counted(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The same pieces, counted while they come. Raises Problem where there are too many streams."""
        if self.open >= self._most:
            self.cut["too_many"] += 1
            raise come_again("Too many streams are open here. Use another gateway, or pages.", after_s=10)
        return self._counted(pieces)

    async def _counted(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        self.open += 1
        self.opened += 1
        try:
            async with aclosing(pieces) as some:
                async for piece in some:
                    yield piece
        finally:
            self.open -= 1
