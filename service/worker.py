"""`geofence worker`: pings in from the log, region changes out, until it is told to stop.

Puts the worker of `ingest` together with region files, a log and the signals of the system. Invariant: the first
SIGTERM or SIGINT ends it in order, with what is in flight committed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from geofence.atlas import Atlas
from geofence.region import Version
from ingest.restoring import FenceMaker
from ingest.settings import WorkerSettings
from ingest.status import State, Status, tell
from ingest.topics import PINGS
from ingest.worker import work
from service.layers import part_versions
from service.logs import ensure_topics, open_log
from service.replay import check_source, checked_fence
from service.source import Unusable
from stream.port import Log

_IDLE_S = 0.2


async def run_worker(
    url: str, versions: Sequence[Version], settings: WorkerSettings, *, engine: str, until_idle: bool
) -> None:
    """Work on the log until a signal comes; with `until_idle`, until all that it holds is taken."""
    check_source(settings.source)
    make_fence = fence_maker(versions, settings, engine)
    make_fence()  # say at once if the options don't go together
    spare_the_collector()
    stop, status = asyncio.Event(), Status()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with _told_on_stderr():
        async with open_log(url) as log:
            await ensure_topics(log, url)
            await _work(log, make_fence, settings, status, stop, until_idle)
        for one in sorted(status.partitions.values(), key=lambda one: one.partition):
            tell(logging.INFO, "done", partition=one.partition, offset=one.offset, **one.counts)


def spare_the_collector() -> None:
    """Let the collector of cycles look at new objects a hundred times as seldom, and at what is there now never.

    A batch is tens of thousands of objects that all go by themselves; looking at them takes a fifth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


async def _work(
    log: Log, make_fence: FenceMaker, settings: WorkerSettings, status: Status, stop: asyncio.Event, until_idle: bool
) -> None:
    watch = asyncio.create_task(_watch(log, status, settings.group, stop, until_idle))
    try:
        await work(log, make_fence, settings, status, stop)
    finally:
        watch.cancel()
        (ended,) = await asyncio.gather(watch, return_exceptions=True)
    if isinstance(ended, Unusable):
        raise ended


@contextmanager
def _told_on_stderr() -> Iterator[None]:
    """The worker's log goes to standard error meanwhile."""
    handler, log = logging.StreamHandler(sys.stderr), logging.getLogger("geofence.worker")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)


def fence_maker(versions: Sequence[Version], settings: WorkerSettings, engine: str) -> FenceMaker:
    """How to make the fence of a partition: the first version of each layer in force, each atlas built once."""
    first, library = part_versions(versions)
    atlases = {version.hash: Atlas(version, engine) for version in versions}
    return partial(
        checked_fence,
        first,
        engine=engine,
        consent=settings.consent,
        forget_after_s=settings.forget_after_s,
        max_age_s=settings.max_age_s,
        library=library,
        atlases=atlases,
        sweep_devices=settings.sweep_devices,
    )


async def _watch(log: Log, status: Status, group: str, stop: asyncio.Event, until_idle: bool) -> None:
    """Say once that all partitions are ready; stop when nothing is left, if that is asked for.

    Raises Unusable if it is, and a partition waits for somebody to do something.
    """
    ready = False
    while not stop.is_set():
        await asyncio.sleep(_IDLE_S)
        if status.ready and not ready:
            ready = True
            tell(logging.INFO, "ready", partitions=len(status.partitions))
        blocked = [one for one in status.partitions.values() if one.state is State.BLOCKED]
        if until_idle and blocked:
            stop.set()
            raise Unusable(f"partition {blocked[0].partition} is blocked: {blocked[0].reason}")
        if until_idle and ready and not await _is_left(log, group):
            stop.set()


async def _is_left(log: Log, group: str) -> bool:
    """Whether there is input that the group has not taken. Offsets do not tell: a transaction's end has one too."""
    for partition, one in (await log.standing(PINGS, group=group)).items():
        if (one.committed or 0) < one.end:
            async for _ in log.read(PINGS, partition, start=one.committed or 0, to_end=True, most=1):
                return True
    return False
