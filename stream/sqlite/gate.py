"""How much may wait to be written: whoever brings more waits here, first come, first served.

Belongs to one event loop. Invariant: what is inside never exceeds `room`, but for one job larger than all of it,
alone.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque


class Gate:
    """A bounded number of bytes inside."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._inside = 0
        self._waiting: deque[tuple[int, Future[None]]] = deque()

    @property
    def inside(self) -> int:
        """Bytes that wait to be written."""
        return self._inside

    async def enter(self, size: int) -> None:
        """Wait until there is room."""
        if not self._waiting and self._fits(size):
            self._inside += size
            return
        turn = get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.leave(size)
            raise

    def leave(self, size: int) -> None:
        """Make room again."""
        self._inside -= size
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.cancelled():
                if not self._fits(size):
                    return
                self._inside += size
                turn.set_result(None)
            self._waiting.popleft()

    def _fits(self, size: int) -> bool:
        return not self._inside or self._inside + size <= self._room
