"""What can be set of the role that sends webhooks, read once by whoever starts it.

Invariant: a bad value stops the start, with its name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """All of its settings."""

    # Whether receivers may have private, loopback and other addresses that are not of the public internet.
    private_addresses: bool = False
    # Seconds that one delivery may take: name, connection, request and answer together.
    deadline_s: float = 15.0
    # Bytes of an answer that are read.
    answer_bytes: int = 4096
    # Deliveries of one webhook under way at once, each of another device.
    at_once: int = 8
    # Deliveries of all webhooks under way at once; beyond, each webhook has one.
    all_at_once: int = 64
    # Events of one webhook that are in memory, waiting or under way.
    window_events: int = 256
    # Seconds to wait after the first failure; doubled with each one that follows.
    first_wait_s: float = 1.0
    # Seconds to wait at most before the next try, whatever the receiver asks for.
    most_wait_s: float = 3600.0
    # Share of a wait by which it may be longer, at random, so that receivers are not all tried at the same moment.
    jitter: float = 0.25
    # Seconds of nothing but failures after which a webhook is switched off.
    give_up_s: float = 3 * 86_400.0
    # Seconds between two looks at which webhooks there are.
    look_s: float = 1.0
    # Seconds between two writes of how far a webhook is: so much may come twice after a crash.
    commit_s: float = 1.0
    # Seconds after which another process may take over what a dead one delivered. It is held on from 2/3 of it:
    # what is left has to do for a delivery's deadline.
    lease_s: float = 24.0
    # Seconds that deliveries under way have to end when the process is to stop.
    drain_s: float = 3.0
    # Bytes of the newest events that are kept for all webhooks together.
    kept_bytes: int = 16_000_000
    # Seconds back from the start of which events are read for them.
    kept_s: float = 60.0
    # Seconds without an answer of the catalog or of the log after which the role is not ready.
    ready_s: float = 15.0
    # Readings of the log for single webhooks that run at once.
    readings: int = 4

    def __post_init__(self) -> None:
        """Check every value. Raises ValueError with its name."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < 1e12:
                raise ValueError(f"{field.name} is {value!r}; allowed: more than 0")
        if self.lease_s < 3 * self.commit_s:
            raise ValueError(f"lease_s is {self.lease_s:g}; allowed: 3 times commit_s ({self.commit_s:g}) or more")
