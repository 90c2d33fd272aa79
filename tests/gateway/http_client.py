"""What the gateway's tests speak with it: plain requests, and streams of server-sent events. Not a test itself."""

from __future__ import annotations

import asyncio
import http.client
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Sse:
    """One event of a stream."""

    id: str
    event: str
    data: Any


class Gateway:
    """A gateway at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, key: str, *, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        """One request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Authorization": f"Bearer {key}", **headers})
            found = connection.getresponse()
            raw = found.read()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, json.loads(raw) if raw else None)
        finally:
            connection.close()

    def pages(self, path: str, key: str, *, after: str = "", limit: int = 7) -> list[Any]:
        """All events behind a position, page by page."""
        found, query = [], path + ("&" if "?" in path else "?") + f"limit={limit}"
        while True:
            answer = self.ask(query + (f"&after={after}" if after else ""), key).body
            found += answer["events"]
            after = answer["next"]
            if not answer["more"]:
                return found


class Stream:
    """A stream of server-sent events that is open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.last_id, self.beats, self.status = "", 0, 0

    @classmethod
    async def open(cls, port: int, path: str, key: str, *, after: str = "", limit: int = 1 << 16) -> Stream:
        """Connect; in HTTP/1.0, so that the body is the stream itself."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
        resume = f"Last-Event-ID: {after}\r\n" if after else ""
        writer.write(f"GET {path} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n{resume}\r\n".encode())
        its = cls(reader, writer)
        its.last_id = after
        its.status = int((await reader.readline()).split()[1])
        while (await reader.readline()).strip():
            pass
        return its

    async def next(self) -> Sse | None:
        """The next event; None once the stream has ended."""
        kind, data, ident = "", "", None
        while line := (await self.reader.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "":
                if value:
                    self.beats += 1
                    continue
                if ident is not None:
                    self.last_id = ident
                if data:
                    return Sse(self.last_id, kind or "message", json.loads(data))
                kind, ident = "", None
            elif name == "id":
                ident = value
            elif name == "event":
                kind = value
            elif name == "data":
                data += value
        return None

    async def take(self, count: int, *, within_s: float = 30.0) -> list[Sse]:
        """So many events; fewer if the stream ends."""
        found: list[Sse] = []
        async with asyncio.timeout(within_s):
            while len(found) < count and (one := await self.next()) is not None:
                found.append(one)
        return found

    def close(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()
