"""A request's body: read within a time, decompressed, never more than may be.

Before every endpoint that takes one. Invariant: memory is bounded by the limits whatever is sent, a zip bomb and a slow
sender included.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator

import zstandard
from fastapi import Request
from starlette.requests import ClientDisconnect

from ingest.gateway.problem import Problem
from ingest.gateway.settings import GatewaySettings

_ENCODINGS = "identity, gzip, zstd"
_PIECE = 1 << 16
_LARGE = 1 << 18  # bytes from which decompression leaves the event loop


async def read_body(request: Request, settings: GatewaySettings) -> bytes:
    """The body, decompressed. Raises Problem."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding not in ("identity", "gzip", "zstd"):
        detail = f"content-encoding is {encoding[:40]!r}; allowed: {_ENCODINGS}."
        raise Problem(415, "Unknown encoding", detail, headers={"Accept-Encoding": "gzip, zstd"})
    sent = await _sent(request, settings)
    if encoding == "identity":
        return sent
    if len(sent) < _LARGE:
        return _plain(sent, encoding, settings.plain_bytes)
    return await asyncio.to_thread(_plain, sent, encoding, settings.plain_bytes)


async def _sent(request: Request, settings: GatewaySettings) -> bytes:
    """The body as it is sent."""
    told = request.headers.get("content-length")
    if told is not None and told.isdecimal() and int(told) > settings.body_bytes:
        raise _too_large(settings.body_bytes, "as sent")
    pieces, size = [], 0
    try:
        async with asyncio.timeout(settings.body_s):
            async for piece in request.stream():
                size += len(piece)
                if size > settings.body_bytes:
                    raise _too_large(settings.body_bytes, "as sent")
                pieces.append(piece)
    except TimeoutError:
        detail = f"The body did not come within {settings.body_s:g} s. Send smaller batches."
        raise Problem(408, "Too slow", detail, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "Cut off", "The connection was closed before the body had come.") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _plain(sent: bytes, encoding: str, most: int) -> bytes:
    """The body, decompressed; no more than a piece beyond the limit is ever made."""
    pieces, size = [], 0
    try:
        for piece in _unzipped(sent) if encoding == "gzip" else _unzstd(sent):
            size += len(piece)
            if size > most:
                raise _too_large(most, "decompressed")
            pieces.append(piece)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        detail = f"The body is no complete {encoding}: {error}. Check what compresses it."
        raise Problem(400, "Can't be decompressed", detail) from None
    return b"".join(pieces)


def _unzipped(sent: bytes) -> Iterator[bytes]:
    """The members of a gzip file, in pieces."""
    while sent:
        stream = zlib.decompressobj(wbits=31)
        left = sent
        while not stream.eof:
            piece = stream.decompress(left, _PIECE)
            left = stream.unconsumed_tail
            if not piece and not left and not stream.eof:
                raise EOFError("it ends too early")
            yield piece
        sent = stream.unused_data


def _unzstd(sent: bytes) -> Iterator[bytes]:
    """The frames of zstd, in pieces."""
    window = zstandard.ZstdDecompressor(max_window_size=1 << 25)
    with window.stream_reader(sent, read_across_frames=True) as reader:
        while piece := reader.read(_PIECE):
            yield piece


def _too_large(most: int, how: str) -> Problem:
    detail = f"The body has more than {most} bytes {how}. Send smaller batches."
    return Problem(413, "Too large", detail, headers={"Connection": "close"})  # what is left of it is not waited for
