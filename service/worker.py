"""`geofence worker`: pings in from the log, region changes out, until it is told to stop.

Puts the worker of `ingest` together with region files, a log and the signals of the system. Invariant: the first
SIGTERM or SIGINT ends it in order, with what is in flight committed.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from functools import partial

from geofence.atlas import Atlas
from geofence.region import Version
from ingest.restoring import FenceMaker
from ingest.settings import WorkerSettings
from ingest.status import Status, tell
from ingest.topics import PINGS
from ingest.worker import work
from service.layers import part_versions
from service.logs import ensure_topics, open_log
from service.replay import check_source, checked_fence
from stream.port import Log

_IDLE_S = 0.2


async def run_worker(
    url: str, versions: Sequence[Version], settings: WorkerSettings, *, engine: str, until_idle: bool
) -> None:
    """Work on the log until a signal comes; with `until_idle`, until all that it holds is taken."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    check_source(settings.source)
    make_fence = fence_maker(versions, settings, engine)
    make_fence()  # say at once if the options don't go together
    stop, status = asyncio.Event(), Status()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_log(url) as log:
        await ensure_topics(log, url)
        watch = asyncio.create_task(_watch(log, status, settings.group, stop, until_idle))
        try:
            await work(log, make_fence, settings, status, stop)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    for one in sorted(status.partitions.values(), key=lambda one: one.partition):
        tell(logging.INFO, "done", partition=one.partition, offset=one.offset, **one.counts)


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
    """Say once that all partitions are ready; stop when nothing is left, if that is asked for."""
    ready = False
    while not stop.is_set():
        await asyncio.sleep(_IDLE_S)
        if status.ready and not ready:
            ready = True
            tell(logging.INFO, "ready", partitions=len(status.partitions))
        if until_idle and ready:
            standing = await log.standing(PINGS, group=group)
            if all((one.committed or 0) >= one.end for one in standing.values()):
                stop.set()
