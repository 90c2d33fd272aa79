"""What SQLite says, as the log's errors: which file, what is wrong with it, what to do.

Between every call of SQLite and whoever called the log. Invariant: an error of SQLite leaves this package as
`Unavailable` (it may pass) or `Unusable` (somebody has to mend it), and as nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.port import LogError, Unavailable, Unusable

READ_ONLY = "the file, its folder or its file system is read-only. Make it writable for this user"
_PASSING = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space: writing goes on by itself, what was acknowledged is safe",
    sqlite3.SQLITE_IOERR: "the disk refused to read or write. Free space if it is full; see the system's log",
    sqlite3.SQLITE_BUSY: "another program holds a lock on the file. End its transaction (a shell or a backup tool?)",
    sqlite3.SQLITE_LOCKED: "another program holds a lock on the file. End its transaction (a shell or a backup tool?)",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}
_LASTING = {
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened. The folder has to exist and be writable for this user",
    sqlite3.SQLITE_PERM: "access is refused. Make the file readable and writable for this user",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Stop whoever uses it, copy it with its -wal, restore a backup",
    sqlite3.SQLITE_NOTADB: "this is no SQLite file. Give the log another path; nothing was changed",
    sqlite3.SQLITE_TOOBIG: "a record is too large (SQLite takes up to 1 GB)",
    sqlite3.SQLITE_SCHEMA: "its tables are not those of a log. Give the log another path; nothing was changed",
}
_DAMAGED = {sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA}


class DamagedRow(sqlite3.DatabaseError):
    """A row whose bytes are not those that were written."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def told(error: sqlite3.Error, path: Path) -> LogError:
    """The log's error for one of SQLite."""
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        return Unavailable(f"{path}: {error}")
    code = sqlite3.SQLITE_CORRUPT if extended in _DAMAGED else extended & 0xFF
    said = f"[{getattr(error, 'sqlite_errorname', code)}: {error}]"
    if code in _PASSING:
        return Unavailable(f"{path}: {_PASSING[code]} {said}")
    if code in _LASTING:
        return Unusable(f"{path}: {_LASTING[code]} {said}")
    if code == sqlite3.SQLITE_ERROR:
        return Unusable(f"{path}: {_LASTING[sqlite3.SQLITE_SCHEMA]} {said}")
    return Unavailable(f"{path}: SQLite refuses {said}")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Whatever SQLite raises within, as the log's error."""
    try:
        yield
    except sqlite3.Error as error:
        raise told(error, path) from error
