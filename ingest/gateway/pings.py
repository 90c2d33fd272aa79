"""`POST /v1/pings`: pings from device SDKs, one, an array, or one a line.

Invariant: 202 means that what was accepted is in the log, on disk; every other ping of the request is listed with its
reason. A batch that is sent again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from fastapi import APIRouter, Request, Response

from geofence.wire import decode_array
from ingest.gateway.intake import Intake, Refused, Sent, decoded
from ingest.gateway.settings import GatewaySettings
from web.access import Access
from web.body import read_body
from web.problem import Problem

_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_write = msgspec.json.Encoder().encode
_LARGE = 1 << 18  # bytes from which decoding leaves the event loop
_PIECES = 100  # commas and lines of a ping, at most: more of them would be objects without number in memory
_SPACE = b" \t\r\n\xef\xbb\xbf"


class PingsTaken(msgspec.Struct):
    """How many pings are in the log, and which are not."""

    accepted: int
    rejected: list[Refused]


class PingsEndpoint:
    """Takes the requests."""

    def __init__(self, access: Access, intake: Intake, settings: GatewaySettings) -> None:
        self._access, self._intake = access, intake
        self._limits, self._most = settings.body_limits, settings.request_pings

    async def post(self, request: Request) -> Response:
        """Take the pings of a request. Raises Problem."""
        caller = await self._access.caller(request, "pings:write")
        body = await read_body(request, self._limits)
        found = sent(body, self._most) if len(body) < _LARGE else await asyncio.to_thread(sent, body, self._most)
        taken = await self._intake.take(found, caller)
        return Response(_write(PingsTaken(taken.accepted, taken.refused)), 202, media_type="application/json")

    def router(self) -> APIRouter:
        """The endpoint as the application has it."""
        router = APIRouter()
        router.add_api_route("/v1/pings", self.post, methods=["POST"], status_code=202)
        return router


def sent(body: bytes, most: int) -> Sent:
    """The pings in a body. Raises Problem where there are none to be seen, or too many."""
    body = body.strip(_SPACE)
    if max(body.count(b","), body.count(b"\n")) > most * _PIECES:
        raise _too_many(f"more than {most}", most)
    whole = decode_array(body) if body.startswith(b"[") else None
    if whole is not None and len(whole) <= most:
        return Sent(whole, list(range(len(whole))))
    raws = _raws(body)
    if len(raws) > most:
        raise _too_many(str(len(raws)), most)
    return decoded(raws)


def _too_many(found: str, most: int) -> Problem:
    return Problem(413, "Too many", f"The body has {found} pings; allowed: up to {most}. Send smaller batches.")


def _raws(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    if body.startswith(b"["):
        try:
            return _read_array(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable(str(error)) from None
    if not body.startswith(b"{"):
        raise _unreadable("it is empty" if not body else f"it begins with {body[:1]!r}")
    if b"\n" not in body or _is_one(body):
        return [body]
    return [line for line in map(bytes.strip, body.split(b"\n")) if line]


def _is_one(body: bytes) -> bool:
    """Whether this is one object over several lines."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _unreadable(why: str) -> Problem:
    allowed = "allowed: a ping as a JSON object, an array of them, or one a line (NDJSON)"
    return Problem(400, "Can't be read", f"The body can't be read: {why}; {allowed}.")
