"""The log as everyone else sees it: append, read, keep a view, and take batches to commit them with what they caused.

Between the engines, which implement these protocols and nothing else, and whoever appends or reads. A log has topics, a
topic has a fixed number of partitions, a partition is an order of records with growing offsets that may have gaps.
Invariants, in every engine: a record that was acknowledged survives a power cut; readers see only what was committed
and in order; what one `commit` takes is seen whole or never.
"""

from __future__ import annotations

from asyncio import Event
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Protocol, overload

BEGINNING = 0
Headers = tuple[tuple[str, bytes], ...]
OnChange = Callable[[bytes, bytes | None, bytes | None], None]  # key, value before, value now; None: there is none


class LogError(Exception):
    """The family. Which of the two it is says what to do."""


class Unavailable(LogError):
    """Not now: wait, then try again. It is not known whether what was asked for has happened."""


class Unusable(LogError):
    """Not ever, until somebody mends it: a corrupt or foreign file, a missing topic, credentials that are refused."""


class Record(NamedTuple):
    """One record to append. A value of None is a tombstone; `time_ms` is when it was received, None: now.

    A tuple, as there is one for each ping: it is made in a quarter of the time of a frozen dataclass.
    """

    key: bytes
    value: bytes | None
    headers: Headers = ()
    time_ms: int | None = None


class Packed(Sequence[Record]):
    """Records to append without headers or times of their own, in two arenas, without an object for each of them.

    Key i is `keys[key_at[i]:key_at[i + 1]]`, and so is value i; an empty value is a tombstone. The bounds are numbers
    of 64 bits that begin with 0. Engines that can't use the arenas take it as the sequence that it is.
    """

    __slots__ = ("_records", "key_at", "keys", "value_at", "values")

    def __init__(self, keys: memoryview, key_at: memoryview, values: memoryview, value_at: memoryview) -> None:
        self.keys, self.key_at, self.values, self.value_at = keys, key_at, values, value_at
        self._records: list[Record] | None = None

    def __len__(self) -> int:
        return len(self.key_at) - 1

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        return self._unpacked()[index]

    def __iter__(self) -> Iterator[Record]:
        return iter(self._unpacked())

    def _unpacked(self) -> list[Record]:
        if self._records is None:
            pieces = (_pieces(self.keys, self.key_at), _pieces(self.values, self.value_at))
            self._records = [Record(key, value or None) for key, value in zip(*pieces, strict=True)]
        return self._records


def _pieces(arena: memoryview, at: memoryview) -> list[bytes]:
    raw = arena.tobytes()
    return [raw[begin:end] for begin, end in pairwise(at.tolist())]


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition in order, in columns of equal length; never empty."""

    topic: str
    partition: int
    offsets: Sequence[int]
    times_ms: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers]

    @property
    def end(self) -> int:
        """Where to read on: what to commit once all of it is done."""
        return self.offsets[-1] + 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Records for one partition of one topic, in order."""

    topic: str
    partition: int
    records: Sequence[Record]


class Cleanup(StrEnum):
    """What becomes of old records."""

    DELETE = "delete"
    COMPACT = "compact"  # the newest of each key stays; a tombstone goes after a while


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic must be like."""

    name: str
    partitions: int
    cleanup: Cleanup = Cleanup.DELETE
    keep_ms: int | None = None  # DELETE: records older than this may go; None: never
    keep_bytes: int | None = None  # DELETE, of a partition
    compact_within_ms: int | None = None  # COMPACT: what was replaced is gone from disk within this


@dataclass(frozen=True, slots=True)
class Wrong:
    """A setting of a topic that is not as it must be, and the fix in words."""

    topic: str
    setting: str
    found: str
    wanted: str
    fix: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a group has come in a partition: all are offsets."""

    begin: int  # the oldest record that is left
    committed: int | None  # None: never
    end: int


class Grip(Protocol):
    """One partition in one owner's hands, all others fenced off. After any error it is dead: leave it, take anew."""

    offset: int  # the next record to take: committed, or the oldest left
    lost: int  # records that retention took before they were read: they lay between what was committed and `offset`

    def batches(self, *, most: int) -> AsyncIterator[Batch]:
        """Records from `offset` on, at most so many at a time, all that wait if fewer (some MB of them). Waits without
        using the processor; ends when the claim is revoked. Raises Unavailable, also where retention has taken what was
        to be read next: the next grip says how much is `lost`.
        """

    async def commit(self, outgoing: Sequence[Outgoing], offset: int) -> None:
        """Append all of `outgoing` and remember `offset`, both or neither; returns when readers see it and it is safe.

        Raises Unavailable, also if another owner has taken over; then it may have happened or not, and the next grip
        finds out by its `offset`.
        """


class Claim(Protocol):
    """A partition that has been given to this member of the group."""

    partition: int
    revoked: Event  # set when it is to be given up: finish what is in flight, soon

    def take(self) -> AbstractAsyncContextManager[Grip]:
        """Fence off whoever had it before, undo what they left unfinished, then read the committed offset.

        Leaving it discards whatever was not committed. Raises Unavailable; may be taken again.
        """


class View(Protocol):
    """The newest value of each key of a topic, in memory, following the topic."""

    def get(self, key: bytes) -> bytes | None:
        """The newest value that has arrived, None if there is none. Never waits."""

    def items(self) -> Mapping[bytes, bytes]:
        """All of them. Not to be changed."""

    async def caught_up(self) -> None:
        """Wait until all that was committed before this call has arrived."""


class Log(Protocol):
    """A log that is open."""

    async def append(self, topic: str, records: Sequence[Record], *, partition: int | None = None) -> None:
        """Append; returns when all are on disk (everywhere they must be).

        The partition is that of the key (`partition_of`) unless given. Records of one key keep the order of the calls,
        each awaited before the next. Raises Unavailable (some may have been appended: send all again) and Unusable.
        Blocks while too much waits to be written.
        """

    def read(
        self, topic: str, partition: int, *, start: int = BEGINNING, to_end: bool = False, most: int = 8192
    ) -> AsyncIterator[Batch]:
        """Committed records from `start` on, or from the oldest left if that is gone, for anyone and as often as liked.

        With `to_end` it ends where the partition ended when it began; without, it waits for more, for ever, without
        using the processor. Raises Unavailable and Unusable.
        """

    def view(self, topic: str, *, on_change: OnChange | None = None) -> AbstractAsyncContextManager[View]:
        """Keep a compacted topic's newest values in memory; caught up once entered.

        `on_change` is told of every record as it arrives, in order, once `get` gives it. It must not wait nor raise.
        """

    def claims(self, topic: str, *, group: str) -> AbstractAsyncContextManager[AsyncIterator[Claim]]:
        """Join a group that shares out the topic's partitions: the claims, as they come, each partition once at a time.

        A partition that is revoked comes again if it is given again. Leaving gives all of them up.
        """

    async def partitions(self, topic: str) -> int:
        """How many the topic has. Raises Unusable if there is no such topic."""

    async def keeps_ms(self, topic: str) -> int | None:
        """For how long the topic keeps a record, as it is set in the log now; None: not limited by time."""

    async def offset_at(self, topic: str, partition: int, *, time_ms: int) -> int:
        """The first offset whose record was received then or later; the end if there is none."""

    async def standing(self, topic: str, *, group: str) -> Mapping[int, Standing]:
        """How far a group has come, by partition. A read to the end that begins afterwards comes to these ends."""

    async def create(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Make those that are missing; their names. What is there is left as it is."""

    async def check(self, topics: Sequence[Topic]) -> Sequence[Wrong]:
        """What is not as it must be."""
