"""What each engine needs so that the contract suite can run on it; all that is specific to one is here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from stream.port import Log, Topic
from stream.sqlite import SqliteLog, open_log

TIME_LIMIT_S = 60

Story = Callable[..., Awaitable[Any]]


class Engine(Protocol):
    """One log that outlives being opened and closed."""

    name: str

    def open(self) -> AbstractAsyncContextManager[Log]:
        """Open it; again and again, with the same records in it."""

    def named(self, topic: str) -> str:
        """A name for a topic or a group that nobody else has."""

    async def settle(self, log: Log) -> None:
        """Wait until retention and compaction have done what is due."""


class Sqlite:
    """A file in a folder of the test's own."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.db"

    def open(self) -> AbstractAsyncContextManager[Log]:
        return open_log(self.path)

    def named(self, topic: str) -> str:
        return topic

    async def settle(self, log: Log) -> None:
        assert isinstance(log, SqliteLog)
        await log.upkeep()


ENGINES: dict[str, Callable[[Path], Engine]] = {"sqlite": Sqlite}


def play(engine: Engine, story: Story, *topics: Topic) -> Any:
    """Open a log, make these topics, and tell the story with the log and their names."""

    async def told() -> Any:
        named = [replace(topic, name=engine.named(topic.name)) for topic in topics]
        async with engine.open() as log:
            await log.create(named)
            return await story(log, *(topic.name for topic in named))

    return asyncio.run(asyncio.wait_for(told(), TIME_LIMIT_S))
