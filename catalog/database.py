"""One database behind the catalog: transactions, and its errors as the catalog's own.

Under every other module here. SQLite (WAL) or PostgreSQL, by URL; calls block, so async callers use threads. Invariant:
nothing but CatalogError leaves a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from catalog.errors import Refused, Unreachable
from catalog.tables import change

_ALLOWED = (
    "sqlite:PATH, such as sqlite:var/catalog.db, or postgresql://USER:PASSWORD@HOST/DATABASE, "
    "an @ in the password as %40"
)


_WIRE = {  # what ends a connection whose other end has gone without a word
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


class Database:
    """Transactions."""

    def __init__(self, url: str) -> None:
        """Raises Refused if the URL is none; connects when it is first used."""
        self.engine = _engine(url)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads: waits for nobody. Raises Unreachable."""
        return self._transaction(reading=True)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction: all that is done in it, or nothing. Raises Unreachable."""
        return self._transaction(reading=False)

    @contextmanager
    def _transaction(self, *, reading: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect().execution_options(reading=reading) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise Unreachable(f"{self}: {' '.join(str(error.orig or error).split())}") from error
        except SQLAlchemyError as error:
            raise Unreachable(f"{self}: {error}") from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __str__(self) -> str:
        url = self.engine.url  # what stands behind a ? may be a password too
        if url.get_backend_name() == "sqlite":
            return f"catalog sqlite:{url.database}"
        return f"catalog {url.set(drivername='postgresql', query={}).render_as_string(hide_password=True)}"


def next_change(connection: Connection, table: str) -> int:
    """The number for a row that changes: holds off other changes of the table until the transaction ends."""
    number = connection.execute(
        update(change).where(change.c.name == table).values(number=change.c.number + 1).returning(change.c.number)
    ).scalar_one()
    return int(number)


def hold(connection: Connection, table: str) -> None:
    """Hold off other changes of the table until the transaction ends, without making one."""
    connection.execute(update(change).where(change.c.name == table).values(number=change.c.number))


def newest_change(connection: Connection, table: str) -> int:
    """The newest number given in a table."""
    return int(connection.execute(select(change.c.number).where(change.c.name == table)).scalar_one())


def upsert(connection: Connection, table: Table, values: Mapping[str, object]) -> None:
    """Insert a row, or write over the one with its primary key."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = dialect.insert(table).values(**values)
    keys = [column.name for column in table.primary_key]
    rest = {name: made.excluded[name] for name in values if name not in keys}
    connection.execute(made.on_conflict_do_update(index_elements=keys, set_=rest))


def _engine(url: str) -> Engine:
    scheme, _, place = url.partition(":")
    if scheme == "sqlite" and place.strip("/"):
        path = Path(place.removeprefix("///") if place.startswith("////") else place)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 5.0})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql" or not parsed.database or "@" in (parsed.host or ""):
            raise ArgumentError
    except ArgumentError:
        raise Refused(f"the catalog's address is {_blank(url)!r}; allowed: {_ALLOWED}") from None
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=4,
        pool_pre_ping=True,
        pool_timeout=5.0,
        connect_args={"options": "-c statement_timeout=10000 -c lock_timeout=5000", **_WIRE},
    )


def _blank(url: str) -> str:
    """The URL without a password."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else url


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own: `_begin` does
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
