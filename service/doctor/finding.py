"""What a check has found: how bad it is, what it is, and what to do.

Under all of `doctor`. Invariant: whatever is not well says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    UNKNOWN = "unknown"  # can't be told from here; it does not count
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what the doctor says."""

    check: str
    level: Level
    told: str
    remedy: str = ""  # what to do, a sentence
    command: str = ""  # what to run, where one command does it


def status_of(findings: Iterable[Finding]) -> int:
    """The exit status: 0 all well, 1 warnings, 2 errors."""
    levels = {one.level for one in findings}
    return 2 if Level.ERROR in levels else 1 if Level.WARNING in levels else 0


def ok(check: str, told: str) -> Finding:
    """All well."""
    return Finding(check, Level.OK, told)


def unknown(check: str, told: str, remedy: str = "") -> Finding:
    """What can't be told from here."""
    return Finding(check, Level.UNKNOWN, told, remedy)


def warning(check: str, told: str, remedy: str, command: str = "") -> Finding:
    """Look at it soon."""
    return Finding(check, Level.WARNING, told, remedy, command)


def error(check: str, told: str, remedy: str, command: str = "") -> Finding:
    """Something does not work, or soon won't."""
    return Finding(check, Level.ERROR, told, remedy, command)
