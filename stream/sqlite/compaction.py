"""Compacted topics: the newest record of each key stays, a tombstone goes after a while.

Between `upkeep` and the tables: `due` says whether, `newest` looks through a partition, `Bucket` gathers what stays
of some rows into one. Rows are replaced oldest first, so that a value is gone before its tombstone is. Invariants:
offsets never change; reading a partition at any moment of it gives every key's newest value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection

from stream.port import Topic
from stream.sqlite import shelf
from stream.sqlite.rows import Columns, joined
from stream.sqlite.shelf import OFFSETS, ROW_RECORDS, SHIFT, Head

_SLICE_BYTES = 1 << 20
_READ_BYTES = 4 << 20  # at once: on a busy machine each question waits for its turn


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its records."""

    head: Head
    records: Columns


@dataclass(slots=True)
class Bucket:
    """What stays of neighbouring rows."""

    heads: list[Head] = field(default_factory=list)
    kept: list[Columns] = field(default_factory=list)
    dropped: bool = False
    count: int = 0

    @property
    def changes(self) -> bool:
        """Whether writing it would change anything."""
        return self.dropped or len(self.heads) > 1

    def has_room(self, row: Row, kept: Columns) -> bool:
        """Whether a row's records fit in as well."""
        if not self.heads:
            return True
        near = (row.head.id - self.heads[0].id) < 1 << 31
        size = sum(head.size for head in self.heads) + row.head.size
        return near and self.count + len(kept) <= ROW_RECORDS and size <= _SLICE_BYTES

    def add(self, row: Row, kept: Columns) -> None:
        """Take in what stays of the next row."""
        self.heads.append(row.head)
        self.dropped |= len(kept) < row.head.count
        self.count += len(kept)
        if len(kept):
            self.kept.append(kept)

    def write(self, connection: Connection, part: int) -> None:
        """Put it in the place of the rows it came from, in a transaction."""
        first, last = self.heads[0], self.heads[-1]
        connection.execute("DELETE FROM batch WHERE id BETWEEN ? AND ?", (first.id, last.id))
        size = -sum(head.size for head in self.heads)
        if self.kept:
            size += shelf.insert(connection, part, joined(self.kept), last.clock_ms)
        connection.execute("UPDATE part SET bytes = bytes + ? WHERE id = ?", (size, part))


def due(connection: Connection, part: int, topic: Topic, now_ms: int, tombstone_ms: int) -> int | None:
    """The end up to which the partition is to be compacted now; None: not yet.

    When half of it is new, something new has waited for half of `compact_within_ms`, or a tombstone's time is up.
    """
    row = connection.execute("SELECT end, bytes, clean_to, tomb_ms FROM part WHERE id = ?", (part,)).fetchone()
    end, held, clean_to, tomb_ms = row
    if tomb_ms is not None and tomb_ms < now_ms - tombstone_ms:
        return int(end)
    fresh, since_ms = connection.execute(
        "SELECT coalesce(sum(size), 0), min(clock_ms) FROM batch WHERE id >= ? AND id < ?",
        (part << SHIFT | clean_to, (part + 1) << SHIFT),
    ).fetchone()
    if not fresh:
        return None
    late = topic.compact_within_ms is not None and since_ms <= now_ms - topic.compact_within_ms // 2
    return int(end) if late or 2 * fresh >= held else None


def rows(connection: Connection, part: int, start: int, end: int) -> list[Row]:
    """Some whole rows from `start` on, before `end`; empty: no more."""
    found, size = [], 0
    cursor = connection.execute(
        "SELECT id, count, clock_ms, size, sum, body FROM batch WHERE id >= ? AND id < ? ORDER BY id",
        (part << SHIFT | start, part << SHIFT | end),
    )
    for row, count, clock_ms, length, checksum, body in cursor:
        found.append(Row(Head(row, count, clock_ms, length), shelf.open_row(row, body, checksum)))
        size += length
        if size >= _READ_BYTES:
            break
    cursor.close()
    return found


def after(some: Sequence[Row]) -> int:
    """Where to go on after these rows."""
    return (some[-1].head.id & OFFSETS - 1) + 1


def stays(row: Row, newest: Mapping[bytes, int], tombstones_from_ms: int) -> Columns:
    """The records of a row that stay."""
    records = row.records
    places = [
        i
        for i, (offset, key, value) in enumerate(zip(records.offsets, records.keys, records.values, strict=True))
        if newest[key] == offset and (value is not None or records.times_ms[i] >= tombstones_from_ms)
    ]
    return records if len(places) == len(records) else records.pick(places)


def mark(connection: Connection, part: int, end: int, tomb_ms: int | None) -> None:
    """Remember that all below `end` has been looked through."""
    connection.execute("UPDATE part SET clean_to = ?, tomb_ms = ? WHERE id = ?", (end, tomb_ms, part))
