"""Errors as problem+json (RFC 9457): what went wrong, in a form that programs and people can read.

Raised anywhere behind an endpoint, answered here. Invariant: no answer carries a secret, a place, or a stack trace.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from stream.port import LogError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("geofence.gateway")


class Problem(Exception):
    """An answer other than what was asked for. `detail`: what, which value, what is allowed, what to do."""

    def __init__(
        self, status: int, title: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail, self.headers, self.more = status, title, detail, dict(headers or {}), more

    def response(self) -> Response:
        """The answer."""
        told = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail, **self.more}
        return Response(msgspec.json.encode(told), self.status, self.headers, MEDIA_TYPE)


def come_again(detail: str, *, after_s: int = 1, status: int = 503) -> Problem:
    """Not now: 503, or 429 for who asks too often; with when to try again."""
    title = "Too many requests" if status == 429 else "Not now"
    return Problem(status, title, detail, headers={"Retry-After": str(after_s)})


def answer_problems(app: FastAPI) -> None:
    """Answer every error of this application as problem+json."""

    @app.exception_handler(Problem)
    async def told(_: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(LogError)
    async def log_error(_: Request, error: LogError) -> Response:
        _log.warning("the log does not answer: %s", error, extra={"action": "log_error"})
        return come_again("The log does not answer. Nothing was lost; send it again.", after_s=2).response()

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        detail = (
            "There is nothing here. See docs/api.md for what there is." if error.status_code == 404 else error.detail
        )
        return Problem(error.status_code, error.detail, detail, headers=error.headers).response()

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.scope.get("route_path", "?"), exc_info=error)
        return Problem(500, "Internal error", "This is our fault. It was noted in the log.").response()
