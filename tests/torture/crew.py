"""The workers of a run: so many at a time, and how far they have come together.

Like a supervisor it puts another one in the place of each that ends without having been told to.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tests.torture.member import Member, Nursery
from tests.torture.town import PARTITIONS

_FINISH_S = 10.0


class Crew:
    """Members as they come and go."""

    def __init__(self, size: int, nursery: Nursery, now_ms: Callable[[], int], *, log_goes_away: bool = False) -> None:
        """With `log_goes_away` a worker may end when it finds no log at its start, as there may be no broker then."""
        self.size = self.least = size
        self._log_goes_away = log_goes_away
        self.now_ms = now_ms
        self.members: list[Member] = []
        self.states: Counter[str] = Counter()  # how often a partition failed, was blocked, ...
        self.strange: list[str] = []  # ends that nobody asked for
        self.freeze_ms: int | None = None  # where the clock stands in whoever is added
        self.listener: Callable[[Member, Mapping[str, Any]], None] = lambda member, message: None
        self._nursery = nursery
        self._done_ms = dict.fromkeys(range(PARTITIONS), 0)  # the newest input record that is committed
        self._committed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def open(self) -> None:
        """Start all of them."""
        for _ in range(self.size):
            await self.add()

    async def add(self) -> Member:
        """One more."""
        member = await self._nursery.member(self._hear)
        await member.begin(self.freeze_ms)
        self.members.append(member)
        return member

    async def close(self) -> None:
        """Kill whatever is left."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        for member in list(self.members):
            await member.kill()

    async def finish(self) -> None:
        """End all in order, by SIGTERM; whoever comes later has a clock that stands still."""
        self.size, self.freeze_ms = 0, self.freeze_ms or self.now_ms()
        for member in self.members:
            member.send(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_S):
                while self.members:
                    await asyncio.sleep(0.02)
        for member in list(self.members):
            self.strange.append(f"{member} did not end within {_FINISH_S:g} s of SIGTERM")
            await member.kill()

    @property
    def owners(self) -> list[Member]:
        """Who has said that it is ready and owns partitions."""
        return [member for member in self.members if member.owns]

    @property
    def all_owned(self) -> bool:
        """Whether every partition runs somewhere."""
        return len({partition for member in self.owners for partition in member.owned}) == PARTITIONS

    async def owner(self, draw: float, among: Sequence[Member] | None = None) -> Member:
        """One of those that own something, waited for."""
        while not (owners := [one for one in self.owners if among is None or one in among]):
            await asyncio.sleep(0.02)
        return owners[int(draw * len(owners))]

    async def settled(self) -> None:
        """Wait until every partition is owned."""
        while not self.all_owned:
            await asyncio.sleep(0.02)

    async def recovered(self, fault_ms: int) -> None:
        """Wait until each partition has committed a record that was received after a fault."""
        async with self._committed:
            await self._committed.wait_for(lambda: min(self._done_ms.values()) > fault_ms)

    def _hear(self, member: Member, message: Mapping[str, Any]) -> None:
        if message["say"] == "commit":
            partition = message["partition"]
            self._done_ms[partition] = max(self._done_ms[partition], message["time_ms"])
            self._later(self._tell_committed())
        elif message["say"] == "state":
            self.states[message["state"]] += 1
            if message["state"] == "blocked":
                self.strange.append(f"{member}: {message['why']}")
        elif message["say"] == "catalog":
            self.states[message["state"]] += 1
        elif message["say"] == "ended" and member in self.members:
            self.members.remove(member)
            found_no_log = self._log_goes_away and message["status"] == 1 and not member.opened
            asked = member.leaving or message["status"] == -9
            if not (asked or found_no_log):
                self.strange.append(f"{member} ended with {message['status']}")
            if not self._closing and len(self.members) < self.size:
                self._later(self._replace(0.0 if asked else 0.5))
        self.listener(member, message)

    async def _tell_committed(self) -> None:
        async with self._committed:
            self._committed.notify_all()

    async def _replace(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        if len(self.members) < self.size:
            await self.add()

    def _later(self, awaitable: Awaitable[object]) -> None:
        async def run() -> None:
            await awaitable

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
