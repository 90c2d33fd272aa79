"""Who sends a byte now and then is cut off and keeps nobody waiting; heads and connections are bounded."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from served import Served, now_ms, serving

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
SLOW, PATIENCE_S = (1000, 10.0) if LONG else (200, 1.5)
SETTINGS = {
    "GEOFENCE_GATEWAY_HEAD_S": str(PATIENCE_S),
    "GEOFENCE_GATEWAY_BODY_S": str(PATIENCE_S),
    "GEOFENCE_GATEWAY_IDLE_S": "2",
    "GEOFENCE_GATEWAY_FAILURES_A_MINUTE": "1e6",
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("slow"), **SETTINGS) as one:
        yield one


def head(key: str, *more: str) -> bytes:
    return "\r\n".join(("POST /v1/pings HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", *more, "", "")).encode()


def openings(key: str) -> list[tuple[bytes, bytes, bytes]]:
    """What a slow sender begins with, what it goes on with now and then, and how it is answered."""
    return [
        (b"", b"", b""),
        (b"GET /hea", b"x", b"HTTP/1.1 408 "),
        (b"GET /health/live HTTP/1.1\r\n", b"X-Slow: 1\r\n", b"HTTP/1.1 408 "),
        (head(key, "Content-Length: 9000"), b" ", b"HTTP/1.1 408 "),
        (head(key, "Transfer-Encoding: chunked"), b"1\r\n \r\n", b"HTTP/1.1 408 "),
        (head("wrong", "Content-Length: 9000"), b" ", b"HTTP/1.1 401 "),
    ]


async def drip(port: int, begin: bytes, more: bytes) -> tuple[float, bytes]:
    """Send slowly until it is cut off: how long that took, and what was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(begin)
    answer = bytearray()
    taking = asyncio.create_task(_take(reader, answer))
    while not taking.done():
        writer.write(more)
        await asyncio.wait((taking,), timeout=0.1)
    writer.transport.abort()
    return time.monotonic() - began, bytes(answer)


async def _take(reader: asyncio.StreamReader, answer: bytearray) -> None:
    """All that comes, until the end or until what was sent is no longer taken."""
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            answer += piece


async def post_until(gateway: Served, key: str, done: asyncio.Event) -> list[float]:
    """Pings by somebody who sends them as one should: how long each took to be accepted."""
    took = []
    for number in itertools.count():
        if done.is_set():
            return took
        ping = {"device": f"p{number}", "lon": 1, "lat": 1, "time_ms": now_ms() - 1000}
        began = time.monotonic()
        answer = await asyncio.to_thread(gateway.post, ping, key)
        took.append(time.monotonic() - began)
        assert answer.status_code == 202
    raise AssertionError


def port_of(gateway: Served) -> int:
    return int(gateway.address.rpartition(":")[2])


def test_many_who_send_slowly_are_cut_off_and_keep_nobody_waiting(gateway: Served) -> None:
    key = gateway.key()
    ways = openings(key)

    async def story() -> None:
        done = asyncio.Event()
        healthy = asyncio.create_task(post_until(gateway, key, done))
        slow = [drip(port_of(gateway), *ways[number % len(ways)][:2]) for number in range(SLOW)]
        ended = await asyncio.gather(*slow)
        done.set()
        took = await healthy
        assert len(took) > 5
        assert max(took) < 1.0, max(took)
        for number, (seconds, answer) in enumerate(ended):
            begin, _, wanted = ways[number % len(ways)]
            assert answer.startswith(wanted), (begin, answer)
            assert PATIENCE_S * 0.5 < seconds < 2 * PATIENCE_S + 2, (begin, seconds)  # both clocks start late at times

    asyncio.run(story())


