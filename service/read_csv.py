"""CSV as records of bytes: quick where there are no quotes, exact where there are.

Read by `locate`, which hands the rows on as they are, and by `read_pings`. Invariant: a record is the very
bytes of the file; one that is not well-formed is rejected alone, and the next line begins a new one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from service.rows import Rejected
from service.source import Source, Unusable

LINE_BYTES = 16 << 20
csv.field_size_limit(LINE_BYTES)
RECORD_LINES = 1000  # a quote that is not closed by then is taken for a stray one
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Records:
    """Some rows of the file: their bytes, their cells unquoted, their places."""

    raws: list[bytes] = field(default_factory=list)
    cells: list[list[bytes]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def column(self, index: int) -> list[bytes]:
        """One column's cells."""
        return [cells[index] for cells in self.cells]


class CsvFile:
    """A CSV file with a header, read in batches."""

    def __init__(self, source: Source, *, begun: bytes = b"") -> None:
        """`begun` is what has already been read of the source."""
        self._source = source
        self._carry = begun.removeprefix(_BOM)
        self._line = self._row = 0
        self._open: list[bytes] = []  # the lines of a record whose quote is not closed yet
        self._ended = self._quotes = self._returns = False
        self.header_raw = self._first_line()
        self.crlf = self.header_raw.endswith(b"\r")
        self.header_raw = self.header_raw.removesuffix(b"\r")
        if b"\r" in self.header_raw:
            raise Unusable(f"{source.name}: lines end with CR alone; allowed: LF or CR LF. Save it with LF.")
        self.header = [name.decode("utf-8", "replace").strip().lower() for name in _cells(self.header_raw) or []]

    def index(self, name: str, *, required: bool = True) -> int | None:
        """The column of this name. Raises Unusable if there are two, or none and it is required."""
        places = [place for place, found in enumerate(self.header) if found == name]
        if len(places) > 1:
            raise Unusable(f"{self._source.name}: there are {len(places)} columns {name!r}. Rename all but one.")
        if not places and required:
            found = ", ".join(self.header)[:120] or "none"
            hint = "Put a header line first, with commas between the names."
            raise Unusable(f"{self._source.name}: there is no column {name!r}; the columns are {found!r}. {hint}")
        return places[0] if places else None

    def batches(self) -> Iterator[Records]:
        """The rows, some ten thousand at a time."""
        while lines := self._next_lines():
            records = None if self._open or self._quotes else self._plain(lines)
            yield records or self._quoted(lines)
        if self._open:
            records = Records()
            self._reject_open(records)
            yield records

    def _first_line(self) -> bytes:
        first = b""
        while not first.strip() and (self._carry or not self._ended):
            while not self._ended and b"\n" not in self._carry:
                self._fill()
            self._line += 1
            first, _, self._carry = self._carry.partition(b"\n")
        return first

    def _fill(self) -> None:
        chunk, before = self._source.read(), len(self._carry)
        self._ended = not chunk
        self._carry += chunk
        end = self._carry.find(b"\n", before)
        if (end if end >= 0 else len(self._carry)) > LINE_BYTES:
            raise Unusable(
                f"{self._source.name}: line {self._line + 1} is longer than {LINE_BYTES >> 20} MiB. Is this a CSV file?"
            )

    def _next_lines(self) -> list[bytes]:
        while not self._ended and b"\n" not in self._carry:
            self._fill()
        body, newline, self._carry = self._carry.rpartition(b"\n")
        self._quotes, self._returns = (
            b'"' in body or b'"' in self._carry,
            b"\r" in body or b"\r" in self._carry,
        )
        if self._ended and not newline:
            body, self._carry = self._carry, b""
            return [body] if body else []
        return body.split(b"\n")

    def _plain(self, lines: list[bytes]) -> Records | None:
        """Records of lines without quotes or blanks, all as wide as the header; None if they are not."""
        if self._returns:
            lines = [line.removesuffix(b"\r") for line in lines]
        cells = [line.split(b",") for line in lines]
        if set(map(len, cells)) != {len(self.header)}:
            return None
        count = len(lines)
        rows, numbers = (
            range(self._row + 1, self._row + count + 1),
            range(self._line + 1, self._line + count + 1),
        )
        self._row += count
        self._line += count
        return Records(lines, cells, list(rows), list(numbers))

    def _quoted(self, lines: list[bytes]) -> Records:
        """Records of any lines."""
        records = Records()
        for line in lines:
            self._line += 1
            if not self._open and not line.strip():
                continue
            odd = line.count(b'"') % 2 == 1
            opens = odd and not self._open and (line.startswith(b'"') or b',"' in line)
            closes = odd and bool(self._open)
            self._open.append(line)
            if closes or not (opens or len(self._open) > 1):
                self._take(records, b"\n".join(self._open).removesuffix(b"\r"))
            elif len(self._open) >= RECORD_LINES:
                self._reject_open(records)
        return records

    def _take(self, records: Records, text: bytes) -> None:
        self._row += 1
        first_line = self._line - len(self._open) + 1
        self._open.clear()
        cells = _cells(text)
        if cells is None:
            message = 'a quote stands within a cell. Write it twice ("") and quote the cell.'
            records.rejected.append(Rejected(self._row, first_line, "quotes", message))
        elif len(cells) != len(self.header):
            width = len(self.header)
            message = f"has {len(cells)} cells; allowed: {width}, as in the header. Quote cells with commas."
            records.rejected.append(Rejected(self._row, first_line, "columns", message))
        else:
            records.raws.append(text)
            records.cells.append(cells)
            records.rows.append(self._row)
            records.lines.append(first_line)

    def _reject_open(self, records: Records) -> None:
        """Give up the line whose quote is never closed, and read the lines after it anew."""
        self._row += 1
        first_line = self._line - len(self._open) + 1
        message = "a quote is opened and never closed. Close it, or write it twice within a quoted cell."
        records.rejected.append(Rejected(self._row, first_line, "quotes", message))
        again = self._open[1:]
        self._open.clear()
        self._line = first_line
        later = self._quoted(again)  # each of these has its quotes in pairs, so none stays open
        for name in ("raws", "cells", "rows", "lines", "rejected"):
            getattr(records, name).extend(getattr(later, name))


def _cells(record: bytes) -> list[bytes] | None:
    """The cells of one record, unquoted; None if its quotes are not well-formed."""
    if b'"' not in record:
        return record.split(b",")
    try:
        found = list(csv.reader([record.decode("utf-8", "surrogateescape")], strict=True))
    except csv.Error:
        return None
    return [cell.encode("utf-8", "surrogateescape") for cell in found[0]] if len(found) == 1 else None
