"""One connection that posts, made anew where it was lost: little enough to measure with.

Under `senders` and `walkers`. Invariant: whatever becomes of a request is an answer; status 0: none came.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

_ANSWER_S = 30.0
_GONE = (OSError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int = 0
    after_s: float = 0.0  # to wait before it is tried again
    body: bytes = b""


class Poster:
    """Posts to one place, one request at a time."""

    def __init__(self, host: str, port: int, path: str, authorisation: str) -> None:
        self._host, self._port = host, port
        self._lines = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: {authorisation}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> Answer:
        """The answer to a request."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port)
                reader, writer = self._streams
                writer.write(f"{self._lines}{len(body)}\r\n\r\n".encode() + body)
                return await _answer(reader)
        except _GONE:
            await self.closed()
            return Answer()

    async def closed(self) -> None:
        """Let go of the connection."""
        if self._streams:
            (_, writer), self._streams = self._streams, None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split()[1]), float(headers.get("retry-after", "0")), body)
