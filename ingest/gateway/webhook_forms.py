"""What administrators send of webhooks, and what they are shown.

Under `webhooks`. Invariant: a secret is shown by `made` alone.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal

import msgspec

from catalog.deliveries import Progress
from catalog.webhook import Filters, Webhook
from ingest.gateway.bookmark import bookmark_of
from ingest.gateway.told import TYPES
from web.problem import Problem

_MOST_VALUES, _MOST_BYTES = 1000, 256


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook to be made; a filter that is left out lets all through."""

    url: str
    layers: list[str] = []
    devices: list[str] = []
    types: list[str] = []
    regions: list[str] = []


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another; what is left out stays."""

    url: str | None = None
    layers: list[str] | None = None
    devices: list[str] | None = None
    types: list[str] | None = None
    regions: list[str] | None = None
    state: Literal["paused"] | None = None


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """From when on all is to be sent again: when the log received it."""

    from_ms: int


def checked(filters: Filters) -> Filters:
    """The filters, with types in their short form. Raises Problem."""
    types = tuple(one.removeprefix("geofence.region.") for one in filters.types)
    wrong = [one for one in types if one not in TYPES]
    if wrong:
        raise Problem(422, "No such type", f"types has {wrong[0][:60]!r}; allowed: {', '.join(TYPES)}.")
    for name, values in asdict(filters).items():
        odd = [one for one in values if not 0 < len(one.encode("utf-8", "surrogatepass")) <= _MOST_BYTES]
        if odd or len(values) > _MOST_VALUES:
            found = f"{odd[0][:60]!r}" if odd else f"{len(values)} values"
            allowed = f"allowed: at most {_MOST_VALUES} values of 1 to {_MOST_BYTES} bytes"
            raise Problem(422, "No such filter", f"{name} has {found}; {allowed}.")
    return replace(filters, types=types)


class LastAnswer(msgspec.Struct):
    """What the receiver said last; without a status it said nothing, and `answer` says why."""

    at_ms: int
    status: int | None
    answer: str | None


class WebhookTold(msgspec.Struct, kw_only=True):
    """A webhook as it is shown: without its secrets."""

    id: str
    url: str
    layers: list[str]
    devices: list[str]
    types: list[str]
    regions: list[str]
    state: Literal["active", "paused", "dead"]
    reason: str | None
    since_ms: int
    created_ms: int
    former_secret_until_ms: int | None
    delivered: int
    failures: int
    failing_since_ms: int | None
    next_try_ms: int | None
    last: LastAnswer | None
    lost: dict[str, Any] | None
    position: str


class WebhookMade(WebhookTold, kw_only=True):
    """A webhook with its new secret, which is shown this once."""

    secret: str


class WebhookList(msgspec.Struct):
    """All webhooks."""

    webhooks: list[WebhookTold]


class Trial(msgspec.Struct):
    """What came of a test."""

    id: str
    delivered: bool
    status: int | None
    answer: str
    took_ms: int


def told(webhook: Webhook, progress: Progress) -> WebhookTold:
    """A webhook as it is shown."""
    return WebhookTold(**_told(webhook, progress))


def made(webhook: Webhook, progress: Progress) -> WebhookMade:
    """The same, with its secret."""
    return WebhookMade(**_told(webhook, progress), secret=webhook.secret)


def _told(webhook: Webhook, progress: Progress) -> dict[str, Any]:
    at_ms = progress.last_ms
    last = None if at_ms is None else LastAnswer(at_ms, progress.last_status, progress.last_answer)
    return {
        "id": webhook.id,
        "url": webhook.url,
        **{name: list(values) for name, values in asdict(webhook.filters).items()},
        "state": webhook.state,
        "reason": webhook.reason,
        "since_ms": webhook.since_ms,
        "created_ms": webhook.created_ms,
        "former_secret_until_ms": webhook.former_until_ms,
        "delivered": progress.delivered,
        "failures": progress.failures,
        "failing_since_ms": progress.failing_since_ms,
        "next_try_ms": progress.next_try_ms,
        "last": last,
        "lost": progress.lost,
        "position": bookmark_of(progress.marks),
    }
