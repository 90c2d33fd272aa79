"""A load generator for the gateway, in a process of its own: pings over keep-alive connections.

`python -m bench.http_load ADDRESS PINGS CONNECTIONS SECONDS RATE` posts bodies of so many pings each, one at a
time on each connection: as fast as they are answered (RATE 0), or at so many requests a second. Its input has a key in
each line; it prints a JSON line.
Invariant: at a rate, a request's time counts from when it was due, so a server that stalls can't hide it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import cast

import msgspec
import numpy as np
import uvloop

DEVICES, BODIES = 50_000, 400
_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length: "


class Found(msgspec.Struct):
    """What came of it."""

    requests: int
    statuses: dict[str, int]
    wall_s: float
    p50_ms: float
    p99_ms: float


class Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self) -> None:
        self._got = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; whoever waits learns of it."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        self._got += data
        head, end, rest = self._got.partition(_HEAD_END)
        if end and self._answer and len(rest) >= _length(head):
            self._got = b""
            self._answer.set_result(int(head[9:12]))

    async def ask(self, request: bytes) -> int:
        """Send a request; the status of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(_LENGTH)
    return int(rest.partition(b"\r\n")[0] or 0)


def requests_of(pings: int, address: str, keys: list[str]) -> Iterator[bytes]:
    """Requests for ever, each key in turn, most pings of another device than the one before."""
    rng, now_ms = np.random.default_rng(1), time.time_ns() // 1_000_000
    made = []
    for number in range(BODIES if pings > 1 else 10 * BODIES):
        body = msgspec.json.encode([_ping(rng, now_ms + number) for _ in range(pings)])
        lines = (
            f"POST /v1/pings HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {keys[number % len(keys)]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(lines.encode() + body)
    return cycle(made)


def _ping(rng: np.random.Generator, time_ms: int) -> dict[str, object]:
    place = {"lat": round(float(rng.uniform(30, 45)), 6), "lon": round(float(rng.uniform(-120, -75)), 6)}
    device = f"phone-{rng.integers(DEVICES):06d}"
    return {"device": device, **place, "time_ms": time_ms, "accuracy_m": 12.5, "source": "gps"}


async def load(address: str, pings: int, connections: int, seconds: float, rate: float, keys: list[str]) -> Found:
    """Post for so long."""
    loop, requests = asyncio.get_running_loop(), requests_of(pings, address, keys)
    host, _, port = address.rpartition(":")
    opened = [(await loop.create_connection(Connection, host, int(port)))[1] for _ in range(connections)]
    statuses, times = Counter[str](), list[float]()
    began = time.monotonic()
    count = 0

    async def post(connection: Connection) -> None:
        nonlocal count
        while True:
            due = began + count / rate if rate else time.monotonic()
            count += 1
            if due >= began + seconds:
                return
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            statuses[str(await connection.ask(next(requests)))] += 1
            times.append(time.monotonic() - due)

    await asyncio.gather(*(post(connection) for connection in opened))
    p50_ms, p99_ms = (1000 * float(np.percentile(times, part)) for part in (50, 99))
    return Found(len(times), dict(statuses), time.monotonic() - began, p50_ms, p99_ms)


if __name__ == "__main__":
    _address, *_numbers = sys.argv[1:6]
    _pings, _connections, _seconds, _rate = map(float, _numbers)
    found = uvloop.run(load(_address, int(_pings), int(_connections), _seconds, _rate, sys.stdin.read().split()))
    print(msgspec.json.encode(found).decode())
