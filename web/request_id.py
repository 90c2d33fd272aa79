"""The id of a request: taken from `X-Request-Id` where it is sane, made here otherwise; answered, and in every line.

In front of all endpoints. An id that the client chose is worth more than one line: it may go further, see `chosen`.
Invariants: what is taken is short and plain, so that it can stand in a line of the log, and is no key of ours; every
answer has one.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from itertools import count
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
REQUEST: ContextVar[str] = ContextVar("request", default="")  # the id of what is being answered
_CHOSEN: ContextVar[bytes | None] = ContextVar("chosen", default=None)
_SANE = re.compile(rb"(?!gf_)[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # no dot: nothing that could be a coordinate


def chosen() -> bytes | None:
    """The id of the request that is being answered, if its client chose it."""
    return _CHOSEN.get()


class Identified:
    """An ASGI application whose requests have ids."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._prefix, self._numbers = token_hex(4), count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sane = None
        for name, value in scope["headers"]:
            if name == HEADER and _SANE.fullmatch(value):
                sane = value
        its = sane or f"{self._prefix}-{next(self._numbers)}".encode()
        REQUEST.set(its.decode())
        _CHOSEN.set(sane)

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, its)]
            await send(message)

        await self.app(scope, receive, answering)
