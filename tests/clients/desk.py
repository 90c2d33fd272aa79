"""The gateway's application within this process, without a server between: for many bodies. Not a test itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phones import Phone, Reply
from starlette.types import ASGIApp

from catalog import open_catalog, upgrade
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.topics import topics
from stream.port import Record
from stream.sqlite import SqliteLog, open_log


class Notebook:
    """An embedded log that notes what is appended. `fails`: raised by every append instead."""

    def __init__(self, log: SqliteLog) -> None:
        self._log, self.values, self.fails = log, list[bytes](), None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, topic: str, records: Sequence[Record], *, partition: int | None = None) -> None:
        if self.fails:
            raise self.fails
        await self._log.append(topic, records, partition=partition)
        self.values.extend(record.value or b"" for record in records)


@dataclass
class Desk:
    """Answers requests, one after the other."""

    runner: asyncio.Runner
    app: ASGIApp
    log: Notebook
    phone: Phone
    anyone: str
    body_s: float = 0.0  # how long the body takes to come

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, query: bytes = b""
    ) -> Reply:
        """The answer to a request, without a server between."""
        return self.runner.run(self._ask(method, path, body, headers or {}, query))

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str], query: bytes) -> Reply:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query, "root_path": "",
            "client": ("192.0.2.1", 1), "server": ("192.0.2.2", 80),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if self.body_s:
                await asyncio.sleep(self.body_s)
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], told, b"".join(one.get("body", b"") for one in sent[1:]))


@contextmanager
def desk(folder: Path, settings: GatewaySettings | None = None) -> Iterator[Desk]:
    """One that is open, with a key for the device `mine` of the user `me`, and a key for all."""
    url, now_ms = f"sqlite:{folder / 'catalog.db'}", time.time_ns() // 1_000_000
    upgrade(url)
    with open_catalog(url) as catalog, asyncio.Runner() as runner:
        scope, by = ["pings:write"], "test"
        _, own = catalog.keys.create(name="own", scopes=scope, device="mine", user="me", by=by, now_ms=now_ms)
        _, anyone = catalog.keys.create(name="all", scopes=scope, by=by, now_ms=now_ms)
        stack = AsyncExitStack()
        log = Notebook(runner.run(stack.enter_async_context(open_log(folder / "log.db"))))
        runner.run(log.create(topics(4)))
        made = gateway_app(log, catalog, settings or GatewaySettings())  # type: ignore[arg-type]
        gateway = runner.run(stack.enter_async_context(made))
        try:
            yield Desk(runner, gateway.app, log, Phone("mine", own), anyone)
        finally:
            runner.run(stack.aclose())
