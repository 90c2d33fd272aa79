"""How far each webhook is, and which process delivers it: the side of `webhooks` that senders write.

A lease is a random name and a deadline; the clocks of the machines have to agree within a few seconds. Invariants: only
who holds the lease moves a position; what an administrator does to a position takes the lease away, so that a sender
that did not know of it changes nothing any more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from secrets import token_hex

from sqlalchemy import Row, or_, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database, next_change
from catalog.tables import delivery, webhook

SENDER = "webhooks"  # who acts, in the audit


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a webhook is."""

    marks: tuple[int, ...]  # the next offset in each partition
    delivered: int = 0
    failures: int = 0  # in a row
    failing_since_ms: int | None = None
    next_try_ms: int | None = None  # nothing is sent before
    last_ms: int | None = None  # when there was an answer, or none
    last_status: int | None = None
    last_answer: str | None = None
    lost: dict[str, object] | None = field(default=None, hash=False)  # when retention last took what was due

    def unhurt(self) -> Progress:
        """The same without failures."""
        return replace(self, failures=0, failing_since_ms=None, next_try_ms=None)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to deliver a webhook, and from where."""

    webhook: str
    holder: str
    until_ms: int
    progress: Progress


class Deliveries:
    """What senders ask."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, webhook_id: str, *, for_ms: int, now_ms: int) -> Lease | None:
        """The lease of a webhook that is active; None: it is somebody else's, or there is nothing to deliver."""
        holder, until_ms = token_hex(16), now_ms + for_ms
        active = select(webhook.c.id).where(webhook.c.id == webhook_id, webhook.c.state == "active")
        with self._database.writing() as connection:
            row = connection.execute(
                update(delivery)
                .where(
                    delivery.c.webhook.in_(active),
                    or_(delivery.c.holder.is_(None), delivery.c.leased_until_ms <= now_ms),
                )
                .values(holder=holder, leased_until_ms=until_ms)
                .returning(*delivery.c)
            ).one_or_none()
        return None if row is None else Lease(webhook_id, holder, until_ms, progress_of(row))

    def keep(self, lease: Lease, progress: Progress, *, until_ms: int) -> bool:
        """Write how far it is, and hold the lease for longer; False: the lease is lost, and nothing was written."""
        return self._write(lease, progress, holder=lease.holder, leased_until_ms=until_ms)

    def release(self, lease: Lease, progress: Progress) -> bool:
        """Write how far it is, and give the lease back."""
        return self._write(lease, progress, holder=None, leased_until_ms=0)

    def _write(self, lease: Lease, progress: Progress, **more: object) -> bool:
        with self._database.writing() as connection:
            done = connection.execute(
                update(delivery)
                .where(delivery.c.webhook == lease.webhook, delivery.c.holder == lease.holder)
                .values(**values_of(progress), **more)
            )
        return bool(done.rowcount)

    def die(self, lease: Lease, progress: Progress, reason: str, *, now_ms: int) -> bool:
        """Switch a webhook off, with how far it is; the lease goes back. False: the lease was lost."""
        with self._database.writing() as connection:
            number = next_change(connection, "webhook")  # first, as whoever else locks both does
            done = connection.execute(
                update(delivery)
                .where(delivery.c.webhook == lease.webhook, delivery.c.holder == lease.holder)
                .values(**values_of(progress), holder=None, leased_until_ms=0)
            )
            if not done.rowcount:
                return False
            connection.execute(
                update(webhook)
                .where(webhook.c.id == lease.webhook)
                .values(state="dead", reason=reason, since_ms=now_ms, changed=number)
            )
            audit.write(connection, Line(now_ms, SENDER, "webhook.dead", lease.webhook, {"reason": reason}))
        return True


def values_of(progress: Progress) -> dict[str, object]:
    """The columns."""
    return {
        "marks": json.dumps(progress.marks),
        "delivered": progress.delivered,
        "failures": progress.failures,
        "failing_since_ms": progress.failing_since_ms,
        "next_try_ms": progress.next_try_ms,
        "last_ms": progress.last_ms,
        "last_status": progress.last_status,
        "last_answer": progress.last_answer,
        "lost": None if progress.lost is None else json.dumps(progress.lost),
    }


def progress_of(row: Row[tuple[object, ...]]) -> Progress:
    """What the columns say."""
    its = row._mapping
    return Progress(
        tuple(json.loads(its["marks"])), its["delivered"], its["failures"], its["failing_since_ms"],
        its["next_try_ms"], its["last_ms"], its["last_status"], its["last_answer"],
        None if its["lost"] is None else json.loads(its["lost"]),
    )  # fmt: skip
