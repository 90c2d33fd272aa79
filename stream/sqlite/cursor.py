"""A place in a partition that moves on: what `read`, a grip and a view read with.

Invariant: every committed record from the start on comes once, in order; `at` is past all that has come.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stream.port import Batch
from stream.sqlite import shelf
from stream.sqlite.readers import Readers
from stream.sqlite.rows import Columns
from stream.sqlite.tide import Tide


class Cursor:
    """One reader's place. For one task at a time."""

    def __init__(self, readers: Readers, tide: Tide, topic: str, partition: int, part: int, start: int) -> None:
        self.at = start
        self._readers, self._tide = readers, tide
        self._topic, self._partition, self._part = topic, partition, part
        self._rest: Columns | None = None

    @property
    def end(self) -> int:
        """Where the partition ends now."""
        return self._tide.ends[self._part]

    async def next(self, most: int) -> Batch | None:
        """What is there now, at most so many; None: nothing."""
        if self._rest is None:
            end = self.end
            if self.at >= end:
                return None
            self._rest = self._tide.fresh.get(self._part, self.at, most) or await self._readers.ask(
                partial(shelf.fetch, part=self._part, start=self.at, most=most)
            )
            if self._rest is None:
                self.at = end  # compaction left nothing up to here
                return None
        some, self._rest = self._rest, None
        if len(some) > most:
            some, self._rest = some.cut(0, most), some.cut(most, len(some))
        self.at = some.offsets[-1] + 1
        return Batch(self._topic, self._partition, some.offsets, some.times_ms, some.keys, some.values, some.headers)

    async def more(self, over: Callable[[], bool]) -> None:
        """Wait until there is something to read, or `over`; whoever changes what `over` says rings."""
        while self.at >= self.end and not over():
            await self._tide.turn(self._part)
