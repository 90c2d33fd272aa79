"""Carrying publications on, from planned to in force: the side of the process that does it.

As `deliveries` is for webhooks. A lease is a taking's number and a deadline; the clocks of the machines have to agree
within a few seconds. Invariants: only who holds the lease writes; nothing is written to the log that could still be
cancelled; a version counts as published once its publication is in the log; every step leaves a line in the audit.
"""

from __future__ import annotations

from sqlalchemy import Connection, case, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database, next_change
from catalog.layer import mark
from catalog.layer_tables import publication, version
from catalog.names import storable
from catalog.publication import (
    FAILED,
    IN_FORCE,
    PLANNED,
    PREPARING,
    SENDING,
    SENT,
    UNSENT,
    Publication,
    publication_of,
    write_publication,
)
from catalog.version import PUBLISHED, SUPERSEDED

PUBLISHER = "publisher"  # who acts, in the audit
_HELD = (PREPARING, SENDING, SENT)


class Publishing:
    """What the process that publishes asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, holder: str, *, now_ms: int, lease_s: float) -> Publication | None:
        """The lease of one that is to be carried on; None: there is none.

        First those that are due to be prepared and sent: PREPARING, or SENDING where somebody may have begun to write
        it to the log, which is to be done again. Then those that are SENT, to be watched until they are in force.
        """
        due = select(publication.c.layer, publication.c.number).where(
            publication.c.state.in_((*UNSENT, SENT)),
            publication.c.at_ms <= now_ms,
            publication.c.leased_until_ms <= now_ms,
        )
        sent_last = case((publication.c.state == SENT, 1), else_=0)
        due = due.order_by(sent_last, publication.c.leased_until_ms, publication.c.at_ms).limit(1)
        with self._database.writing() as connection:
            found = connection.execute(due.with_for_update(skip_locked=True)).one_or_none()
            if found is None:
                return None
            row = connection.execute(
                update(publication)
                .where(publication.c.layer == found.layer, publication.c.number == found.number)
                .values(
                    state=case((publication.c.state == PLANNED, PREPARING), else_=publication.c.state),
                    holder=holder, leased_until_ms=_until(now_ms, lease_s), attempt=publication.c.attempt + 1,
                )
                .returning(*publication.c)
            ).one()  # fmt: skip
        return publication_of(row)

    def keep(self, held: Publication, *, now_ms: int, lease_s: float) -> bool:
        """Hold the lease for longer; False: it is lost, or the publication was cancelled, so stop."""
        with self._database.writing() as connection:
            return write_publication(connection, held, *_HELD, leased_until_ms=_until(now_ms, lease_s))

    def release(self, held: Publication, *, again_ms: int) -> bool:
        """Give the lease back; nobody takes it before `again_ms`. False: it was lost."""
        with self._database.writing() as connection:
            return write_publication(connection, held, *_HELD, holder=None, leased_until_ms=again_ms)

    def send(self, held: Publication, *, now_ms: int) -> bool:
        """It is about to be written to the log: from here on nobody can cancel it. False: it was lost or cancelled."""
        with self._database.writing() as connection:
            revision = next_change(connection, "layer")  # first, as whoever else locks both does
            if not write_publication(connection, held, PREPARING, SENDING, state=SENDING, revision=revision):
                return False
            mark(connection, held.layer, revision)
            _note(connection, held, "publication.send", {"version": held.version, "hash": held.hash}, now_ms)
        return True

    def sent(self, held: Publication, *, now_ms: int) -> bool:
        """It is in the log: its version is the published one. The lease stays. False: it was lost."""
        with self._database.writing() as connection:
            revision = next_change(connection, "layer")  # first, as whoever else locks both does
            if not write_publication(connection, held, SENDING, state=SENT, sent_ms=now_ms, revision=revision):
                return False
            mark(connection, held.layer, revision)
            of_layer = update(version).where(version.c.layer == held.layer)
            former = of_layer.where(version.c.state == PUBLISHED, version.c.number != held.version)
            connection.execute(former.values(state=SUPERSEDED, revision=revision))
            now = of_layer.where(version.c.number == held.version)
            connection.execute(now.values(state=PUBLISHED, revision=revision))
            _note(connection, held, "publication.sent", {"version": held.version, "hash": held.hash}, now_ms)
        return True

    def done(self, held: Publication, *, now_ms: int) -> bool:
        """It is in force on every partition; the lease goes back. False: it was lost."""
        its: dict[str, object] = {"version": held.version}
        return self._end(held, SENT, "publication.in_force", its, now_ms, state=IN_FORCE, in_force_ms=now_ms)

    def fail(self, held: Publication, reason: str, *, now_ms: int) -> bool:
        """It can't be sent; the one before stays in force, and the lease goes back. False: it was lost."""
        its: dict[str, object] = {"version": held.version, "reason": reason}
        return self._end(held, PREPARING, "publication.failed", its, now_ms, state=FAILED, reason=storable(reason))

    def _end(
        self, held: Publication, before: str, action: str, detail: dict[str, object], now_ms: int, **values: object
    ) -> bool:
        with self._database.writing() as connection:
            revision = next_change(connection, "layer")  # first, as whoever else locks both does
            its = {**values, "holder": None, "leased_until_ms": 0, "revision": revision}
            if not write_publication(connection, held, before, **its):
                return False
            mark(connection, held.layer, revision)
            _note(connection, held, action, detail, now_ms)
        return True


def _until(now_ms: int, lease_s: float) -> int:
    return now_ms + round(lease_s * 1000)


def _note(connection: Connection, held: Publication, action: str, detail: dict[str, object], now_ms: int) -> None:
    audit.write(connection, Line(now_ms, PUBLISHER, action, held.target, detail))
