"""One webhook, as the catalog has it.

Under `webhooks`. Its secrets are what signs: whoever is given one of these must not show it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Row

ACTIVE, PAUSED, DEAD = "active", "paused", "dead"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events are sent; an empty one lets all through."""

    layers: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook."""

    id: str
    url: str
    filters: Filters
    secret: str
    former_secret: str | None
    former_until_ms: int | None
    state: str
    reason: str | None
    since_ms: int
    created_ms: int
    changed: int

    def signing(self, now_ms: int) -> tuple[str, ...]:
        """The secrets that sign now, the newest first."""
        former = self.former_secret if self.former_until_ms is not None and now_ms < self.former_until_ms else None
        return (self.secret,) if former is None else (self.secret, former)


def webhook_of(row: Row[tuple[object, ...]]) -> Webhook:
    its = row._mapping
    filters = Filters(**{name: tuple(values) for name, values in json.loads(its["filters"]).items()})
    return Webhook(
        its["id"], its["url"], filters, its["secret"], its["former_secret"], its["former_until_ms"], its["state"],
        its["reason"], its["since_ms"], its["created_ms"], its["changed"],
    )  # fmt: skip
