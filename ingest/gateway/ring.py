"""The newest of what has happened, kept once for all who read it: each reader has a place in it, and no queue.

Between one reading of the log and any number of connections. Invariants: bounded by bytes, however many read and
however slowly; a reader gets everything it wants from its place on, in order, or is told that it was too slow.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Generic, Protocol, TypeVar

_LOOKED_AT = 4096  # of what a reader may not want, before others have their turn


class Item(Protocol):
    """What a ring holds."""

    @property
    def device(self) -> str:
        """Whom it tells of."""

    @property
    def size(self) -> int:
        """Bytes that it takes."""


T = TypeVar("T", bound=Item)


class TooSlow(Exception):
    """What the reader was to get next has gone."""


class Ring(Generic[T]):
    """Numbered items, the oldest of which go when there are too many bytes."""

    def __init__(self, most_bytes: int, gone: Callable[[T], None] = lambda _: None) -> None:
        """`gone` is told of each item that goes."""
        self.first = self.next = 0
        self.bytes = 0
        self.readers = 0
        self._most, self._gone = most_bytes, gone
        self._items: dict[int, T] = {}
        self._any: set[Reader[T]] = set()
        self._of: defaultdict[str, set[Reader[T]]] = defaultdict(set)

    def put(self, item: T) -> None:
        """Add one, and wake those who wait for such."""
        self._items[self.next] = item
        self.next += 1
        self.bytes += item.size
        while self.bytes > self._most and self.first < self.next - 1:
            old = self._items.pop(self.first)
            self.first += 1
            self.bytes -= old.size
            self._gone(old)
        for reader in chain(self._of.get(item.device, ()), self._any):
            reader.see(item, self.next - 1)

    def __getitem__(self, number: int) -> T:
        """An item that is still there."""
        return self._items[number]

    @contextmanager
    def reader(self, wants: Callable[[T], bool], *, at: int, device: str | None) -> Iterator[Reader[T]]:
        """A place in the ring, from the item with this number on; `device`: only items of this one are wanted."""
        one = Reader(self, wants, at)
        among = self._any if device is None else self._of[device]
        among.add(one)
        self.readers += 1
        try:
            yield one
        finally:
            self.readers -= 1
            among.discard(one)
            if device is not None and not among:
                self._of.pop(device, None)


class Reader(Generic[T]):
    """One reader's place. For one task."""

    def __init__(self, ring: Ring[T], wants: Callable[[T], bool], at: int) -> None:
        """Read from the item with the number `at` on."""
        self.at = at
        self._ring, self._wants = ring, wants
        self._idle, self._due = False, asyncio.Event()

    def see(self, item: T, number: int) -> None:
        """A new item: whoever waits for such goes on from it, as nothing before it was for them."""
        if self._idle and self._wants(item):
            self.at, self._idle = number, False
            self._due.set()

    def take(self, most_bytes: int) -> list[T]:
        """What comes next, about so many bytes of it; empty if there is nothing now. Raises TooSlow."""
        if self.at < self._ring.first:
            raise TooSlow
        found, size = list[T](), 0
        end = min(self._ring.next, self.at + _LOOKED_AT)
        while self.at < end and size < most_bytes:
            item = self._ring[self.at]
            self.at += 1
            if self._wants(item):
                found.append(item)
                size += item.size
        return found

    @property
    def at_end(self) -> bool:
        """Whether all has been looked at."""
        return self.at == self._ring.next

    async def wait(self, most_s: float) -> bool:
        """Wait for something to take: False if nothing has come for so long, and all has been looked at."""
        if not self.at_end:
            await asyncio.sleep(0)
            return True
        self._due.clear()
        self._idle = True
        try:
            async with asyncio.timeout(most_s):
                await self._due.wait()
        except TimeoutError:
            if self._idle:
                self.at = self._ring.next
                return False
        finally:
            self._idle = False
        return True
