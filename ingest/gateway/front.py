"""The way past the framework for the one endpoint that is asked thousands of times a second.

In front of the application, which has the same endpoint for all else that it does with endpoints: its layers cost
several times what taking a ping does. Invariant: the same answers, errors included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from web.problem import answer_of

Endpoint = Callable[[Request], Awaitable[Response]]


class Front:
    """An ASGI application: some endpoints by themselves, by method and path; all else by the one behind."""

    def __init__(self, behind: ASGIApp, endpoints: Mapping[tuple[str, str], Endpoint]) -> None:
        self.behind, self.endpoints = behind, endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        endpoint = self.endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self.behind(scope, receive, send)
            return
        try:
            response = await endpoint(Request(scope, receive))
        except Exception as error:
            response = answer_of(error, scope["method"])
        await response(scope, receive, send)
