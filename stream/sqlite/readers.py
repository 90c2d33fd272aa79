"""Threads that read the file, a connection each, so that the event loop never waits for the disk.

Invariant: a read sees one moment of the file, and holds none for longer than it takes.
"""

from __future__ import annotations

import sqlite3
import threading
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stream.port import Unavailable
from stream.sqlite.faults import telling
from stream.sqlite.layout import open_reader

T = TypeVar("T")
_THREADS = 2


class Readers:
    """A few threads with a connection each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._closed = False
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"log reader {path.name}")

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Put a question to the file. Raises Unavailable and Unusable."""
        if self._closed:
            raise Unavailable(f"{self.path}: the log has been closed")
        return await get_running_loop().run_in_executor(self._pool, self.ask_here, question)

    def ask_here(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """The same in this thread, which may not be the event loop's."""
        with telling(self.path):
            return question(self._connection())

    def close(self) -> None:
        """End them; to be called off the event loop."""
        self._closed = True
        self._pool.shutdown()
        for connection in self._open:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = open_reader(self.path)
            self._open.append(connection)
        return connection
