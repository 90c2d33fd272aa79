"""A real gateway in a process of its own, on an embedded log and catalog, asked over HTTP. Not a test itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
from broker import free_ports, tied

from catalog import open_catalog, upgrade
from ingest.topics import PINGS
from stream.port import Log
from stream.sqlite import open_log

ROOT = Path(__file__).parents[2]


def now_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


@dataclass
class Served:
    """A gateway that listens, and what is behind it."""

    folder: Path
    address: str
    process: subprocess.Popen[str] | None = None
    authority: Path | None = None  # that its certificate is of; without one it speaks plain HTTP

    @property
    def catalog_url(self) -> str:
        """Where its catalog is."""
        return f"sqlite:{self.folder / 'catalog.db'}"

    def key(self, *scopes: str, **more: Any) -> str:
        """The text of a new key."""
        with open_catalog(self.catalog_url) as catalog:
            given = {"name": "tests", "scopes": scopes or ("pings:write",), "by": "tests", "now_ms": now_ms()}
            return catalog.keys.create(**{**given, **more})[1]

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        """One request."""
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})} if key else more.pop("headers", {})
        verify = ssl.create_default_context(cafile=str(self.authority)) if self.authority else False
        url = f"{'https' if self.authority else 'http'}://{self.address}{path}"
        return httpx.request(method, url, headers=headers, timeout=20, verify=verify, **more)

    def kill(self) -> None:
        """Kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """What it has said on standard error."""
        return (self.folder / "said").read_text()

    def post(self, body: object, key: str, **more: Any) -> httpx.Response:
        """Pings as JSON, or a body as it is."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.ask("POST", "/v1/pings", key, content=content, **more)

    def rename_table(self, table: str, to: str) -> None:
        """Have the catalog fail whoever asks for a table, or answer again."""
        with closing(sqlite3.connect(self.folder / "catalog.db")) as connection:
            connection.execute(f"ALTER TABLE {table} RENAME TO {to}")

    def records(self, device: str) -> list[tuple[dict[str, Any], int]]:
        """What is in the log under a device's name, each with its time."""

        async def read() -> list[tuple[dict[str, Any], int]]:
            async with open_log(self.folder / "log.db", read_only=True) as log:
                return [(record, time_ms) async for key, record, time_ms in _pings_in(log) if key == device]

        return asyncio.run(read())


async def pings_of(log: Log) -> list[tuple[str, int]]:
    """The pings in a log, each as its device and its own time, in the order of the partitions."""
    return [(device, record["time_ms"]) async for device, record, _ in _pings_in(log)]


async def _pings_in(log: Log) -> AsyncIterator[tuple[str, dict[str, Any], int]]:
    for partition in range(await log.partitions(PINGS)):
        async for batch in log.read(PINGS, partition, to_end=True):
            for key, value, time_ms in zip(batch.keys, batch.values, batch.times_ms, strict=True):
                yield (key or b"").decode(), msgspec.json.decode(value or b"{}"), time_ms


@contextmanager
def serving(folder: Path, *words: str, authority: Path | None = None, **environment: str) -> Iterator[Served]:
    """Start `geofence gateway`; stop it as an operator does. Its output is in `folder / 'said'`."""
    served = started(folder, *words, authority=authority, **environment)
    assert served.process
    try:
        yield served
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(10) == 0, served.said()
    finally:
        served.kill()


def started(
    folder: Path, *words: str, log: str | None = None, authority: Path | None = None, **environment: str
) -> Served:
    """A gateway that answers, on an embedded log unless said otherwise; to be killed by who has started it."""
    folder.mkdir(parents=True, exist_ok=True)
    served = Served(folder, f"127.0.0.1:{free_ports(1)[0]}", authority=authority)
    upgrade(served.catalog_url)
    command = [
        *tied(), sys.executable, "-m", "service.cli", "gateway", "--listen", served.address,
        "--log", log or f"sqlite:{folder / 'log.db'}", "--catalog", served.catalog_url, *words,
    ]  # fmt: skip
    with (folder / "said").open("a") as said:
        served.process = subprocess.Popen(
            command, cwd=ROOT, stdout=said, stderr=said, text=True, env={**os.environ, **environment}
        )
    try:
        _await(served)
    except BaseException:
        served.kill()
        raise
    return served


def _await(served: Served) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if served.ask("GET", "/health/live").status_code == 200:
                return
        except httpx.TransportError:
            if time.monotonic() > end or (served.process and served.process.poll() is not None):
                raise RuntimeError((served.folder / "said").read_text()) from None
            time.sleep(0.05)
