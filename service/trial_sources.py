"""Where a dry run's tracks and pings come from: a log, opened anew in each process that works on a partition.

Between `boundaries.trial`, which knows no log, and `ingest`, which knows its topics. Invariant: only reads; a batch is
read while it is asked for and not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from boundaries.trial.at_once import TracksRead
from boundaries.trial.replaying import PingsRead
from ingest.reading import Reader, Run
from ingest.restoring import ROWS, split
from ingest.topics import PINGS, TRACKS
from service.logs import open_log
from stream.port import BEGINNING, Batch, Log

_MOST = 32_768  # records in a batch


@dataclass(frozen=True, slots=True)
class LogTracks:
    """The tracks of any partition of a log."""

    url: str

    def __call__(self, partition: int) -> Iterator[TracksRead]:
        """The rows, and the partition's own where it comes."""
        with _opened(self.url) as (loop, log):
            for batch in _batches(loop, log, TRACKS, partition, most=ROWS):
                yield split(batch)


@dataclass(frozen=True, slots=True)
class LogPings:
    """The pings of any partition of a log and its control records, as its worker reads them."""

    url: str
    value_bytes: int  # as the worker has it
    since_ms: int | None = None  # received then or later; None: all that are left

    def __call__(self, partition: int) -> Iterator[PingsRead]:
        """What can be read; what is refused unread is left out."""
        with _opened(self.url) as (loop, log):
            reader = Reader(partition, loop.run_until_complete(log.partitions(PINGS)), self.value_bytes)
            start = BEGINNING
            if self.since_ms is not None:
                start = loop.run_until_complete(log.offset_at(PINGS, partition, time_ms=self.since_ms))
            for batch in _batches(loop, log, PINGS, partition, start=start, most=_MOST):
                yield [item.pings if isinstance(item, Run) else item.control for item in reader.read(batch)[0]]


@contextmanager
def _opened(url: str) -> Iterator[tuple[asyncio.AbstractEventLoop, Log]]:
    """A log to read, and its loop; a bare one, since `asyncio.Runner` makes text of each batch that a call returns."""
    loop, stack = asyncio.new_event_loop(), AsyncExitStack()
    try:
        log = loop.run_until_complete(stack.enter_async_context(open_log(url, read_only=True)))
        try:
            yield loop, log
        finally:
            loop.run_until_complete(stack.aclose())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _batches(
    loop: asyncio.AbstractEventLoop, log: Log, topic: str, partition: int, *, start: int = BEGINNING, most: int
) -> Iterator[Batch]:
    read = aiter(log.read(topic, partition, start=start, to_end=True, most=most))

    async def following() -> Batch | None:
        return await anext(read, None)

    while (batch := loop.run_until_complete(following())) is not None:
        yield batch
