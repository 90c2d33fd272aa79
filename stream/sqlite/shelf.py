"""Rows in and out of the file, on a connection that is given.

Between the threads that hold connections (`writer`, `readers`) and the tables (`layout`). A row's id is its
partition's id and the offset of its first record, so that a partition lies in one piece, in order. Invariants:
offsets of a partition are given once and grow; a row whose sum is wrong is never handed out.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from zlib import crc32

from stream.port import Cleanup, Record, Standing, Topic, Unusable
from stream.sqlite.faults import DamagedRow
from stream.sqlite.fresh import Row
from stream.sqlite.rows import Columns, columns, joined, pack, unpack

SHIFT = 44
OFFSETS = 1 << SHIFT
ROW_RECORDS, ROW_BYTES = 4096, 1 << 20
READ_BYTES = 16 << 20
RECORD_BYTES = 256 << 20
PER_RECORD = 64  # what a record costs in memory beside its own bytes, about


@dataclass(frozen=True, slots=True)
class Shelf:
    """A topic as it is in the file, and the ids of its partitions."""

    topic: Topic
    parts: Sequence[int]

    def part(self, partition: int) -> int:
        """The id of a partition. Raises Unusable if there is none with that number."""
        if 0 <= partition < len(self.parts):
            return self.parts[partition]
        raise Unusable(f"topic {self.topic.name}: no partition {partition}; it has 0 to {len(self.parts) - 1}")


@dataclass(frozen=True, slots=True)
class Head:
    """A row without its records."""

    id: int
    count: int
    clock_ms: int
    size: int


def shelves(connection: Connection) -> dict[str, Shelf]:
    """All topics by name."""
    parts: dict[int, list[int]] = {}
    for part, topic in connection.execute("SELECT id, topic FROM part ORDER BY topic, partition"):
        parts.setdefault(topic, []).append(part)
    found = {}
    for topic, name, partitions, cleanup, *kept in connection.execute("SELECT * FROM topic"):
        found[name] = Shelf(Topic(name, partitions, Cleanup(cleanup), *kept), parts[topic])
    return found


def make(connection: Connection, topics: Sequence[Topic]) -> list[str]:
    """Make the topics that are missing; their names."""
    there = shelves(connection)
    made = []
    for topic in topics:
        if topic.name in there or topic.name in made:
            continue
        kept = (topic.keep_ms, topic.keep_bytes, topic.compact_within_ms)
        row = (topic.name, topic.partitions, topic.cleanup.value, *kept)
        new = connection.execute("INSERT INTO topic VALUES (NULL, ?, ?, ?, ?, ?, ?) RETURNING id", row).fetchone()[0]
        numbers = ((new, partition) for partition in range(topic.partitions))
        connection.executemany("INSERT INTO part (topic, partition) VALUES (?, ?)", numbers)
        made.append(topic.name)
    return made


def put(connection: Connection, part: int, records: Sequence[Record], now_ms: int) -> list[Row]:
    """Append records, at least one, to a partition; the rows that it has grown by."""
    end, clock_ms, held = connection.execute("SELECT end, clock_ms, bytes FROM part WHERE id = ?", (part,)).fetchone()
    rows = []
    for some, body in _rows_of(records, end, now_ms):
        rows.append(Row(some, len(body)))
        clock_ms = max(clock_ms, max(some.times_ms))
        _insert(connection, part, some, clock_ms, body)
        held += len(body)
        end += len(some)
    connection.execute("UPDATE part SET end = ?, clock_ms = ?, bytes = ? WHERE id = ?", (end, clock_ms, held, part))
    return rows


def insert(connection: Connection, part: int, records: Columns, clock_ms: int) -> int:
    """Write one row; its size."""
    body = pack(records)
    _insert(connection, part, records, clock_ms, body)
    return len(body)


def _insert(connection: Connection, part: int, records: Columns, clock_ms: int, body: bytes) -> None:
    row = (part << SHIFT | records.offsets[0], len(records), clock_ms, len(body), crc32(body), body)
    connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", row)


def fetch(connection: Connection, part: int, start: int, *, most: int) -> Columns | None:
    """Records from `start` on: whole rows (but for what lies before `start`) until there are `most`; None: no more."""
    low = part << SHIFT
    at = low | max(0, min(start, OFFSETS - 1))
    rows = connection.execute(
        "SELECT id, count, size, sum, body FROM batch WHERE id < ? AND id >= "
        "coalesce((SELECT max(id) FROM batch WHERE id BETWEEN ? AND ?), ?) ORDER BY id",
        (low + OFFSETS, low, at, at),
    )
    found, count, size = [], 0, 0
    for row, held, length, checksum, body in rows:
        records = open_row(row, body, checksum)
        if records.offsets[0] < start:
            records = records.cut(bisect_left(records.offsets, start), held)
        if len(records):
            found.append(records)
        count += len(records)
        size += length
        if count >= most or size >= READ_BYTES:
            break
    rows.close()
    return joined(found) if found else None


def open_row(row: int, body: bytes, checksum: int) -> Columns:
    """The records of a row. Raises DamagedRow if they are not what was written."""
    try:
        if crc32(body) == checksum:
            return unpack(body, row & OFFSETS - 1)
    except (ValueError, struct.error):
        pass
    raise DamagedRow(f"partition id {row >> SHIFT}, offset {row & OFFSETS - 1}: the row's bytes are not those written")


def ends(connection: Connection) -> dict[int, int]:
    """Where each partition ends, by its id."""
    return dict(connection.execute("SELECT id, end FROM part"))


def begin(connection: Connection, part: int) -> int:
    """The offset of the oldest record that is left; the end if there is none."""
    first = connection.execute(
        "SELECT min(id) FROM batch WHERE id BETWEEN ? AND ?", (part << SHIFT, (part + 1 << SHIFT) - 1)
    ).fetchone()[0]
    if first is not None:
        return int(first) & OFFSETS - 1
    return int(connection.execute("SELECT end FROM part WHERE id = ?", (part,)).fetchone()[0])


def offset_at(connection: Connection, part: int, time_ms: int) -> int:
    """The first offset whose record has this time or a later one; the end if there is none.

    No record before the row where the clock first reaches `time_ms` can have it, so the search begins there.
    """
    end = int(connection.execute("SELECT end FROM part WHERE id = ?", (part,)).fetchone()[0])
    low, high = begin(connection, part), end
    while low < high:
        middle = (low + high) // 2
        head = connection.execute(
            "SELECT clock_ms FROM batch WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
            (part << SHIFT, part << SHIFT | middle),
        ).fetchone()
        if head is None or head[0] < time_ms:
            low = middle + 1
        else:
            high = middle
    while (records := fetch(connection, part, low, most=1)) is not None:
        for offset, time in zip(records.offsets, records.times_ms, strict=True):
            if time >= time_ms:
                return offset
        low = records.offsets[-1] + 1
    return end


def standing(connection: Connection, parts: Sequence[int], group: str) -> dict[int, Standing]:
    """How far a group has come, by the partition's number."""
    rows = connection.execute('SELECT part, "offset" FROM progress WHERE consumer = ?', (group,))
    committed, end = dict(rows), ends(connection)
    return {i: Standing(begin(connection, part), committed.get(part), end[part]) for i, part in enumerate(parts)}


