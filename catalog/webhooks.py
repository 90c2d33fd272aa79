"""Webhooks: where region changes are sent to, which, signed with what, and whether they are.

The administrators' side; `deliveries` is the senders'. The signing secrets are stored as they are, since a sender
needs them: whoever can read the catalog can sign. Invariants: a secret is given out when it is made and never again;
every act leaves a line in the audit; an act that moves a position, or has it tried again, takes the sender's lease.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, func, insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database, newest_change, next_change
from catalog.deliveries import Progress, progress_of, values_of
from catalog.errors import Conflict, Missing, Refused
from catalog.secret import new_id, new_signing_secret
from catalog.tables import delivery, webhook
from catalog.webhook import ACTIVE, PAUSED, Filters, Webhook, webhook_of

MOST = 1000
FORMER_MS = 24 * 3_600_000  # for so long a secret that was replaced signs on


@dataclass(frozen=True, slots=True)
class News:
    """All webhooks, and up to which change that is."""

    webhooks: list[Webhook]
    number: int


class Webhooks:
    """All webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, *, url: str, filters: Filters, marks: Sequence[int], by: str, now_ms: int
    ) -> tuple[Webhook, Progress]:
        """Make one that begins at these offsets. Raises Refused where there are too many."""
        made = Webhook(
            new_id(), url, filters, new_signing_secret(), None, None, ACTIVE, None, now_ms, now_ms, changed=0
        )
        progress = Progress(tuple(marks))
        with self._database.writing() as connection:
            number = next_change(connection, "webhook")
            if connection.execute(select(func.count()).select_from(webhook)).scalar_one() >= MOST:
                raise Refused(f"there are {MOST} webhooks; allowed: at most {MOST}. Delete one that is not needed.")
            its = {**asdict(made), "filters": json.dumps(asdict(filters)), "changed": number}
            connection.execute(insert(webhook).values(**its))
            held = {"holder": None, "leased_until_ms": 0}
            connection.execute(insert(delivery).values(webhook=made.id, **values_of(progress), **held))
            detail: dict[str, object] = {"url": _host_of(url), **asdict(filters)}
            audit.write(connection, Line(now_ms, by, "webhook.create", made.id, detail))
            return _one(connection, made.id)

    def get(self, webhook_id: str) -> tuple[Webhook, Progress]:
        """One, and how far it is. Raises Missing."""
        with self._database.reading() as connection:
            return _one(connection, webhook_id)

    def list(self) -> list[tuple[Webhook, Progress]]:
        """All, the oldest first."""
        asked = select(webhook, *_PROGRESS).join(delivery, delivery.c.webhook == webhook.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(webhook.c.created_ms, webhook.c.id)).all()
        return [(webhook_of(row), progress_of(row)) for row in rows]

    def since(self, number: int) -> News | None:
        """All, if any has changed since; None: none has."""
        with self._database.reading() as connection:
            newest = newest_change(connection, "webhook")
            if newest == number:
                return None
            return News([webhook_of(row) for row in connection.execute(select(webhook)).all()], newest)

    def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        lists: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        pause: bool = False,
        by: str,
        now_ms: int,
    ) -> tuple[Webhook, Progress]:
        """Send to another place, by other lists of its filters, or nothing until it is resumed: all, or nothing of it.

        Raises Missing, and Conflict where one that is not active is to be paused.
        """
        with self._database.writing() as connection:
            found, _, number = _held(connection, webhook_id)
            if url is not None or lists:
                filters = asdict(replace(found.filters, **lists))
                place = url or found.url
                _set(connection, webhook_id, number, url=place, filters=json.dumps(filters))
                audit.write(
                    connection, Line(now_ms, by, "webhook.change", webhook_id, {"url": _host_of(place), **filters})
                )
            if pause:
                if found.state != ACTIVE:
                    raise Conflict(f"webhook {webhook_id} is {found.state}; only an active one can be paused.")
                _set(connection, webhook_id, number, state=PAUSED, since_ms=now_ms)
                audit.write(connection, Line(now_ms, by, "webhook.pause", webhook_id, {}))
            return _one(connection, webhook_id)

    def resume(self, webhook_id: str, *, by: str, now_ms: int) -> tuple[Webhook, Progress]:
        """Go on where it stopped, at once. Raises Missing, and Conflict where it is active and nothing fails."""
        with self._database.writing() as connection:
            found, progress, number = _held(connection, webhook_id)
            if found.state == ACTIVE and not progress.failures:
                raise Conflict(f"webhook {webhook_id} is active, and nothing fails: there is nothing to resume.")
            _go(connection, webhook_id, number, progress, now_ms)
            audit.write(connection, Line(now_ms, by, "webhook.resume", webhook_id, {"was": found.state}))
            return _one(connection, webhook_id)

    def replay(
        self, webhook_id: str, *, marks: Sequence[int], from_ms: int, by: str, now_ms: int
    ) -> tuple[Webhook, Progress]:
        """Go on from these offsets, which are those of a time, at once. Raises Missing."""
        with self._database.writing() as connection:
            found, progress, number = _held(connection, webhook_id)
            _go(connection, webhook_id, number, Progress(tuple(marks), progress.delivered), now_ms)
            detail: dict[str, object] = {"was": found.state, "from_ms": from_ms, "before": list(progress.marks)}
            audit.write(connection, Line(now_ms, by, "webhook.replay", webhook_id, detail))
            return _one(connection, webhook_id)

    def rotate(self, webhook_id: str, *, by: str, now_ms: int) -> tuple[Webhook, Progress]:
        """A new secret; the one until now signs, too, for a day. Raises Missing."""
        with self._database.writing() as connection:
            found, _, number = _held(connection, webhook_id)
            secret = new_signing_secret()
            former = {"former_secret": found.secret, "former_until_ms": now_ms + FORMER_MS}
            _set(connection, webhook_id, number, secret=secret, **former)
            audit.write(connection, Line(now_ms, by, "webhook.secret", webhook_id, {}))
            return _one(connection, webhook_id)

    def remove(self, webhook_id: str, *, by: str, now_ms: int) -> None:
        """Delete one. Raises Missing."""
        with self._database.writing() as connection:
            found, _, _ = _held(connection, webhook_id)
            connection.execute(delete(webhook).where(webhook.c.id == webhook_id))
            connection.execute(delete(delivery).where(delivery.c.webhook == webhook_id))
            audit.write(connection, Line(now_ms, by, "webhook.delete", webhook_id, {"url": _host_of(found.url)}))


