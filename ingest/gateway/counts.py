"""What a gateway counts while it works: requests by what was asked and answered, and how long answers took.

Written on the way of every request, read by `metrics`. Invariants: plain numbers, a bounded number of them whatever is
asked; nothing of who asked.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.measure import Histogram

_log = logging.getLogger("geofence.gateway")
_GROUPS = frozenset(
    ("pings", "clients", "events", "devices", "layers", "positions", "keys", "audit", "enrol", "webhooks", "jobs")
)


class Answers:
    """The answers that were begun."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()  # by group of endpoints and status
        self.seconds: defaultdict[str, Histogram] = defaultdict(Histogram)  # from the request to its answer, by group

    def add(self, group: str, status: int, seconds: float) -> None:
        """One more."""
        self.counts[group, status] += 1
        self.seconds[group].add(seconds)


class Counted:
    """An ASGI application whose answers are counted, by group of endpoints and status."""

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self.app, self._answers = app, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                group, seconds = group_of(scope["path"]), perf_counter() - begun
                self._answers.add(group, message["status"], seconds)
                if _log.isEnabledFor(logging.DEBUG):
                    _tell(scope["method"], group, message["status"], seconds)
            await send(message)

        await self.app(scope, receive, counting)


def _tell(method: str, group: str, status: int, seconds: float) -> None:
    facts = {"method": method, "endpoints": group, "status": status, "took_ms": round(seconds * 1000, 1)}
    said = " ".join(f"{name}={value}" for name, value in facts.items())
    _log.debug("answered %s", said, extra={"action": "answered", "facts": facts})


def group_of(path: str) -> str:
    """What a path asks for; all that is not known is one group, or anybody could make new ones."""
    parts = path.split("/", 3)
    if parts[1:3] == ["api", "webhook"]:
        return "clients"
    return parts[2] if len(parts) > 2 and parts[1] == "v1" and parts[2] in _GROUPS else "other"
