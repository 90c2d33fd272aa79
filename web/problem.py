"""Errors as problem+json (RFC 9457): what went wrong, in a form that programs and people can read.

Raised anywhere behind an endpoint, answered here. Invariant: no answer carries a secret, a place, or a stack trace.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from geofence.control import InvalidControl
from stream.port import LogError

MEDIA_TYPE = "application/problem+json"
_NOTHING = "There is nothing here. See docs/api.md for what there is."
_log = logging.getLogger("geofence.web")


class ProblemTold(msgspec.Struct):
    """A problem as it is answered; `type` is always about:blank, which leaves the meaning to the status."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


class Problem(Exception):
    """An answer other than what was asked for. `detail`: what, which value, what is allowed, what to do."""

    def __init__(self, status: int, title: str, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail, self.headers = status, title, detail, dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        told = ProblemTold(self.title, self.status, self.detail)
        return Response(msgspec.json.encode(told), self.status, self.headers, MEDIA_TYPE)


def come_again(detail: str, *, after_s: int = 1, status: int = 503) -> Problem:
    """Not now: 503, or 429 for who asks too often; with when to try again."""
    title = "Too many requests" if status == 429 else "Not now"
    return Problem(status, title, detail, headers={"Retry-After": str(after_s)})


def answer_of(error: Exception, method: str) -> Response:
    """The answer to any error behind an endpoint."""
    match error:
        case Problem():
            return error.response()
        case LogError():
            _log.warning("the log does not answer: %s", error, extra={"action": "log_error"})
            return come_again("The log does not answer. Nothing was lost; send it again.", after_s=2).response()
        case InvalidControl():
            return Problem(422, "Can't be", str(error)).response()
        case HTTPException():
            detail = _NOTHING if error.status_code == 404 else error.detail
            return Problem(error.status_code, error.detail, detail, headers=error.headers).response()
    _log.error("a %s failed", method, exc_info=error, extra={"action": "request_fault"})
    return Problem(500, "Internal error", "The fault is ours. It was noted in the log.").response()


def answer_problems(app: FastAPI) -> None:
    """Answer every error of this application as problem+json."""

    async def told(request: Request, error: Exception) -> Response:
        return answer_of(error, request.method)

    for kind in (Problem, LogError, InvalidControl, HTTPException, Exception):
        app.add_exception_handler(kind, told)
