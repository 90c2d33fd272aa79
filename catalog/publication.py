"""One publication: a version of a layer on its way into force.

Under `publications`. Invariants: a layer's publications are numbered in the order in which they are to take effect; the
process that carries one on writes only while it holds its lease.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, update

from catalog.errors import Missing
from catalog.layer import MOST_NUMBER
from catalog.layer_tables import publication

PLANNED, PREPARING, SENDING, SENT = "planned", "preparing", "sending", "sent"  # the way
IN_FORCE, FAILED, CANCELLED = "in_force", "failed", "cancelled"  # the ends
CANCELLABLE, UNSENT = (PLANNED, PREPARING), (PLANNED, PREPARING, SENDING)


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication."""

    layer: str
    number: int  # in its layer, from 1
    version: int
    hash: str  # of the version
    replaces: int | None  # the version published before; None: there was none
    by: str
    comment: str
    expect: int | None  # devices that get another region, as the admin was told
    at_ms: int  # not before
    state: str
    reason: str | None  # why it failed
    created_ms: int
    sent_ms: int | None  # when it was in the log
    in_force_ms: int | None  # when it was in force on every partition
    holder: str | None
    leased_until_ms: int
    attempt: int
    revision: int

    @property
    def target(self) -> str:
        """How the audit names it."""
        return f"{self.layer}/publications/{self.number}"


def publication_of(row: Row[tuple[object, ...]]) -> Publication:
    """What the columns say."""
    its = row._mapping
    return Publication(
        its["layer"], its["number"], its["version"], its["hash"], its["replaces"], its["by"], its["comment"],
        its["expect"], its["at_ms"], its["state"], its["reason"], its["created_ms"], its["sent_ms"],
        its["in_force_ms"], its["holder"], its["leased_until_ms"], its["attempt"], its["revision"],
    )  # fmt: skip


def one_publication(connection: Connection, layer_name: str, number: int) -> Publication:
    """One publication. Raises Missing."""
    asked = select(publication).where(publication.c.layer == layer_name, publication.c.number == number)
    row = connection.execute(asked).one_or_none() if 0 < number <= MOST_NUMBER else None
    if row is None:
        raise Missing(
            f"layer {layer_name!r} has no publication {number}. "
            f"GET /v1/layers/{layer_name}/publications lists those it has."
        )
    return publication_of(row)


def newest_publication(connection: Connection, layer_name: str, *without: str) -> Publication | None:
    """The newest that is in none of these states; None: there is none."""
    asked = select(publication).where(publication.c.layer == layer_name, publication.c.state.not_in(without))
    row = connection.execute(asked.order_by(publication.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else publication_of(row)


def write_publication(connection: Connection, held: Publication, *states: str, **values: object) -> bool:
    """Write columns under a lease; False: it is lost or in none of these states, and nothing was written."""
    done = connection.execute(
        update(publication)
        .where(
            publication.c.layer == held.layer,
            publication.c.number == held.number,
            publication.c.attempt == held.attempt,
            publication.c.holder.is_not(None),
            publication.c.state.in_(states),
        )
        .values(**values)
    )
    return bool(done.rowcount)
