"""Where partitions end, and who waits for more.

Between the writer's thread (or, in a process that only reads, a watch on the file) and readers in the event loop.
Waiting takes no processor time. Invariant: who saw an end and then waits misses nothing that came after it.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Iterable, Mapping, Sequence

from stream.port import Unavailable
from stream.sqlite.fresh import Fresh, Row


class Tide:
    """The ends that readers may see. All but `ends` belongs to one event loop."""

    def __init__(self, ends: Mapping[int, int]) -> None:
        self.fresh = Fresh()
        self.ends = dict(ends)  # by the partition's id; replaced value by value, so any thread may look
        self._waiting: dict[int, set[Future[None]]] = {}
        self._closed = False

    @property
    def awaited(self) -> bool:
        """Whether anyone waits."""
        return bool(self._waiting)

    async def look(self) -> None:
        """See to it that `ends` holds all that was committed before this call."""

    def close(self) -> None:
        """Nothing will come any more: whoever waits, or will, gets Unavailable."""
        self._closed = True
        self.ring()

    def grow(self, new: Mapping[int, Sequence[Row]]) -> None:
        """Partitions have these rows more."""
        for part, rows in new.items():
            self.fresh.put(part, rows)
        self.rise({part: rows[-1].records.offsets[-1] + 1 for part, rows in new.items()})

    def rise(self, ends: Mapping[int, int]) -> None:
        """Partitions have grown: wake who waits for them."""
        self.ends.update(ends)
        self.ring(ends)

    def ring(self, parts: Iterable[int] | None = None) -> None:
        """Wake who waits for these partitions, or for any, to look whether something has changed for them."""
        for part in list(self._waiting) if parts is None else parts:
            for waiter in self._waiting.pop(part, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def turn(self, part: int) -> None:
        """Wait for the next ring. What it is about has to be looked at before, without an await in between."""
        if self._closed:
            raise Unavailable("the log has been closed")
        self.fresh.follow(part)
        waiter = get_running_loop().create_future()
        self._waiting.setdefault(part, set()).add(waiter)
        try:
            await waiter
        finally:
            waiting = self._waiting.get(part)
            if waiting is not None:
                waiting.discard(waiter)
                if not waiting:
                    del self._waiting[part]
