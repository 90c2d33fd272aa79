"""The tide for a process that only reads: it looks at the file now and then, while somebody waits.

`PRAGMA data_version` changes when another connection has committed; asking costs microseconds and no disk.
Invariant: what was committed is seen within `every_s`, and at once by who looks.
"""

from __future__ import annotations

import asyncio
from sqlite3 import Connection

from stream.port import LogError
from stream.sqlite import shelf
from stream.sqlite.faults import telling
from stream.sqlite.readers import Readers
from stream.sqlite.tide import Tide


class WatchedTide(Tide):
    """Ends as they were when last looked at."""

    def __init__(self, readers: Readers) -> None:
        super().__init__({})
        self._readers = readers

    async def look(self) -> None:
        """Read the ends anew."""
        ends = await self._readers.ask(shelf.ends)
        grown = {part: end for part, end in ends.items() if end != self.ends.get(part)}
        if grown:
            self.rise(grown)

    async def watch(self, connection: Connection, every_s: float) -> None:
        """Look again whenever the file has changed, for ever. The connection is this watch's own."""
        seen = None
        while True:
            await asyncio.sleep(every_s)
            if not self.awaited:
                continue
            try:
                with telling(self._readers.path):
                    version = await asyncio.to_thread(_version, connection)
                if version != seen:
                    await self.look()
                    seen = version
            except LogError:  # who reads is told of it by the read itself; the watch tries again
                seen = None


def _version(connection: Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
