"""The file: its tables, its settings, and whether a file is one of ours.

Every connection is opened here. Invariants: a file that is foreign, or newer than this code, is never changed; a
transaction that was committed is on disk (write-ahead log, synchronous FULL); what was deleted is overwritten.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from stream.port import Unusable
from stream.sqlite.faults import READ_ONLY, telling

APPLICATION = 0x67656F66  # "geof"
FORMAT = 1
_PAGE, _CHECKPOINT_PAGES = 8192, 256  # the -wal file is folded into the main one every 2 MB: a commit waits for it

_TABLES = (
    """CREATE TABLE topic (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, cleanup TEXT NOT NULL,
        keep_ms INTEGER, keep_bytes INTEGER, compact_within_ms INTEGER)""",
    # clean_to: rows below were looked through by the last compaction; tomb_ms: the oldest tombstone it left
    """CREATE TABLE part (
        id INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES topic, partition INTEGER NOT NULL,
        end INTEGER NOT NULL DEFAULT 0, clock_ms INTEGER NOT NULL DEFAULT -9223372036854775808,
        bytes INTEGER NOT NULL DEFAULT 0, clean_to INTEGER NOT NULL DEFAULT 0, tomb_ms INTEGER,
        UNIQUE (topic, partition))""",
    # id: the partition's id shifted by 44 bits, and the offset of the first record: one tree, in the order of reading.
    # clock_ms: the largest record time in the partition up to here. The body comes last: the rest is read without it.
    """CREATE TABLE batch (
        id INTEGER PRIMARY KEY, count INTEGER NOT NULL, clock_ms INTEGER NOT NULL, size INTEGER NOT NULL,
        sum INTEGER NOT NULL, body BLOB NOT NULL)""",
    # "offset" is null when the group has taken the partition and never committed
    """CREATE TABLE progress (
        consumer TEXT NOT NULL, part INTEGER NOT NULL REFERENCES part, "offset" INTEGER,
        PRIMARY KEY (consumer, part)) WITHOUT ROWID""",
)


def open_writer(path: Path, lock_s: float) -> sqlite3.Connection:
    """The connection that writes, to be used by one thread at a time; makes the file if there is none."""
    new = not path.exists()
    if not new and not os.access(path, os.W_OK):  # SQLite would open it, and say so at the first write
        raise Unusable(f"{path}: {READ_ONLY}")
    with suppress(OSError):  # SQLite says why
        path.touch(mode=0o600)  # it has where people were; what SQLite puts beside it gets the same mode
    with telling(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=lock_s)
        try:
            if _is_ours(connection, path):
                _set_up(connection)
            else:
                connection.execute(f"PRAGMA page_size = {_PAGE}")
                _set_up(connection)
                _make_tables(connection)
        except BaseException:
            connection.close()
            raise
    if new:
        _sync_folder(path.parent)
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, to be used by one thread at a time. Raises Unusable if there is no log."""
    if not path.exists():
        raise Unusable(f"{path}: there is no log here. Give another path, or let the process that owns it make one")
    with telling(path):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5
        )
        try:
            if not _is_ours(connection, path):
                raise Unusable(f"{path}: the file is empty; the process that owns it has not made the log yet")
        except BaseException:
            connection.close()
            raise
    return connection


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """False: there is nothing yet. Raises Unusable for anything else that is not a log of this format."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not tables and not application:
        return False
    if application != APPLICATION:
        raise Unusable(f"{path}: a database of another program. Give the log another path; nothing was changed")
    if version > FORMAT:
        raise Unusable(
            f"{path}: written by a newer version: format {version}, this one knows up to {FORMAT}. Use the newer one; "
            "nothing was changed"
        )
    return True


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute("PRAGMA temp_store = MEMORY")


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(table)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