_PROGRESS = [column for column in delivery.c if column.name not in ("webhook", "holder", "leased_until_ms")]


def _host_of(url: str) -> str:
    """Scheme and host alone: paths of receivers often are secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _held(connection: Connection, webhook_id: str) -> tuple[Webhook, Progress, int]:
    """One that is to be changed, and the number of that change. Raises Missing.

    Acts wait for each other first and read then, so that none undoes another's; a sender's position stays meanwhile.
    """
    number = next_change(connection, "webhook")
    return *_one(connection, webhook_id, hold=True), number


def _one(connection: Connection, webhook_id: str, *, hold: bool = False) -> tuple[Webhook, Progress]:
    asked = select(webhook, *_PROGRESS).join(delivery, delivery.c.webhook == webhook.c.id)
    if hold:
        asked = asked.with_for_update(of=delivery)
    known = webhook_id.isascii() and webhook_id.isalnum()
    row = connection.execute(asked.where(webhook.c.id == webhook_id)).one_or_none() if known else None
    if row is None:
        raise Missing(f"there is no webhook {webhook_id!r}. GET /v1/webhooks lists those that there are.")
    return webhook_of(row), progress_of(row)


def _set(connection: Connection, webhook_id: str, number: int, **values: object) -> None:
    connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(**values, changed=number))


def _go(connection: Connection, webhook_id: str, number: int, progress: Progress, now_ms: int) -> None:
    """Have it active, at this place, without failures; whoever delivers it has to take the lease anew."""
    _set(connection, webhook_id, number, state=ACTIVE, reason=None, since_ms=now_ms)
    connection.execute(
        update(delivery)
        .where(delivery.c.webhook == webhook_id)
        .values(**values_of(progress.unhurt()), holder=None, leased_until_ms=0)
    )
