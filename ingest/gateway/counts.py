"""What a gateway counts while it works: requests by what was asked and answered, and how long appends take.

Written on the way of every request, read by `metrics`. Invariants: plain numbers, a bounded number of them whatever is
asked; nothing of who asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GROUPS = frozenset(
    ("pings", "clients", "events", "devices", "layers", "positions", "keys", "audit", "enrol", "webhooks", "jobs")
)
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Seconds:
    """How long something took, each time: how often up to each bound, and in all."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """It took so long."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds


class Counted:
    """An ASGI application whose answers are counted, by group of endpoints and status."""

    def __init__(self, app: ASGIApp, requests: Counter[tuple[str, int]]) -> None:
        self.app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests[group_of(scope["path"]), message["status"]] += 1
            await send(message)

        await self.app(scope, receive, counting)


def group_of(path: str) -> str:
    """What a path asks for; all that is not known is one group, or anybody could make new ones."""
    parts = path.split("/", 3)
    if parts[1:3] == ["api", "webhook"]:
        return "clients"
    return parts[2] if len(parts) > 2 and parts[1] == "v1" and parts[2] in _GROUPS else "other"
