"""Phones that cross a border again and again, through whichever of two gateways answers. Not a test itself.

Each sends one ping at a time and goes on once it is acknowledged, as an SDK would: where a gateway is away or says
that it can't take it now, it sends the same ping to the other one.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

STEP_S, IN_A_ROW = 300, 2  # of a phone's own clock, between two pings; pings on each side
DAYS_BACK_S = 3 * 86_400  # its clock begins so long ago: it may go faster than ours
LAT, DEEP, NEAR = 0.02, (0.01, 0.07), (0.04, 0.06)  # both cross 0.05; only the first cross 0.03 too
_AGAIN_S = 0.1


@dataclass
class Traveller:
    """One phone, and how its app speaks."""

    number: int
    user: str
    sides: tuple[float, float]
    rests: bool = False  # once it has been on the first side for a while
    owntracks: bool = False
    sent: int = 0

    @property
    def device(self) -> str:
        """Its name."""
        return f"{self.user}:phone{self.number}" if self.owntracks else f"{self.user}-{self.number}"

    def ping(self, begun_s: int) -> dict[str, Any]:
        """Its next one."""
        side = self.sides[0 if self.rests else self.sent // IN_A_ROW % 2]
        time_ms = 1000 * (begun_s + STEP_S * self.sent)
        return {"device": self.device, "lon": side, "lat": LAT, "accuracy_m": 10, "time_ms": time_ms}


def crew(many: int, resting: int) -> list[Traveller]:
    """Half of them cross deep, half near; every other one speaks as OwnTracks does; some rest."""
    moving = [Traveller(n, "crew", DEEP if n % 4 < 2 else NEAR, owntracks=n % 2 == 1) for n in range(many)]
    return moving + [Traveller(n, "rest", NEAR, rests=True) for n in range(resting)]


@dataclass
class Traffic:
    """All of them under way, in a thread of its own; what was acknowledged, and when it was first posted."""

    gateways: Sequence[str]
    key: str
    travellers: Sequence[Traveller]
    every_s: float
    acknowledged: dict[tuple[str, int], float] = field(default_factory=dict)
    answered_s: list[float] = field(default_factory=list)
    again: int = 0  # posts that were sent again, to the other gateway
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Get ready."""
        self._begun_s = int(time.time()) - DAYS_BACK_S
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Have each finish what it has begun."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    async def _all(self) -> None:
        async with httpx.AsyncClient(timeout=15, limits=httpx.Limits(keepalive_expiry=5)) as client:
            await asyncio.gather(*(self._travel(client, one) for one in self.travellers))

    async def _travel(self, client: httpx.AsyncClient, one: Traveller) -> None:
        await asyncio.sleep(self.every_s * one.number / len(self.travellers))
        while not self._stop.is_set() and not (one.rests and one.sent == IN_A_ROW):
            due = time.monotonic() + self.every_s
            await self._deliver(client, one, one.ping(self._begun_s))
            one.sent += 1
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _deliver(self, client: httpx.AsyncClient, one: Traveller, ping: dict[str, Any]) -> None:
        """Until it is acknowledged."""
        first, tries = time.time(), 0
        while True:
            url = self.gateways[(one.number + one.sent + tries) % len(self.gateways)]
            begun, tries = time.time(), tries + 1
            try:
                answer = await self._post(client, url, one, ping)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                break
            if answer is not None and answer.status_code not in (429, 503):
                self.refused.append(f"{answer.status_code} {answer.text}")
                return
            self.again += 1
            await asyncio.sleep(_AGAIN_S)
        self.answered_s.append(time.time() - begun)
        self.acknowledged[one.device, ping["time_ms"]] = first

    async def _post(self, client: httpx.AsyncClient, url: str, one: Traveller, ping: dict[str, Any]) -> httpx.Response:
        if not one.owntracks:
            return await client.post(f"{url}/v1/pings", json=ping, headers={"Authorization": f"Bearer {self.key}"})
        secret = base64.b64encode(f"{one.user}:{self.key}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "X-Limit-U": one.user, "X-Limit-D": f"phone{one.number}"}
        message = {"_type": "location", "lon": ping["lon"], "lat": ping["lat"], "acc": ping["accuracy_m"],
                   "tst": ping["time_ms"] // 1000}  # fmt: skip
        return await client.post(f"{url}/v1/clients/owntracks", json=message, headers=headers)
