"""Server-sent events as an answer: pieces are written as they come, until the reader goes or does not read.

Under `events` and `positions`. Invariants: for each reader no more than a piece waits beside what the connection itself
holds; a reader that takes nothing for `write_s` is cut off; when it goes, whatever made the pieces is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import msgspec
from fastapi import Response
from starlette.types import Receive, Scope, Send

from ingest.gateway.streams import Streams

PIECE_BYTES = 65_536
RETRY_MS = 2000
_END_S = 0.3
_log = logging.getLogger("geofence.gateway")
_BREAKS = {b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029", b"\xc2\x85": rb"\u0085"}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Connection": "close"}


class EventStream(Response):
    """An answer without an end."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[bytes, None], streams: Streams, *, write_s: float) -> None:
        """Raises Problem where there are too many streams."""
        super().__init__(headers=_HEADERS, media_type=self.media_type)
        del self.headers["content-length"]
        self._pieces, self._streams, self._write_s = streams.counted(pieces), streams, write_s

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Write until the pieces end or the reader has gone."""
        sending = asyncio.create_task(self._send(send))
        going = asyncio.create_task(gone(receive))
        self._streams.add(sending)
        try:
            await asyncio.wait((sending, going), return_when=asyncio.FIRST_COMPLETED)
            if sending.cancelled():
                await _end(send)
        finally:
            sending.cancel()
            going.cancel()
            ended = await asyncio.gather(sending, going, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._pieces) as pieces:
            try:
                async for piece in pieces:
                    async with asyncio.timeout(self._write_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                self._streams.cut["not_read"] += 1
                _log.info("a reader took nothing for %g s", self._write_s, extra={"action": "reader_cut_off"})
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _end(send: Send) -> None:
    """The last that is written when the gateway stops, if that can be at once."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            body = told("cut", reason="stopping", detail="This gateway stops. Connect again with Last-Event-ID.")
            await send({"type": "http.response.body", "body": body, "more_body": False})


async def gone(receive: Receive) -> None:
    """Wait until who asked is not connected any more."""
    while (await receive())["type"] != "http.disconnect":
        pass


def frame(data: bytes, *, bookmark: str = "", kind: str = "") -> bytes:
    """One event. `data` is JSON on one line, for readers too that take other letters of Unicode for a line's end."""
    if not data.isascii():
        for letter, escaped in _BREAKS.items():
            data = data.replace(letter, escaped)
    head = (f"id: {bookmark}\n" if bookmark else "") + (f"event: {kind}\n" if kind else "")
    return head.encode() + b"data: " + data + b"\n\n"


def told(kind: str, bookmark: str = "", **values: Any) -> bytes:
    """An event of our own about the stream itself."""
    return frame(msgspec.json.encode(values), bookmark=bookmark, kind=kind)


def cut(streams: Streams, reason: str, detail: str) -> bytes:
    """The last of a stream that is ended from here, and counted."""
    streams.cut[reason] += 1
    return told("cut", reason=reason, detail=detail)


def opening(bookmark: str = "") -> bytes:
    """What a stream begins with: when to come again, and from where."""
    return f"retry: {RETRY_MS}\n".encode() + heartbeat(bookmark)


def heartbeat(bookmark: str = "") -> bytes:
    """A comment, so that the connection is not taken for dead; with a position, where to resume from."""
    return b": alive\n" + (f"id: {bookmark}\n\n" if bookmark else "\n").encode()
