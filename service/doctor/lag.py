"""How far behind the workers are, and partitions that stand still.

Offsets alone do not tell: the end of a transaction has one too. So where a group is behind by its offsets, the oldest
unread record is looked for. Invariant: a partition is called stuck only if it was looked at twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.topics import PINGS
from service.doctor.finding import Finding, error, ok, unknown, warning
from service.doctor.setup import Setup
from stream.port import Log, Standing

LAG = "lag"
_LATE_MS = 30_000  # of the oldest unread record: warned from here on
_STUCK_MS = 60_000
_LOOK_S = 2.0  # between two looks
_LOST_SHARE = 0.8  # of what retention leaves it
_LOGS = "Look at the log and at /health/ready of the worker that holds them: both say why."


@dataclass(frozen=True, slots=True)
class Behind:
    """One partition with unread records."""

    partition: int
    records: int  # at most: offsets
    age_ms: int  # of the oldest one
    committed: int


async def check_lag(setup: Setup) -> list[Finding]:
    """Records and seconds that the group is behind, and whether it moves."""
    if setup.partitions is None:
        return [unknown(LAG, f"there is no topic {PINGS}")]
    log, group = setup.opened_log, setup.places.group
    behind = await _behind(log, await log.standing(PINGS, group=group))
    if not behind:
        return [ok(LAG, f"nothing waits to be taken by {group}")]
    old = [one for one in behind if one.age_ms > _LATE_MS]
    stuck = await _stuck(log, group, [one for one in old if one.age_ms > _STUCK_MS])
    start = f"geofence worker {setup.places.log_option} {setup.places.catalog_option}"
    found = []
    if stuck:
        found.append(error(LAG, f"stuck: {_told(stuck)}; nothing was taken for {_LOOK_S:g} s", _LOGS, start))
    late = [one for one in old if one not in stuck]
    if late:
        slow = "docs/worker.md says what makes a worker slow."
        if setup.places.embedded:  # one process works on it: another one would be refused
            found.append(warning(LAG, f"late: {_told(late)}", f"Look again in a minute; {slow}"))
        else:
            found.append(warning(LAG, f"late: {_told(late)}", f"More workers take more partitions; {slow}", start))
    return found + await _lost_soon(log, old) or [ok(LAG, _told(behind))]


async def _behind(log: Log, standing: Mapping[int, Standing]) -> list[Behind]:
    """The partitions with something to read."""
    found = []
    for partition, one in sorted(standing.items()):
        start = one.begin if one.committed is None else max(one.committed, one.begin)
        if start >= one.end:
            continue
        async for batch in log.read(PINGS, partition, start=start, to_end=True, most=1):
            age_ms = max(0, time.time_ns() // 1_000_000 - batch.times_ms[0])
            found.append(Behind(partition, one.end - start, age_ms, start))
            break
    return found


async def _stuck(log: Log, group: str, old: Sequence[Behind]) -> list[Behind]:
    """Those that have not moved at a second look."""
    if not old:
        return []
    await asyncio.sleep(_LOOK_S)
    standing = await log.standing(PINGS, group=group)
    return [one for one in old if (standing[one.partition].committed or 0) <= one.committed]


async def _lost_soon(log: Log, old: Sequence[Behind]) -> list[Finding]:
    """Whether retention is about to take what was not read."""
    keeps_ms = await log.keeps_ms(PINGS)
    near = [one for one in old if keeps_ms is not None and one.age_ms > _LOST_SHARE * keeps_ms]
    if not near or keeps_ms is None:
        return []
    told = f"unread pings are nearly as old as they are kept ({keeps_ms / 3_600_000:g} h): {_told(near)}"
    return [error(LAG, told, f"Have them kept longer: raise the retention of {PINGS} until workers have caught up.")]


def _told(behind: Sequence[Behind]) -> str:
    records, oldest = sum(one.records for one in behind), max(one.age_ms for one in behind)
    where = ", ".join(str(one.partition) for one in behind[:12]) + (" ..." if len(behind) > 12 else "")
    return f"{records:,} records, the oldest {oldest / 1000:,.1f} s old, on partitions {where}"
