"""Who did what: a line for each act of an administrator, written in the transaction of the act itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from catalog.database import Database
from catalog.tables import audit


@dataclass(frozen=True, slots=True)
class Line:
    """One act. `detail` has neither secrets nor places."""

    at_ms: int
    actor: str
    action: str
    target: str
    detail: dict[str, object]


class Audit:
    """Reads the lines, and writes those of acts that change nothing here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, *, most: int = 100, before: int | None = None) -> list[Line]:
        """The newest first; beyond `most` all that have the time of the last one: pages by time lose nothing."""
        newest = select(audit).order_by(audit.c.at_ms.desc(), audit.c.id.desc())
        asked = newest if before is None else newest.where(audit.c.at_ms < before)
        with self._database.reading() as connection:
            rows = list(connection.execute(asked.limit(most)).all())
            if len(rows) == most:
                last = rows[-1]
                rows += connection.execute(newest.where(audit.c.at_ms == last.at_ms, audit.c.id < last.id)).all()
        return [Line(row.at_ms, row.actor, row.action, row.target, json.loads(row.detail)) for row in rows]

    def note(self, line: Line) -> None:
        """Write a line on its own."""
        with self._database.writing() as connection:
            write(connection, line)


def write(connection: Connection, line: Line) -> None:
    """Write a line, in the transaction of what it tells of."""
    connection.execute(
        insert(audit).values(
            at_ms=line.at_ms,
            actor=line.actor,
            action=line.action,
            target=line.target,
            detail=json.dumps(line.detail, sort_keys=True),
        )
    )
