"""A dry run as a program of its own: reads a log and tells what a version would change, writing nothing anywhere.

Started by `dry_runs` as `python -m service.dry_run`, its order on standard input. It says how far it is on standard
output, a JSON object a line; the last has the result. Invariant: it opens the log to read, and ends with who began it.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import msgspec

from boundaries.errors import BoundaryError
from boundaries.shelf import Shelf
from boundaries.trial.at_once import TracksRead
from boundaries.trial.replaying import PingsRead
from boundaries.trial.running import Plan, Progress, try_out
from geofence.atlas import Atlas
from geofence.region import Version
from ingest.reading import Reader, Run
from ingest.restoring import ROWS, split
from ingest.settings import WorkerSettings
from ingest.topics import PINGS, TRACKS
from service.logs import open_log
from service.source import Unusable
from stream.port import LogError

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. Versions by their hashes; all of them are on the shelf."""

    log: str
    shelf: str
    before: str
    after: str
    known: list[str]
    partitions: int
    at_once: bool
    since_ms: int | None  # replay what was received since; None: don't


class Said(msgspec.Struct, omit_defaults=True):
    """A line: how far it is, or the end."""

    stage: str = ""
    done: int = 0
    total: int = 0
    failed: str = ""
    result: Any = None


def tracks_of(log_url: str, partition: int) -> Iterator[TracksRead]:
    """The rows of a partition, as a worker restores them."""

    async def read() -> AsyncIterator[TracksRead]:
        async with open_log(log_url, read_only=True) as log:
            async for batch in log.read(TRACKS, partition, to_end=True, most=ROWS):
                yield split(batch)

    return _blocking(read())


def pings_of(log_url: str, since_ms: int, partition: int) -> Iterator[PingsRead]:
    """The readable records that a partition has received since."""

    async def read() -> AsyncIterator[PingsRead]:
        async with open_log(log_url, read_only=True) as log:
            reader = Reader(partition, await log.partitions(PINGS), WorkerSettings().value_bytes)
            start = await log.offset_at(PINGS, partition, time_ms=since_ms)
            async for batch in log.read(PINGS, partition, start=start, to_end=True):
                yield [one.pings if isinstance(one, Run) else one.control for one in reader.read(batch)[0]]

    return _blocking(read())


def _blocking(source: AsyncIterator[T]) -> Iterator[T]:
    """What an asynchronous iterator gives, in an event loop of its own."""
    with asyncio.Runner() as runner:

        async def following() -> T | None:
            return await anext(source, None)

        try:
            while (one := runner.run(following())) is not None:
                yield one
        finally:
            runner.run(aclosing(source).__aexit__())  # type: ignore[type-var]


def shelved(folder: str, version: Version) -> Atlas:
    """The atlas of a version, from the shelf."""
    atlas = Shelf(folder).atlas(version.hash)
    if atlas is None:
        raise BoundaryError(f"version {version.hash[:12]} is not on the shelf {folder} any more. Try again.")
    return atlas


def plan_of(order: Order) -> Plan:
    """The same in the words of who does it."""
    at = {key: _version(order.shelf, key) for key in {order.before, order.after, *order.known}}
    return Plan(
        before=at[order.before],
        after=at[order.after],
        known=tuple(at.values()),
        partitions=order.partitions,
        tracks=partial(tracks_of, order.log) if order.at_once else None,
        pings=partial(pings_of, order.log, order.since_ms) if order.since_ms is not None else None,
        make_atlas=partial(shelved, order.shelf),
    )


def _version(shelf: str, key: str) -> Version:
    found = Shelf(shelf).version(key)
    if found is None:
        raise BoundaryError(f"version {key[:12]} is not on the shelf {shelf} any more. Try again.")
    return found


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def _tell(progress: Progress) -> None:
    stage = f"{progress.rows:,} tracks, {progress.pings:,} pings"
    _say(Said(stage, progress.partitions, progress.of))


def main() -> None:
    """Do what the order says."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
        result = try_out(plan_of(order), on_progress=_tell)
    except (BoundaryError, LogError, Unusable) as error:
        _say(Said(failed=str(error)))
    else:
        _say(Said(result=result))


if __name__ == "__main__":
    main()
