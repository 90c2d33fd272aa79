"""A request's body: read within a time, decompressed, never more than may be.

Before every endpoint that takes one. Invariant: memory is bounded by the limits whatever is sent, a zip bomb and a slow
sender included, and so is what all bodies take together.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from web.bodies import held_by
from web.problem import Problem
from web.unpacking import NotWhole, TooLarge, unpacked

_ENCODINGS = ("identity", "gzip", "zstd")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What one body may take."""

    sent_bytes: int  # as it is sent
    plain_bytes: int  # once it is decompressed
    within_s: float  # in which it has to come


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """The body, decompressed. Raises Problem."""
    encoding = _encoding(request)
    if encoding not in _ENCODINGS:
        detail = f"content-encoding is {encoding[:40]!r}; allowed: {', '.join(_ENCODINGS)}."
        raise Problem(415, "Unknown encoding", detail, headers={"Accept-Encoding": "gzip, zstd"})
    sent = await _sent(request, limits.sent_bytes, limits.within_s)
    if encoding == "identity":
        return sent
    try:
        plain = await unpacked(sent, encoding, limits.plain_bytes)
    except TooLarge:
        raise _too_large(limits.plain_bytes, "decompressed") from None
    except NotWhole as error:
        detail = f"The body is no complete {encoding}: {error}. Check what compresses it."
        raise Problem(400, "Can't be decompressed", detail) from None
    held_by(request.scope).hold(len(plain))
    return plain


async def read_small_body(request: Request, limits: BodyLimits, most: int) -> bytes:
    """A body of a few bytes, as it is: for whoever has shown no key. Raises Problem."""
    encoding = _encoding(request)
    if encoding != "identity":
        detail = f"content-encoding is {encoding[:40]!r}; allowed here: identity."
        raise Problem(415, "Unknown encoding", detail, headers={"Accept-Encoding": "identity"})
    return await _sent(request, most, limits.within_s)


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "identity").strip().lower() or "identity"


async def _sent(request: Request, most: int, within_s: float) -> bytes:
    """The body as it is sent."""
    told, held = request.headers.get("content-length"), held_by(request.scope)
    if told is not None and told.isdecimal() and (len(told) > 15 or int(told) > most):
        raise _too_large(most, "as sent")
    pieces, size = [], 0
    try:
        async with asyncio.timeout(within_s):
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise _too_large(most, "as sent")
                held.hold(size)
                pieces.append(piece)
    except TimeoutError:
        detail = f"The body did not come within {within_s:g} s. Send smaller batches."
        raise Problem(408, "Too slow", detail, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "Cut off", "The connection was closed before the body had come.") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(most: int, how: str) -> Problem:
    detail = f"The body has more than {most} bytes {how}. Send smaller batches."
    return Problem(413, "Too large", detail, headers={"Connection": "close"})  # what is left of it is not waited for
