"""Phones before a gateway: the real process over HTTP, its log as it lies on the disk. Not a test itself."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from ingest.topics import PINGS
from stream.sqlite import open_log


def now_s() -> int:
    """The machine's clock, in whole seconds."""
    return int(time.time())


def basic(user: str, password: str) -> dict[str, str]:
    """HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(key: str) -> dict[str, str]:
    """A bearer token."""
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def delivered(self) -> bool:
        """Whether an app takes what it has sent as delivered."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Phone:
    """A device and its key."""

    device: str
    key: str


@dataclass
class Gateway:
    """A gateway that runs, and keys that it knows: some for one device each, one for all, one that may not write."""

    port: int
    log: Path
    output: Path
    phones: list[Phone]
    anyone: str
    reader: str
    numbers: count[int] = field(default_factory=count)

    def phone(self) -> Phone:
        """One that nobody has used yet."""
        return self.phones.pop()

    def name(self) -> str:
        """A name that no other device has."""
        return f"app-{next(self.numbers)}"

    def ask(self, method: str, path: str, body: object = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """One request; a body that is no bytes goes as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, raw or None, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: object = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """A POST."""
        return self.ask("POST", path, body, headers)

    def pings(self, device: str) -> list[dict[str, Any]]:
        """All pings of a device in the log, in its order, without when they were received."""
        found = [json.loads(value) for key, value in asyncio.run(self._records()) if key == device.encode()]
        return [{name: value for name, value in one.items() if name != "received_ms"} for one in found]

    def refusals(self, phone: Phone) -> list[tuple[str, str]]:
        """Reason and field of what was refused of a phone lately, the newest first, as its own key sees it."""
        reply = self.ask("GET", f"/v1/devices/{phone.device}/refusals", headers=bearer(phone.key))
        assert reply.status == 200, reply
        return [(one["reason"], one["field"]) for one in reply.json["refusals"]]

    async def _records(self) -> list[tuple[bytes, bytes]]:
        async with open_log(self.log, read_only=True) as log:
            return [
                (key or b"", value or b"")
                for partition in range(await log.partitions(PINGS))
                async for batch in log.read(PINGS, partition, to_end=True)
                for key, value in zip(batch.keys, batch.values, strict=True)
            ]
