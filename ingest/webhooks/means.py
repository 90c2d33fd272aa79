"""What all senders of a process share, and how busy it is.

Made by `runner`, used by each `sender`. Invariant: however many webhooks there are, each may have one delivery under
way.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from catalog import Catalog
from ingest.gateway.history import History
from ingest.webhooks.address import Addresses
from ingest.webhooks.clock import Clock
from ingest.webhooks.settings import WebhookSettings


@dataclass(slots=True)
class Load:
    """How much goes on in the process."""

    under_way: int = 0  # deliveries, of all webhooks


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
