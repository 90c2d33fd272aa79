"""The publishers of a run: so many at a time, each replaced when it ends; on the embedded log they append through it.

As `crew` is for workers. Invariant: what a publisher has asked to be appended is appended once, and whether it was is
said to that publisher alone.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from stream.port import Record, Unavailable
from tests.torture.member import Member, Nursery

SIZE = 2
_END_S = 10.0

Append = Callable[[int, Sequence[Record]], Awaitable[None]]


class Desk:
    """Publishers as they come and go."""

    def __init__(self, nursery: Nursery, append: Append) -> None:
        self.members: list[Member] = []
        self._nursery, self._append, self._size = nursery, append, SIZE
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start all of them."""
        for _ in range(self._size):
            await self._add()

    async def close(self) -> None:
        """End all, in order if they do."""
        self._size = 0
        for member in list(self.members):
            member.send(signal.SIGCONT)
            member.send(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                while self.members:
                    await asyncio.sleep(0.02)
        for member in list(self.members):
            await member.kill()
        for task in self._tasks:
            task.cancel()

    async def _add(self) -> None:
        member = await self._nursery.member(self._hear, "publisher")
        self.members.append(member)
        await member.begin(None)

    def _hear(self, member: Member, message: Mapping[str, Any]) -> None:
        if message["say"] == "order":
            self._later(self._order(member, message))
        elif message["say"] == "ended" and member in self.members:
            self.members.remove(member)
            self._later(self._replace())

    async def _order(self, member: Member, message: Mapping[str, Any]) -> None:
        record = msgspec.convert(message["record"], Record)
        try:
            await self._append(message["partition"], [record])
        except Unavailable as error:
            member.tell(ordered=message["number"], why=str(error))
        else:
            member.tell(ordered=message["number"], why=None)

    async def _replace(self) -> None:
        await asyncio.sleep(0.2)
        if len(self.members) < self._size:
            await self._add()

    def _later(self, awaitable: Awaitable[None]) -> None:
        task = asyncio.ensure_future(awaitable)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
