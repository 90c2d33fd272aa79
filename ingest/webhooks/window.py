"""The events of one webhook that are in memory: which may be sent now, and up to where all have been delivered.

Between `source`, which puts them in the order of the log, and `sender`. Pure. Invariants: of a device only the oldest
event that is left may be sent; the position never passes an event that was not delivered, in its partition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ingest.gateway.bookmark import Marks
from ingest.gateway.told import Told


class _Head(msgspec.Struct):
    id: str


_head = msgspec.json.Decoder(_Head).decode


@dataclass(slots=True, eq=False)
class Waiting:
    """An event that is not known to be delivered, or lies behind such a one."""

    told: Told
    done: bool = False

    @property
    def id(self) -> str:
        """The event's."""
        return _head(self.told.data).id


class Window:
    """Events in the order of the log."""

    def __init__(self, marks: Marks) -> None:
        self._read = marks
        self._left: list[deque[Waiting]] = [deque() for _ in marks]  # by partition
        self._of: dict[str, deque[Waiting]] = {}
        self._ready: deque[Waiting] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._left))

    @property
    def position(self) -> Marks:
        """Where it goes on, in each partition, should all that is here be forgotten."""
        both = zip(self._left, self._read, strict=True)
        return tuple(left[0].told.offset if left else read for left, read in both)

    def put(self, events: Sequence[Told], marks: Marks) -> None:
        """Events, and where it goes on after them."""
        for told in events:
            one = Waiting(told)
            self._left[told.partition].append(one)
            mine = self._of.setdefault(told.device, deque())
            mine.append(one)
            if len(mine) == 1:
                self._ready.append(one)
        self._read = marks

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
        left = self._left[one.told.partition]
        while left and left[0].done:
            left.popleft()

    def failed(self, one: Waiting) -> None:
        """It was not: it is the next to be sent."""
        self._ready.appendleft(one)
