"""Files as bodies, over real HTTP: whole or not there at all, however they are sent, and never in memory."""

import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from broker import free_ports
from fastapi import FastAPI, Request, Response

from service.http import serving
from web.bodies import Bodies
from web.problem import answer_problems
from web.upload import STRETCH, body_to_file

MOST, WITHIN_S = 100_000_000, 0.5
CONTENT = os.urandom(1_000_003)


@dataclass
class Taker:
    """A server that takes files, and what it noticed."""

    folder: Path
    port: int
    heard: list[int] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    grown: int = 0  # bytes of memory beside what the process had before the first byte
    held: int = 0
    senders: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def left(self) -> list[str]:
        """The files that there are."""
        return sorted(path.name for path in self.folder.iterdir())


@asynccontextmanager
async def taking(folder: Path, *, most: int = MOST, within_s: float = WITHIN_S) -> AsyncIterator[Taker]:
    """One, until the end."""
    app, taker = FastAPI(openapi_url=None), Taker(folder, free_ports(1)[0])
    answer_problems(app)
    bodies, before = Bodies(app, 1000), memory()

    def hear(size: int) -> None:
        taker.heard.append(size)
        taker.grown, taker.held = max(taker.grown, memory() - before), max(taker.held, bodies.held)

    @app.post("/file")
    async def take(request: Request) -> Response:
        try:
            its = {"most_bytes": most, "within_s": within_s, "on_bytes": hear}
            found = await body_to_file(request, folder / "file", **its)
        except BaseException as error:
            taker.errors.append(error)
            raise
        return Response(json.dumps([found.size, found.sha256]))

    async with serving(bodies, f"127.0.0.1:{taker.port}", grace_s=0.1):
        yield taker


def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def told(story: Callable[[Taker], Awaitable[None]], folder: Path, **how: Any) -> Taker:
    """A story, and the server after its end."""

    async def whole() -> Taker:
        async with taking(folder, **how) as taker:
            await asyncio.wait_for(story(taker), 20)
        for sender in taker.senders:
            sender.transport.abort()
        await asyncio.sleep(0)
        return taker

    return asyncio.run(whole())


