"""OwnTracks phones that cross a border with each post, and how long it takes until a webhook's receiver knows.

Beside the service and `hook`. Invariant: the time of an event counts from when the post of the ping that confirmed it
was begun, on the same clock as the receipt.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tests.soak.hook import Hook
from tests.soak.posting import Poster
from tests.soak.served import Served
from tests.soak.town import middle_of

PATH = "/v1/clients/owntracks"
_STEP_S = 120  # between two pings, by the phone's clock
_AGO_S = 5 * 86_400
_DELIVERED = 200


@dataclass(slots=True)
class Walker:
    """One phone, to and fro between the middles of two districts."""

    device: str
    poster: Poster
    sent_s: dict[int, float] = field(default_factory=dict)  # by the time of the ping in ms: when its post was begun

    async def cross(self, begun: int) -> None:
        """Post from the other district. Raises RuntimeError where that is not taken."""
        number = len(self.sent_s)
        lon, lat = middle_of(1 + number % 2, 1)
        tst = begun - _AGO_S + _STEP_S * number
        message = {"_type": "location", "lat": lat, "lon": lon, "acc": 12, "tst": tst, "tid": "ab", "t": "u"}
        self.sent_s[1000 * tst] = time.perf_counter()
        answer = await self.poster.post(msgspec.json.encode(message))
        if answer.status != _DELIVERED:
            raise RuntimeError(f"{self.device} was answered {answer.status}: {answer.body!r}")


def walkers(served: Served, many: int) -> Sequence[Walker]:
    """Phones that are enrolled, each with a key of its own as the password."""
    devices = [f"walker-{number}" for number in range(many)]
    keys = (served.key_of(device) for device in devices)
    return [
        Walker(device, Poster("127.0.0.1", served.port, PATH, _basic("jane", key)))
        for device, key in zip(devices, keys, strict=True)
    ]


async def walked(phones: Sequence[Walker], posts: int, every_s: float) -> None:
    """Each phone posts so many times, all of them spread over the time between two posts of one."""
    begun = int(time.time())

    async def walk(number: int, phone: Walker) -> None:
        await asyncio.sleep(every_s * number / len(phones))
        due_s = time.monotonic()
        for _ in range(posts):
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await phone.cross(begun)
            due_s += every_s
        await phone.poster.closed()

    async with asyncio.TaskGroup() as group:
        for number, phone in enumerate(phones):
            group.create_task(walk(number, phone))


def latencies_s(phones: Sequence[Walker], hook: Hook) -> Sequence[float]:
    """Of each event of theirs that has come: from the post that confirmed it to its receipt."""
    sent = {(phone.device, time_ms): at_s for phone in phones for time_ms, at_s in phone.sent_s.items()}
    came = {(one.device, one.confirmed_ms): one.at_s for one in hook.arrivals.values()}
    return [came[ping] - sent[ping] for ping in sent.keys() & came.keys()]


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
