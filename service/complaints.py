"""What goes to standard error: rejected rows as they are met, their sum at the end, notes.

Used by all three commands. Invariant: a row is named by its place in the file and never by its contents
alone; control characters of the input never reach the terminal.
"""

from __future__ import annotations

import sys
from collections import Counter

from service.rows import Rejected


class Complaints:
    """Prints rejected rows and counts them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.reasons: Counter[str] = Counter()

    def add(self, rejected: Rejected) -> None:
        """Report one row."""
        self.reasons[rejected.reason] += 1
        place = f"{self._file}: row {rejected.row} (line {rejected.line})"
        sys.stderr.write(f"{place} rejected: {rejected.reason}: {printable(rejected.message)}\n")

    @property
    def count(self) -> int:
        """How many rows were rejected."""
        return self.reasons.total()

    def summary(self, rows: int) -> None:
        """Report the sum, if there is one."""
        if self.reasons:
            each = ", ".join(f"{reason} {count}" for reason, count in sorted(self.reasons.items()))
            sys.stderr.write(f"{self._file}: rejected {self.count} of {rows} rows ({each})\n")


def note(text: str) -> None:
    """Say something to whoever runs the command."""
    sys.stderr.write(f"geofence: {printable(text)}\n")


def printable(text: str) -> str:
    """The text on one line, with control characters and lone surrogates shown as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
