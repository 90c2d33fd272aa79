"""The newest rows of partitions that are read at their end, in memory: who keeps up need not go to the file.

Between the writer, which gives rows that are on disk, and cursors. Belongs to one event loop. Invariants: what is kept
of a partition lies in one piece and reaches to its end; it is bounded; what was deleted from the file is not kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from stream.sqlite.rows import Columns, joined

KEPT_BYTES, KEPT_ROWS = 1 << 20, 256


@dataclass(frozen=True, slots=True)
class Row:
    """Records that lie together in the file, and their size there."""

    records: Columns
    size: int


@dataclass(slots=True)
class _Kept:
    rows: deque[Row] = field(default_factory=deque)
    size: int = 0


class Fresh:
    """Rows by the partition's id, of those that somebody follows."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def follow(self, part: int) -> None:
        """Somebody has come to its end, and will want what comes."""
        self._kept.setdefault(part, _Kept())

    def put(self, part: int, rows: Sequence[Row]) -> None:
        """A partition has grown by these rows."""
        kept = self._kept.get(part)
        if kept is None:
            return
        kept.rows.extend(rows)
        kept.size += sum(row.size for row in rows)
        while kept.size > KEPT_BYTES or len(kept.rows) > KEPT_ROWS:
            kept.size -= kept.rows.popleft().size

    def forget(self, part: int) -> None:
        """Something of the partition has gone from the file, or has another place in it."""
        if part in self._kept:
            self._kept[part] = _Kept()

    def get(self, part: int, start: int, most: int) -> Columns | None:
        """Records from `start` on, whole rows until there are `most`; None: they are not here."""
        kept = self._kept.get(part)
        if kept is None or not kept.rows or kept.rows[0].records.offsets[0] > start:
            return None
        found: deque[Columns] = deque()
        for row in reversed(kept.rows):
            if row.records.offsets[-1] < start:
                break
            found.appendleft(row.records)
        if not found:
            return None
        if found[0].offsets[0] < start:
            found[0] = found[0].cut(bisect_left(found[0].offsets, start), len(found[0]))
        some, count = [], 0
        for records in found:
            some.append(records)
            count += len(records)
            if count >= most:
                break
        return joined(some)
