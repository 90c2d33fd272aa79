"""Open a log, and close it again in the right order.

Invariant: once `open_log` is left, all that was acknowledged is on disk and another process may own the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from stream.sqlite import shelf
from stream.sqlite.faults import telling
from stream.sqlite.layout import open_reader, open_writer
from stream.sqlite.log import SqliteLog, clock_ms
from stream.sqlite.owner import Owner
from stream.sqlite.readers import Readers
from stream.sqlite.settings import Settings
from stream.sqlite.tide import Tide
from stream.sqlite.upkeep import Upkeep
from stream.sqlite.watch import WatchedTide
from stream.sqlite.writer import Writer


@asynccontextmanager
async def open_log(
    path: Path | str, *, read_only: bool = False, settings: Settings | None = None, now: Callable[[], int] = clock_ms
) -> AsyncIterator[SqliteLog]:
    """The log in this file, made if there is none (but not with `read_only`).

    One process at a time may open it to write. Raises Unavailable if another one has it, and says which; Unusable if
    the file can't be used, and says why. `now` gives the time in ms, for records without one and for retention.
    """
    opened = _reading if read_only else _owning
    async with opened(Path(path).resolve(), settings or Settings(), now) as log:
        yield log


@asynccontextmanager
async def _owning(path: Path, settings: Settings, now: Callable[[], int]) -> AsyncIterator[SqliteLog]:
    loop = asyncio.get_running_loop()
    owner = await asyncio.to_thread(Owner, path)
    try:
        connection = await asyncio.to_thread(open_writer, path, settings.lock_s)
        try:
            with telling(path):
                tide = Tide(shelf.ends(connection))
        except BaseException:
            connection.close()
            raise
        readers = Readers(path)
        writer = Writer(connection, path, tide, loop, settings.waiting_bytes, now)
        upkeep = Upkeep(path, readers, tide, writer, settings, now)
        rounds = asyncio.create_task(upkeep.run())
        try:
            yield SqliteLog(path, readers, tide, settings, now, (writer, upkeep))
        finally:
            rounds.cancel()
            await asyncio.gather(rounds, return_exceptions=True)
            tide.close()
            await asyncio.to_thread(readers.close)
            await asyncio.to_thread(writer.close)
    finally:
        owner.release()


@asynccontextmanager
async def _reading(path: Path, settings: Settings, now: Callable[[], int]) -> AsyncIterator[SqliteLog]:
    connection = await asyncio.to_thread(open_reader, path)
    readers = Readers(path)
    tide = WatchedTide(readers)
    watch = asyncio.create_task(tide.watch(connection, settings.watch_s))
    try:
        yield SqliteLog(path, readers, tide, settings, now, None)
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        tide.close()
        await asyncio.to_thread(readers.close)
        connection.close()