def commit(connection: Connection, group: str, part: int, offset: int | None) -> None:
    """Remember how far a group has come; None: that it has begun."""
    connection.execute(
        'INSERT INTO progress VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "offset" = '
        'coalesce(excluded."offset", "offset")',
        (group, part, offset),
    )


def committed(connection: Connection, group: str, part: int) -> int | None:
    """How far a group has come in a partition."""
    row = connection.execute('SELECT "offset" FROM progress WHERE consumer = ? AND part = ?', (group, part)).fetchone()
    return row[0] if row else None


def size_of(record: Record) -> int:
    """What a record takes, about. Raises Unusable if it is more than the log takes."""
    size = PER_RECORD + len(record.key) + (len(record.value) if record.value is not None else 0)
    if record.headers:
        size += sum(len(name) + len(value) for name, value in record.headers)
    if size > RECORD_BYTES:
        raise Unusable(
            f"a record of {size} bytes; the log takes up to {RECORD_BYTES}. Store it elsewhere, append its address"
        )
    return size


def _rows_of(records: Sequence[Record], base: int, now_ms: int) -> Iterator[tuple[Columns, bytes]]:
    """What makes one row each, and its bytes; halves what turns out too large."""
    todo = [records[first : first + ROW_RECORDS] for first in range(0, len(records), ROW_RECORDS)]
    todo.reverse()
    while todo:
        some = todo.pop()
        packed = columns(some, base, now_ms)
        body = pack(packed)
        if len(body) > ROW_BYTES and len(some) > 1:
            middle = len(some) // 2
            todo += (some[middle:], some[:middle])
        else:
            base += len(some)
            yield packed, body
