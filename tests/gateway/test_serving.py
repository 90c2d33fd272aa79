"""The end of serving: what was begun is answered within the grace, or told to come again; nothing is half said."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
import uvicorn
from broker import free_ports
from served import serving as served
from starlette.types import Receive, Scope, Send

from service.http import serving
from service.source import Unusable

OK = b"HTTP/1.1 200 "


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after the seconds that are its path."""
    await asyncio.sleep(float(scope["path"].strip("/")))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def ask(port: int, seconds: float) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST /{seconds} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def test_what_was_begun_is_answered_within_the_grace_and_what_takes_longer_is_told_to_come_again() -> None:
    async def story() -> None:
        [port] = free_ports(1)
        async with serving(slow, f"127.0.0.1:{port}", grace_s=2):
            asking = [asyncio.create_task(ask(port, seconds)) for seconds in (1.5, 60)]
            await asyncio.sleep(0.3)
        answered, cut = [await one for one in asking]
        assert answered.startswith(OK)
        assert cut.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in cut.lower()
        assert json.loads(cut.partition(b"\r\n\r\n")[2])["status"] == 503

    asyncio.run(story())


def test_a_server_that_ends_before_it_answers_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(*_: object) -> None:
        return None

    async def story() -> None:
        async with serving(slow, f"127.0.0.1:{free_ports(1)[0]}"):
            raise AssertionError

    monkeypatch.setattr(uvicorn.Server, "serve", ends)
    with pytest.raises(Unusable, match="ended before it answered"):
        asyncio.run(story())


def test_a_server_that_does_not_come_up_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(server: uvicorn.Server, *_: object) -> None:
        while not server.should_exit:
            await asyncio.sleep(0.01)

    async def story() -> None:
        async with serving(slow, f"127.0.0.1:{free_ports(1)[0]}"):
            raise AssertionError

    monkeypatch.setattr(uvicorn.Server, "serve", waits)
    monkeypatch.setattr("service.http._START_S", 0.1)
    with pytest.raises(Unusable, match="nothing answers at"):
        asyncio.run(story())


def test_a_gateway_without_a_certificate_outlives_sighup(tmp_path: Path) -> None:
    with served(tmp_path) as gateway:
        assert gateway.process
        gateway.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert gateway.ask("GET", "/health/live").status_code == 200
