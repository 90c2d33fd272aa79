"""How many bytes the bodies of all requests may take together.

In front of the endpoints, for `body`, which reads them. Invariants: what a body takes is given back when its request is
answered, however that ends; beyond the limit who sends is told to come again.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from web.problem import come_again

_HELD = "geofence.body"


class Held:
    """The bytes of one request's body."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self.size = bodies, 0

    def hold(self, size: int) -> None:
        """It has so many bytes now. Raises Problem where all bodies together have too many."""
        more = size - self.size
        if more > 0 and self._bodies.held + more > self._bodies.most:
            raise come_again("Too many bodies are being read here. Nothing was lost; send it again.", after_s=2)
        self._bodies.held += more
        self.size = size


class Bodies:
    """An ASGI application: the one behind, with a bound on the bodies of all of its requests."""

    def __init__(self, behind: ASGIApp, most: int) -> None:
        self.behind, self.most, self.held = behind, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        held = scope[_HELD] = Held(self)
        try:
            await self.behind(scope, receive, send)
        finally:
            held.hold(0)


def held_by(scope: MutableMapping[str, Any]) -> Held:
    """What the body of a request takes."""
    held: Held = scope[_HELD]
    return held
