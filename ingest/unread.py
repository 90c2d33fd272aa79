"""How far behind the worker is, and whether retention comes near what it has not read.

Beside `worker`, over the partitions that it holds. Invariant: whoever reads the worker's lines or its metrics hears of
it while half of the time is left, whether the partition runs slowly or waits for somebody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, State, Status, tell
from ingest.topics import PINGS
from stream.port import Log, LogError, Standing

_NEAR = 0.5  # of the time for which records are kept


async def watch(log: Log, settings: WorkerSettings, status: Status, now_ms: Callable[[], int]) -> None:
    """Look every `watch_s`, for ever; after a failure sooner, as the worker is not ready until the log has answered."""
    failures = 0
    while True:
        try:
            await look(log, settings, status, now_ms())
            status.silent, failures = "", 0
        except LogError as error:
            status.silent, failures = str(error), failures + 1
            tell(logging.WARNING, "unread_unknown", reason=error)
        except Exception as error:  # nobody awaits this task: what kills it would never be heard of
            failures += 1
            tell(logging.ERROR, "unread_unknown", reason=f"{type(error).__name__}: {error}")
        doubled = settings.backoff_s * 2 ** min(failures - 1, 30)
        await asyncio.sleep(min(settings.watch_s, doubled) if failures else settings.watch_s)


async def look(log: Log, settings: WorkerSettings, status: Status, now_ms: int) -> None:
    """Note for each partition what is unread and how old it is, and say where it will soon be lost."""
    kept_ms = await log.keeps_ms(PINGS)
    standing = await log.standing(PINGS, group=settings.group)
    for partition, one in list(status.partitions.items()):  # others may come meanwhile
        if one.state is not State.LEFT and partition in standing:
            await _note(log, one, standing[partition], now_ms)
            one.kept_ms, one.answered_ms = kept_ms, now_ms
            if kept_ms is not None and one.unread_ms > kept_ms * _NEAR:
                _alert(one, kept_ms)


async def _note(log: Log, one: PartitionStatus, standing: Standing, now_ms: int) -> None:
    """What is unread, and the age of its oldest record."""
    start = max(standing.begin, standing.committed or 0)
    one.unread, one.unread_ms = max(0, standing.end - start), 0
    if one.unread:
        async for batch in log.read(PINGS, one.partition, start=start, to_end=True, most=1):
            one.unread_ms = max(0, now_ms - batch.times_ms[0])
            return
        one.unread = 0  # the ends of transactions have offsets too


def _alert(one: PartitionStatus, kept_ms: int) -> None:
    tell(
        logging.ERROR if one.unread_ms >= kept_ms else logging.WARNING,
        "input_at_risk",
        partition=one.partition,
        unread=one.unread,
        oldest_s=one.unread_ms // 1000,
        kept_s=kept_ms // 1000,
        hint="more workers, or keep the topic longer: docs/worker.md, Retention",
    )
