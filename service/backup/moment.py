"""One moment of a home: its log and its catalog as they were at the same time, while others write on.

The catalog is held from being written for as long as it takes to begin reading both files; what is read afterwards,
for however long, is of that moment. Invariant: a copy is what a kill of everything at that moment would have left, and
every part of the service goes on from that.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog import CatalogError, revision_of
from service.backup.manifest import CATALOG, LOG
from service.home import Home
from service.source import Unusable
from stream.port import LogError
from stream.sqlite import open_reader

_PAGES = 256  # copied before others get their turn
_LOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A database as it was at one moment."""

    path: Path
    connection: sqlite3.Connection

    @property
    def bytes(self) -> int:
        """Its size."""
        pages, each = (self.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages) * int(each)

    def copy_to(self, target: Path, told: Callable[[int, int], None]) -> None:
        """Write it to a new file, and look whether that is a whole database. Raises sqlite3.Error and Unusable."""
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        size = self.bytes
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            self.connection.backup(
                copy, pages=_PAGES, progress=lambda _, left, pages: told(size * (pages - left) // pages, size)
            )
        finally:
            copy.close()
        _check(self.path, target)


@dataclass(frozen=True, slots=True)
class Moment:
    """Both of one moment."""

    time_ms: int
    log: Snapshot
    log_format: int
    catalog: Snapshot | None  # None: the home has none
    revision: str | None  # of the catalog's schema

    @property
    def snapshots(self) -> list[Snapshot]:
        """What there is."""
        return [one for one in (self.catalog, self.log) if one is not None]


@contextmanager
def moment(home: Home) -> Iterator[Moment]:
    """The home as it is now. Raises Unusable."""
    log_path, catalog_path = home.folder / LOG, home.folder / CATALOG
    with _closing() as opened:
        try:
            revision = revision_of(home.catalog_url) if catalog_path.exists() else None
            log, catalog = opened(open_reader(log_path)), None
            lock = opened(_connected(catalog_path, "rw")) if revision else None
            if lock:
                lock.execute("BEGIN IMMEDIATE")
                catalog = opened(_connected(catalog_path, "ro"))
                _begin(catalog)
            _begin(log)
            time_ms = time.time_ns() // 1_000_000
            if lock:
                lock.execute("ROLLBACK")
            version = int(log.execute("PRAGMA user_version").fetchone()[0])
        except (LogError, CatalogError) as error:
            raise Unusable(str(error)) from None
        except sqlite3.Error as error:
            raise Unusable(
                f"{home.folder}: the home can't be read: {error}. Run this as who runs the service"
            ) from None
        found = None if catalog is None else Snapshot(catalog_path, catalog)
        yield Moment(time_ms, Snapshot(log_path, log), version, found, revision)


@contextmanager
def _closing() -> Iterator[Callable[[sqlite3.Connection], sqlite3.Connection]]:
    """Connections that are closed in the end."""
    opened: list[sqlite3.Connection] = []

    def keep(connection: sqlite3.Connection) -> sqlite3.Connection:
        opened.append(connection)
        return connection

    try:
        yield keep
    finally:
        for connection in reversed(opened):
            connection.close()


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_LOCK_S)


def _begin(connection: sqlite3.Connection) -> None:
    """From here on it sees what is there now: a transaction begins with its first reading."""
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _check(source: Path, copy: Path) -> None:
    """Raises Unusable if the copy is no whole database: the source is none, then."""
    connection = sqlite3.connect(f"{copy.resolve().as_uri()}?immutable=1", uri=True)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0].splitlines()[-1]
    except sqlite3.DatabaseError as error:
        found = error
    finally:
        connection.close()
    if found != "ok":
        raise Unusable(
            f"{source}: the file is damaged ({found}), and a copy of it is no backup. Stop the service, keep the "
            "folder, restore the last backup that is whole"
        )
