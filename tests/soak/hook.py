"""The receiver of a webhook that believes nothing: it checks each signature, and remembers what came in which order.

Beside the service. Invariant: an event counts once, when its id first comes, and only if its signature is right.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from geofence.instant import ms_of
from service.boundary_server import BoundaryServer
from tests.webhooks.receiver import Got, Receiver, Reply, receiving

_FRESH_S = 300


class _Data(msgspec.Struct):
    confirmed_at: str


class _Event(msgspec.Struct):
    id: str
    subject: str
    data: _Data


@dataclass(frozen=True, slots=True)
class Arrival:
    """When an event came first."""

    device: str
    confirmed_ms: int
    at_s: float  # by `time.perf_counter`


@dataclass(slots=True)
class Hook:
    """What has come so far."""

    receiver: Receiver
    secret: str = ""
    got: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # ids by device
    arrivals: dict[str, Arrival] = field(default_factory=dict)  # by id
    repeats: int = 0
    forged: int = 0

    @property
    def events(self) -> int:
        """How many different ones."""
        return len(self.arrivals)

    async def subscribe(self, server: BoundaryServer, layer: str) -> None:
        """Have the service tell of a layer."""
        wanted = {"url": self.receiver.url, "layers": [layer]}
        made = await asyncio.to_thread(lambda: server.post("webhooks", body=wanted))
        self.secret = made["secret"]

    def take(self, got: Got) -> Reply:
        """One delivery."""
        now_s = time.perf_counter()
        self.receiver.got.clear()  # so that memory stays as it is
        self.receiver.taken.clear()
        if not signed(self.secret, got):
            self.forged += 1
            return Reply(401)
        its = msgspec.json.decode(got.body, type=_Event)
        if its.id in self.arrivals:
            self.repeats += 1
        else:
            self.arrivals[its.id] = Arrival(its.subject, ms_of(its.data.confirmed_at), now_s)
            self.got[its.subject].append(its.id)
        return Reply(204, b"")


def signed(secret: str, got: Got) -> bool:
    """Whether whoever sent it knows the secret, and has sent it just now."""
    ident, sent = got.headers.get("webhook-id", ""), got.headers.get("webhook-timestamp", "")
    if not sent.isdigit() or abs(time.time() - int(sent)) > _FRESH_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = hmac.new(key, f"{ident}.{sent}.".encode() + got.body, hashlib.sha256).digest()
    text = f"v1,{base64.b64encode(wanted).decode()}"
    return text in got.headers.get("webhook-signature", "").split()


@asynccontextmanager
async def hooked() -> AsyncIterator[Hook]:
    """One that listens meanwhile."""
    async with receiving() as receiver:
        its = Hook(receiver)
        receiver.reply = its.take
        yield its
