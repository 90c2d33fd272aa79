"""What may go of topics that keep records for a time or up to a size, and what a group holds back.

Between `upkeep`, which deletes, and the tables. Whole rows go, oldest first. Invariant: what a group has not
committed stays, unless `drop_unread` says otherwise and the disk is nearly full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection

from stream.port import Cleanup
from stream.sqlite import shelf
from stream.sqlite.shelf import OFFSETS, SHIFT, Head, Shelf

SLICE_BYTES = 1 << 20  # deleted in one transaction, so that appends never wait long


@dataclass(frozen=True, slots=True)
class Overdue:
    """Records past their time that are kept because a group has not committed them."""

    topic: str
    partition: int
    group: str
    records: int

    @staticmethod
    def all(connection: Connection, *, now_ms: int) -> list[Overdue]:
        """Of all topics and groups."""
        found = []
        for there in shelf.shelves(connection).values():
            for partition, part in enumerate(there.parts):
                past = [head for head, _ in expired(connection, there, part, now_ms)]
                if past:
                    for group, offset in groups(connection, part).items():
                        records = sum(min(head.count, max(0, _last(head) - offset)) for head in past)
                        if records:
                            found.append(Overdue(there.topic.name, partition, group, records))
        return found


def expired(connection: Connection, there: Shelf, part: int, now_ms: int) -> Iterator[tuple[Head, int]]:
    """Rows past their time or beyond the topic's size, oldest first, each with where it ends."""
    topic = there.topic
    if topic.cleanup is not Cleanup.DELETE or (topic.keep_ms is None and topic.keep_bytes is None):
        return
    held = connection.execute("SELECT bytes FROM part WHERE id = ?", (part,)).fetchone()[0]
    rows = connection.execute(
        "SELECT id, count, clock_ms, size FROM batch WHERE id BETWEEN ? AND ? ORDER BY id",
        (part << SHIFT, (part << SHIFT) + OFFSETS - 1),
    )
    for row in rows:
        head = Head(*row)
        old = topic.keep_ms is not None and head.clock_ms < now_ms - topic.keep_ms
        beyond = topic.keep_bytes is not None and held - head.size >= topic.keep_bytes
        if not (old or beyond):
            break
        held -= head.size
        yield head, _last(head)
    rows.close()


def groups(connection: Connection, part: int) -> dict[str, int]:
    """How far each group has come."""
    rows = connection.execute('SELECT consumer, coalesce("offset", 0) FROM progress WHERE part = ?', (part,))
    return dict(rows)


def slices(connection: Connection, there: Shelf, part: int, now_ms: int, unread_too: bool) -> list[list[Head]]:
    """What is to go, in pieces of one transaction each."""
    floor = OFFSETS if unread_too else min(groups(connection, part).values(), default=OFFSETS)
    pieces: list[list[Head]] = []
    size = SLICE_BYTES
    for head, end in expired(connection, there, part, now_ms):
        if end > floor:
            break
        if size >= SLICE_BYTES:
            pieces.append([])
            size = 0
        pieces[-1].append(head)
        size += head.size
    return pieces


def remove(connection: Connection, part: int, heads: list[Head]) -> None:
    """Delete rows, in a transaction."""
    connection.execute("DELETE FROM batch WHERE id BETWEEN ? AND ?", (heads[0].id, heads[-1].id))
    size = sum(head.size for head in heads)
    connection.execute("UPDATE part SET bytes = bytes - ? WHERE id = ?", (size, part))


def _last(head: Head) -> int:
    return (head.id & OFFSETS - 1) + head.count