def ask(gateway: Served, *pieces: bytes) -> bytes:
    """What is answered until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port_of(gateway)), 10) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.01)
        found = b""
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                found += piece
        return found


def test_a_head_that_is_too_large_is_told_so_however_it_comes(gateway: Served) -> None:
    begin, line = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", b"X-More: " + b"x" * 990 + b"\r\n"
    assert ask(gateway, begin + line * 30 + b"\r\n").startswith(b"HTTP/1.1 200 ")
    for pieces in (
        [begin + line * 40 + b"\r\n"],
        [begin, *[line] * 40, b"\r\n"],
        [begin, b"X-One: ", *[b"x" * 900] * 40],
    ):
        answer = ask(gateway, *pieces)
        assert answer.startswith(b"HTTP/1.1 431 "), answer
        assert b"application/problem+json" in answer
        assert b"more than 32768 bytes" in answer
    body = b"POST /v1/pings HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 90000\r\n\r\n" + b" " * 90_000
    assert ask(gateway, body).startswith(b"HTTP/1.1 401 ")


def test_what_is_no_request_is_told_so_in_the_form_of_all_errors(gateway: Served) -> None:
    answer = ask(gateway, b"hello there\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


def test_who_keeps_the_connection_and_asks_again_is_never_cut_off(gateway: Served) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port_of(gateway)), 10) as connection:
        end = time.monotonic() + 2 * PATIENCE_S
        while time.monotonic() < end:
            for pieces in ([request], [request[:20], request[20:]]):
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(0.05)
                found = b""
                while b'{"live":true}' not in found:
                    piece = connection.recv(65_536)
                    assert piece
                    found += piece


def test_an_idle_connection_is_closed_in_silence(gateway: Served) -> None:
    with socket.create_connection(("127.0.0.1", port_of(gateway)), 10) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        found = b""
        while b'{"live":true}' not in found:  # it may come in pieces
            piece = connection.recv(65_536)
            assert piece
            found += piece
        assert found.startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert connection.recv(65_536) == b""
        assert 1.5 < time.monotonic() - began < 5


def test_beyond_the_connections_that_may_be_who_comes_is_told_to_come_again(tmp_path) -> None:
    settings = {**SETTINGS, "GEOFENCE_GATEWAY_CONNECTIONS": "20"}
    with serving(tmp_path, **settings) as gateway:
        here = ("127.0.0.1", port_of(gateway))
        time.sleep(0.2)  # those who looked whether it is there have gone
        held = [socket.create_connection(here, 10) for _ in range(20)]
        time.sleep(0.2)
        answer = ask(gateway)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5\r\n" in answer.lower()
        time.sleep(PATIENCE_S)
        assert gateway.ask("GET", "/health/live").status_code == 200
        for one in held:
            assert one.recv(1) == b""
            one.close()


def test_what_comes_behind_a_request_that_is_not_yet_answered_is_not_read_and_breaks_no_answer(gateway: Served) -> None:
    first = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    body = b"POST /v1/pings HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n" + b" " * 600
    for behind in (first, b"GET / HTTP/1.1\r\n", b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000):
        for request, status in ((first, b"200"), (body, b"401")):
            answer = ask(gateway, request + behind)
            assert answer.startswith(b"HTTP/1.1 " + status), (behind[:20], answer)
            assert answer.count(b"HTTP/1.1 ") == 1
            assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("more", [b"a: b\r\n" * 10_000, b"a: " + b"x" * 60_000])
def test_headers_behind_a_body_are_cut_off_before_they_take_memory(gateway: Served, more: bytes) -> None:
    answer = ask(gateway, head(gateway.key(), "Transfer-Encoding: chunked"), b"0\r\n", *[more] * 20)
    assert not answer or answer.split()[1] in (b"400", b"431"), answer
    assert gateway.ask("GET", "/health/live").status_code == 200


def test_a_body_in_small_chunks_is_read_to_its_end(gateway: Served) -> None:
    chunks = b"1\r\n \r\n" * 20_000
    answer = ask(gateway, head(gateway.key(), "Transfer-Encoding: chunked", "Connection: close"), chunks, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"it is empty" in answer
