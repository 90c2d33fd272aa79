"""What all senders of a process share, and how busy it is.

Made by `runner`, used by each `sender`. Invariant: however many webhooks there are, each may have one delivery under
way.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from catalog import Catalog
from ingest.gateway.history import History
from ingest.measure import Histogram
from ingest.webhooks.address import Addresses
from ingest.webhooks.clock import Clock
from ingest.webhooks.delivery import Answer
from ingest.webhooks.settings import WebhookSettings


@dataclass(slots=True)
class Load:
    """How much goes on in the process."""

    under_way: int = 0  # deliveries, of all webhooks
    ended: Counter[str] = field(default_factory=Counter)  # deliveries, by what came of them
    seconds: Histogram = field(default_factory=Histogram)  # that each took
    died: int = 0  # webhooks that were switched off
    lost: int = 0  # times that retention took what was to be delivered

    def end(self, answer: Answer) -> None:
        """A delivery has ended."""
        self.ended[_outcome(answer)] += 1
        self.seconds.add(answer.took_ms / 1000)


def _outcome(answer: Answer) -> str:
    if answer.taken:
        return "taken"
    return "unanswered" if answer.status is None else f"{answer.status // 100}xx"


@dataclass(frozen=True, slots=True)
class Means:
    """All that a sender needs beside its webhook."""

    catalog: Catalog
    history: History
    addresses: Addresses
    tls: ssl.SSLContext
    settings: WebhookSettings
    clock: Clock
    chance: Callable[[], float]
    load: Load = field(default_factory=Load)

    @property
    def crowded(self) -> bool:
        """Whether each webhook has to make do with one delivery at once, so that none is late by our own doing."""
        return self.load.under_way >= self.settings.all_at_once
