"""The events of one webhook that are in memory: which may be sent now, and up to where all have been delivered.

Between `source`, which puts them in the order of the log, and `sender`. Pure. Invariants: of a device only the oldest
event that is left may be sent; the position never passes an event that was not delivered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.gateway.bookmark import Marks
from ingest.gateway.told import Told


@dataclass(slots=True, eq=False)
class Waiting:
    """An event that is not known to be delivered, or lies behind such a one."""

    told: Told
    marks: Marks  # where it goes on once this and all before it are delivered
    done: bool = False


class Window:
    """Events in the order of the log."""

    def __init__(self, marks: Marks) -> None:
        self.position = marks
        self._all: deque[Waiting] = deque()
        self._of: dict[str, deque[Waiting]] = {}
        self._ready: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._all)

    def put(self, events: Sequence[tuple[Told, Marks]], marks: Marks) -> None:
        """Events, each with where it goes on after it; and where it goes on after all of them."""
        for told, after in events:
            one = Waiting(told, after)
            self._all.append(one)
            mine = self._of.setdefault(told.device, deque())
            mine.append(one)
            if len(mine) == 1:
                self._ready.append(one)
        if self._all:
            self._all[-1].marks = marks
        else:
            self.position = marks

    def take(self) -> Waiting | None:
        """One that may be sent now, the oldest first; it comes back by `done` or `failed`."""
        return self._ready.popleft() if self._ready else None

    def done(self, one: Waiting) -> None:
        """It was delivered: the next of its device may be sent."""
        one.done = True
        mine = self._of[one.told.device]
        mine.popleft()
        if mine:
            self._ready.append(mine[0])
        else:
            del self._of[one.told.device]
        while self._all and self._all[0].done:
            self.position = self._all.popleft().marks

    def failed(self, one: Waiting) -> None:
        """It was not: it is the next to be sent."""
        self._ready.appendleft(one)