async def begun(taker: Taker, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose headers are sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", taker.port)
    taker.senders.append(writer)
    writer.write("\r\n".join(("POST /file HTTP/1.1", "Host: x", "Connection: close", *headers, "", "")).encode())
    return reader, writer


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of an answer."""
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_is_there_as_it_was_sent_with_its_hash(tmp_path: Path, chunked: bool) -> None:
    async def story(taker: Taker) -> None:
        how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(CONTENT)}"
        reader, writer = await begun(taker, how)
        pieces = [CONTENT[begin : begin + 70_000] for begin in range(0, len(CONTENT), 70_000)]
        writer.write(b"".join([*map(chunk, pieces), b"0\r\n\r\n"] if chunked else pieces))
        status, body = await answered(reader)
        assert (status, json.loads(body)) == (200, [len(CONTENT), hashlib.sha256(CONTENT).hexdigest()])

    taker = told(story, tmp_path)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert taker.left == ["file"]
    assert taker.heard == sorted(taker.heard)
    assert taker.heard[-1] == len(CONTENT)
    assert len(taker.heard) > 2


def test_an_empty_body_is_an_empty_file(tmp_path: Path) -> None:
    async def story(taker: Taker) -> None:
        reader, _ = await begun(taker, "Content-Length: 0")
        assert (await answered(reader))[0] == 200

    assert told(story, tmp_path).left == ["file"]
    assert (tmp_path / "file").read_bytes() == b""


def test_a_large_file_takes_no_memory(tmp_path: Path) -> None:
    size = 80_000_000

    async def story(taker: Taker) -> None:
        reader, writer = await begun(taker, f"Content-Length: {size}")
        for _ in range(size // 1_000_000):
            writer.write(CONTENT[:1_000_000])
            await writer.drain()
        assert (await answered(reader))[0] == 200

    taker = told(story, tmp_path)
    assert (tmp_path / "file").stat().st_size == size
    assert taker.grown < 30_000_000
    assert taker.held == 0, "it would take the room of other requests"


def test_what_is_too_large_is_refused_before_it_is_sent_if_that_is_told_and_once_it_is_too_much_if_not(
    tmp_path: Path,
) -> None:
    async def told_before(taker: Taker) -> None:
        reader, _ = await begun(taker, "Content-Length: 1001")
        status, body = await answered(reader)
        assert status == 413
        assert b"more than 1000 bytes" in body
        reader, _ = await begun(taker, "Content-Length: " + "9" * 18)
        assert (await answered(reader))[0] == 413

    async def found_out(taker: Taker) -> None:
        reader, writer = await begun(taker, "Transfer-Encoding: chunked")
        writer.write(chunk(bytes(1000)))
        await asyncio.sleep(0.05)
        writer.write(chunk(b"x"))
        assert (await answered(reader))[0] == 413

    async def just_not(taker: Taker) -> None:
        reader, writer = await begun(taker, "Transfer-Encoding: chunked")
        writer.write(chunk(bytes(1000)) + b"0\r\n\r\n")
        assert (await answered(reader))[0] == 200

    assert told(told_before, tmp_path, most=1000).left == []
    assert told(found_out, tmp_path, most=1000).left == []
    assert told(just_not, tmp_path, most=1000).left == ["file"]


def test_who_sends_slowly_but_steadily_may_take_longer_than_the_time_for_a_stretch(tmp_path: Path) -> None:
    async def story(taker: Taker) -> None:
        reader, writer = await begun(taker, "Transfer-Encoding: chunked")
        began = time.monotonic()
        for _ in range(6):
            writer.write(chunk(bytes(STRETCH)))
            await asyncio.sleep(0.6 * WITHIN_S)
        writer.write(b"0\r\n\r\n")
        assert (await answered(reader))[0] == 200
        assert time.monotonic() - began > 3 * WITHIN_S

    told(story, tmp_path)
    assert (tmp_path / "file").stat().st_size == 6 * STRETCH


@pytest.mark.parametrize("drop", [b"", b"x"], ids=["nothing", "a byte now and then"])
def test_who_stops_sending_or_only_drips_is_cut_off_and_leaves_nothing(tmp_path: Path, drop: bytes) -> None:
    async def story(taker: Taker) -> None:
        reader, writer = await begun(taker, f"Content-Length: {5 * STRETCH}")
        writer.write(bytes(STRETCH))
        await until(lambda: taker.left == ["file.part"])
        began, answer = time.monotonic(), asyncio.create_task(answered(reader))
        while not answer.done():
            writer.write(drop)
            await asyncio.wait((answer,), timeout=0.05)
        status, body = await answer
        assert status == 408
        assert b"within 0.5 s" in body
        assert 0.3 * WITHIN_S < time.monotonic() - began < 4 * WITHIN_S

    assert told(story, tmp_path).left == []


@pytest.mark.parametrize("abort", [False, True], ids=["closed", "reset"])
def test_a_connection_that_breaks_leaves_nothing(tmp_path: Path, abort: bool) -> None:
    async def story(taker: Taker) -> None:
        _, writer = await begun(taker, f"Content-Length: {len(CONTENT)}")
        writer.write(CONTENT[:-1])
        await until(lambda: bool(taker.heard) and taker.left == ["file.part"])
        if abort:
            writer.transport.abort()
        else:
            writer.close()
        await until(lambda: bool(taker.errors))
        assert taker.left == []

    taker = told(story, tmp_path)
    assert "400 Cut off" in str(taker.errors[0])


def test_the_end_of_the_server_leaves_nothing(tmp_path: Path) -> None:
    async def story(taker: Taker) -> None:
        _, writer = await begun(taker, f"Content-Length: {len(CONTENT)}")
        writer.write(CONTENT[:-1])
        await until(lambda: bool(taker.heard) and taker.left == ["file.part"])

    taker = told(story, tmp_path, within_s=20)
    assert isinstance(taker.errors[0], asyncio.CancelledError)
    assert taker.left == []


def test_a_file_that_somebody_else_is_writing_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"theirs")

    async def story(taker: Taker) -> None:
        reader, writer = await begun(taker, "Content-Length: 4")
        writer.write(b"mine")
        assert (await answered(reader))[0] == 500

    assert told(story, tmp_path).left == ["file.part"]
    assert (tmp_path / "file.part").read_bytes() == b"theirs"


def test_a_file_is_taken_as_it_is_and_not_decompressed(tmp_path: Path) -> None:
    async def story(taker: Taker) -> None:
        reader, _ = await begun(taker, "Content-Length: 4", "Content-Encoding: gzip")
        assert (await answered(reader))[0] == 415

    assert told(story, tmp_path).left == []
