"""What time a database has, for whoever compares clocks: leases and signs of life need them to agree.

Under `Catalog`. A file has no clock of its own.
"""

from __future__ import annotations

from sqlalchemy import text

from catalog.database import Database


class Clock:
    """The database's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now_ms(self) -> int | None:
        """Unix time in ms of the database's server; None: it has no clock but this machine's. Raises Unreachable."""
        if self._database.engine.dialect.name != "postgresql":
            return None
        with self._database.reading() as connection:
            asked = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
            return int(connection.execute(asked).scalar_one())
