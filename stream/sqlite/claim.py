"""A partition in one owner's hands: take it, read it, commit.

Between the group, which gives claims, and the writer, which checks in each transaction that the grip is still the
one that holds. Invariants: of all grips on a partition for a group at most one can commit, the newest; what a
commit appends and the offset it remembers are in one transaction.
"""

from __future__ import annotations

from asyncio import Event
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from sqlite3 import Connection

from stream.port import Batch, Outgoing, Record, Unavailable
from stream.sqlite import shelf
from stream.sqlite.cursor import Cursor
from stream.sqlite.tide import Tide
from stream.sqlite.writer import Writer


@dataclass(eq=False, slots=True)
class Hold:
    """Whether a grip still holds; looked at by the writer's thread within the transaction."""

    alive: bool = True


@dataclass(slots=True)
class Seat:
    """One partition for one group: the hold that counts, and what is needed to read and write."""

    group: str
    topic: str
    partition: int
    part: int
    writer: Writer
    tide: Tide
    cursor: Callable[[int], Cursor]
    part_of: Callable[[str, int], int]
    hold: Hold | None = field(default=None)

    def seize(self, connection: Connection, hold: Hold) -> tuple[int, int]:
        """In a transaction: fence off the hold before; where to read on, and how many records before that were lost."""
        if not hold.alive:
            raise Unavailable(f"{self}: the claim was given up before it was taken")
        if self.hold is not None and self.hold is not hold:  # the same if the transaction is tried again
            self.hold.alive = False
        self.hold = hold
        shelf.commit(connection, self.group, self.part, None)
        offset = shelf.committed(connection, self.group, self.part)
        begin = shelf.begin(connection, self.part)
        return (begin, 0) if offset is None else (max(offset, begin), max(0, begin - offset))

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} for group {self.group}"


class SqliteGrip:
    """A seat that is held."""

    def __init__(self, seat: Seat, hold: Hold, offset: int, lost: int, revoked: Event) -> None:
        self.offset, self.lost = offset, lost
        self._seat, self._hold, self._revoked = seat, hold, revoked

    async def batches(self, *, most: int) -> AsyncIterator[Batch]:
        """Records from `offset` on, until the claim is revoked."""
        cursor = self._seat.cursor(self.offset)
        while not self._revoked.is_set():
            self._check()
            at, batch = cursor.at, await cursor.next(most)
            self._check()
            came = cursor.at if batch is None else batch.offsets[0]
            if came > at:  # the offsets of an input have no gaps but those that retention leaves
                raise Unavailable(f"{self._seat}: the records from {at} to {came - 1} are gone")
            if batch is not None:
                yield batch
            else:
                await cursor.more(lambda: self._revoked.is_set() or not self._hold.alive)

    async def commit(self, outgoing: Sequence[Outgoing], offset: int) -> None:
        """Append and remember, both or neither."""
        self._check()
        puts: list[tuple[int, Sequence[Record]]] = [
            (self._seat.part_of(some.topic, some.partition), some.records) for some in outgoing
        ]
        try:
            await self._seat.writer.write(puts, lambda connection: self._remember(connection, offset))
        except BaseException:
            self._hold.alive = False
            raise
        self.offset = offset

    def _remember(self, connection: Connection, offset: int) -> None:
        self._check()
        shelf.commit(connection, self._seat.group, self._seat.part, offset)

    def _check(self) -> None:
        if not self._hold.alive:
            raise Unavailable(
                f"{self._seat}: somebody else has taken it, or it was given up. Leave this grip and take anew"
            )


class SqliteClaim:
    """A seat that was given to a member."""

    def __init__(self, seat: Seat) -> None:
        self.partition = seat.partition
        self.revoked = Event()
        self._seat = seat
        self._holds: set[Hold] = set()
        self._ended = False
        self._idle: Callable[[], object] | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[SqliteGrip]:
        """Fence off whoever had it before."""
        if self.revoked.is_set():
            raise Unavailable(f"{self._seat}: the claim has been revoked. Wait for the next one")
        hold = Hold()
        self._holds.add(hold)
        try:
            offset, lost = await self._seat.writer.write((), lambda connection: self._seat.seize(connection, hold))
            self._seat.tide.ring((self._seat.part,))  # who was fenced off learns of it
            yield SqliteGrip(self._seat, hold, offset, lost, self.revoked)
        finally:
            hold.alive = False
            self._holds.discard(hold)
            self._tell_if_idle()

    def revoke(self) -> None:
        """It is to be given up."""
        self.revoked.set()
        self._seat.tide.ring((self._seat.part,))

    def when_idle(self, tell: Callable[[], object]) -> None:
        """Call this once no grip is left, now if there is none."""
        self._idle = tell
        self._tell_if_idle()

    def end(self) -> None:
        """Whatever still grips it no longer holds."""
        for hold in self._holds:
            hold.alive = False
        self._seat.tide.ring((self._seat.part,))

    def _tell_if_idle(self) -> None:
        if self._idle and not self._holds:
            tell, self._idle = self._idle, None
            tell()
