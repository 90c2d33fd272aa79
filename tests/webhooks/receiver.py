"""A webhook's receiver on loopback, with real sockets, that answers as a test says. Not a test itself."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    number: int

    @property
    def event(self) -> Any:
        """What it tells."""
        return json.loads(self.body)

    @property
    def device(self) -> str:
        """Whom it is about."""
        return str(self.event["subject"])

    @property
    def sequence(self) -> int:
        """The number of the event."""
        return int(self.event["sequence"])


@dataclass(frozen=True)
class Reply:
    """What to answer, after how long; `late` for ever: nothing is answered."""

    status: int = 200
    body: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    late_s: float = 0.0


class Receiver:
    """Keeps what it got and what it has taken, in order."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.taken: list[Got] = []
        self.reply: Callable[[Got], Reply] = lambda _: Reply()
        self.port, self.under_way, self.most_under_way, self.connections = 0, 0, 0, 0
        self._writers = set[asyncio.StreamWriter]()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook"

    def sequences(self, *, repeats: bool = False) -> dict[str, list[int]]:
        """Of each device, what was taken, in order; of what came twice the first."""
        found = defaultdict[str, list[int]](list)
        for got in self.taken:
            if repeats or got.sequence not in found[got.device]:
                found[got.device].append(got.sequence)
        return dict(found)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._answer(await self._request(reader), writer)
        self._writers.discard(writer)
        writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Got:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        got = Got(first.split()[1], headers, body, len(self.got))
        self.got.append(got)
        return got

    async def _answer(self, got: Got, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            reply = self.reply(got)
            await asyncio.sleep(reply.late_s)
        finally:
            self.under_way -= 1
        if 200 <= reply.status < 300:
            self.taken.append(got)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} Said\r\n{head}\r\n".encode() + reply.body)
        await writer.drain()

    def hang_up(self) -> None:
        """Close all connections."""
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def receiving(
    tls: ssl.SSLContext | None = None, *, port: int = 0, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """A receiver that listens meanwhile."""
    its = Receiver()
    server = await asyncio.start_server(its.serve, host, port, ssl=tls)
    its.port = server.sockets[0].getsockname()[1]
    try:
        yield its
    finally:
        server.close()
        its.hang_up()
        await asyncio.sleep(0)
