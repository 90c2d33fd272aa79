"""Sends as docs/sdk.md has it: oldest first, one request at a time, kept until 202, and patient in between.

Between `phones` and the service. Invariant: `done` of a lane says which of its pings have been acknowledged, and it
never says too much: all before it and none after.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from tests.soak.phones import Phones
from tests.soak.posting import Poster

BATCH, MOST = 100, 500  # pings in a request, and when there is much to make up for
_LONGEST_S = 300.0
ACCEPTED = 202


class Taken(msgspec.Struct):
    """What a 202 says."""

    accepted: int
    rejected: list[msgspec.Raw]


@dataclass(slots=True)
class Load:
    """Lanes that send side by side; `at_once`: as fast as they are answered, not when a ping is due."""

    phones: Phones
    host: str
    port: int
    keys: Sequence[str]
    at_once: bool = False
    pace: float = 1.0  # the part of an SDK's waits that is waited
    done: list[int] = field(default_factory=list)
    accepted: int = 0
    rejected: int = 0
    statuses: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Nothing is sent yet."""
        self.done = [0] * self.phones.lanes

    @property
    def acknowledged(self) -> int:
        """Pings, rejected ones too."""
        return sum(self.done)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until it is told to stop, and then until all that is under way is acknowledged."""
        async with asyncio.TaskGroup() as group:
            for lane in range(self.phones.lanes):
                group.create_task(_Lane(self, lane).run(stop))


class _Lane:
    """One connection and what it sends."""

    def __init__(self, load: Load, lane: int) -> None:
        self._load, self._lane = load, lane
        self._chance = random.Random(lane)
        key = load.keys[lane % len(load.keys)]
        self._post = Poster(load.host, load.port, "/v1/pings", f"Bearer {key}")

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not (many := self._due()):
                await asyncio.sleep(0.01)
                continue
            first = self._load.done[self._lane]
            await self._deliver(self._load.phones.body(self._lane, first, first + many))
            self._load.done[self._lane] = first + many
        await self._post.closed()

    def _due(self) -> int:
        """How many pings to send now; 0: too few are due yet."""
        if self._load.at_once:
            return BATCH
        first, now_ms = self._load.done[self._lane], time.time_ns() // 1_000_000
        due = self._load.phones.due_ms(self._lane, np.arange(first, first + MOST)) <= now_ms
        many = int(due.sum())
        return many if many >= BATCH else 0

    async def _deliver(self, body: bytes) -> None:
        """Until it is acknowledged."""
        failures = 0
        while True:
            answer = await self._post.post(body)
            self._load.statuses[str(answer.status or "none")] += 1
            if answer.status == ACCEPTED:
                its = msgspec.json.decode(answer.body, type=Taken)
                self._load.accepted += its.accepted
                self._load.rejected += len(its.rejected)
                return
            failures += 1
            wait_s = self._chance.uniform(0, min(_LONGEST_S, 2**failures))
            await asyncio.sleep(max(answer.after_s, wait_s * self._load.pace))
