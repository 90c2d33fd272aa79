"""`geofence worker`: pings in from the log, region changes out, until it is told to stop.

Puts the worker of `ingest` together with region files, a log and the signals of the system. Invariant: the first
SIGTERM or SIGINT ends it in order, with what is in flight committed, within `_END_S` whatever hangs.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ingest.fences import Fences
from ingest.settings import WorkerSettings
from ingest.status import State, Status, tell
from ingest.topics import PINGS, topics
from ingest.worker import work
from service.ending import ending
from service.fences import Layers
from service.interpreter import tune
from service.log_lines import logging_to_stderr
from service.logs import ensure_topics, open_log
from service.replay import check_source
from service.source import Unusable
from stream.port import Log, Unavailable

_IDLE_S = 0.2
DECISIVE = ("topic", "partitions", "cleanup", "cleanup.policy")  # with these wrong, state would be lost
_END_S = 4.5  # from the signal to the end, at most
_GIVEN_S = 10.0  # a worker that is given no partition for so long is one too many


async def run_worker(
    url: str,
    layers: Layers,
    settings: WorkerSettings,
    *,
    until_idle: bool,
    health: str | None = None,
) -> None:
    """Work on the log until a signal comes; with `until_idle`, until all that it holds is taken.

    At `health`, an address, it answers how it is doing.
    """
    check_source(settings.source)
    tune()
    stop, status = asyncio.Event(), Status()
    with logging_to_stderr(), ending(stop, within_s=_END_S):
        async with open_log(url) as log, _health(status, url, health):
            await ensure_topics(log, url)
            await work_on(log, layers, settings, status, stop, until_idle=until_idle)
        for one in sorted(status.partitions.values(), key=lambda one: one.partition):
            tell(logging.INFO, "done", partition=one.partition, offset=one.offset, **one.counts)


async def work_on(
    log: Log, layers: Layers, settings: WorkerSettings, status: Status, stop: asyncio.Event, *, until_idle: bool = False
) -> None:
    """Work on a log that is open until `stop` is set. Raises Unusable where its topics are not as they must be."""
    await _check_topics(log)
    async with layers(settings, status, stop) as fences:
        await _work(log, fences, settings, status, stop, until_idle)


async def _work(
    log: Log, fences: Fences, settings: WorkerSettings, status: Status, stop: asyncio.Event, until_idle: bool
) -> None:
    watch = asyncio.create_task(_watch(log, status, settings.group, stop, until_idle))
    watch.add_done_callback(lambda _: stop.set())  # whatever ends it: a worker that was to stop must not wait for ever
    try:
        await work(log, fences, settings, status, stop)
    finally:
        watch.cancel()
        (ended,) = await asyncio.gather(watch, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


async def _check_topics(log: Log) -> None:
    """Warn of topics that are not as they should be. Raises Unusable where nothing could be written rightly."""
    wrong = await log.check(topics(await log.partitions(PINGS)))
    for one in wrong:
        if one.setting in DECISIVE:
            raise Unusable(f"{one.topic}: {one.setting} is {one.found}; it must be {one.wanted}. {one.fix}")
        tell(logging.WARNING, "topic", topic=one.topic, setting=one.setting, found=one.found, wanted=one.wanted,
             fix=one.fix)  # fmt: skip


@asynccontextmanager
async def _health(status: Status, url: str, address: str | None) -> AsyncIterator[None]:
    """Answer at the address meanwhile, if there is one."""
    if address is None:
        yield
        return
    from ingest.health import worker_health
    from service.disks import disk_of
    from service.http import serving

    async with serving(worker_health(status, *disk_of(url)), address):
        tell(logging.INFO, "listening", health=f"http://{address}/health/ready", metrics=f"http://{address}/metrics")
        yield


async def _watch(log: Log, status: Status, group: str, stop: asyncio.Event, until_idle: bool) -> None:
    """Say once that all partitions are ready; end when nothing is left to do, if that is asked for.

    Raises Unusable if it is, and a partition waits for somebody to do something.
    """
    ready, begun = False, time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(_IDLE_S)
        if status.running and not ready:
            ready = True
            tell(logging.INFO, "ready", partitions=len(status.partitions))
        blocked = [one for one in status.partitions.values() if one.state is State.BLOCKED]
        if until_idle and blocked:
            raise Unusable(f"partition {blocked[0].partition} is blocked: {blocked[0].reason}")
        idle = until_idle and (status.running or (not status.held and time.monotonic() - begun > _GIVEN_S))
        if idle and not await _is_left(log, group) and not _is_moving(status):
            return


def _is_moving(status: Status) -> bool:
    """Whether a switch has devices left to move, or may have."""
    return any(one.state is not State.RUNNING or one.sweeping for one in status.held)


async def _is_left(log: Log, group: str) -> bool:
    """Whether there is input that the group has not taken. Offsets do not tell: a transaction's end has one too."""
    try:
        for partition, one in (await log.standing(PINGS, group=group)).items():
            if (one.committed or 0) < one.end:
                async for _ in log.read(PINGS, partition, start=one.committed or 0, to_end=True, most=1):
                    return True
    except Unavailable as error:
        tell(logging.WARNING, "idle_unknown", reason=error)
        return True
    return False
