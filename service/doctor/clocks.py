"""Clocks: leases, signs of life and times of records need those of all machines to agree.

Invariant: what can't be told from here is said to be unknown, not well. A record's time is that of the machine that
has appended it: one from the future tells of a clock that is wrong; one from the past may just be old.
"""

from __future__ import annotations

import asyncio
import time

from ingest.topics import PINGS
from service.doctor.finding import Finding, error, ok, unknown, warning
from service.doctor.setup import Setup

CLOCK = "clock"
SLACK_MS = 2_000  # of latency, and of clocks that are well kept
WRONG_MS = 10_000  # from here on leases and signs of life go wrong
_REMEDY = "Keep the clocks of all machines by NTP, and look at the one that is off."


async def check_catalog_clock(setup: Setup) -> list[Finding]:
    """Compare this machine with the catalog's database."""
    before = time.time_ns() // 1_000_000
    there = await asyncio.to_thread(setup.opened_catalog.clock.now_ms)
    after = time.time_ns() // 1_000_000
    if there is None:
        return [ok(CLOCK, "the catalog is a file of this machine, with no clock of its own")]
    ahead_ms = max(0, there - after) - max(0, before - there)  # what the question itself took tells nothing
    return [_judged(f"the catalog's database is {_words(ahead_ms)} this machine", abs(ahead_ms))]


async def check_log_clock(setup: Setup) -> list[Finding]:
    """Compare this machine with those that have appended the newest records."""
    log, ahead_ms = setup.opened_log, 0
    now_ms = time.time_ns() // 1_000_000
    for partition in range(setup.partitions or 0):
        start = await log.offset_at(PINGS, partition, time_ms=now_ms + SLACK_MS)
        async for batch in log.read(PINGS, partition, start=start, to_end=True, most=1000):
            ahead_ms = max(ahead_ms, *(one - now_ms for one in batch.times_ms))
            break
    if ahead_ms > SLACK_MS:
        return [_judged(f"records of {PINGS} are {ahead_ms / 1000:.1f} s from the future", ahead_ms)]
    told = "no record is from the future; that an appending machine's clock is behind can't be told from here"
    kafka = "" if setup.places.embedded else "; brokers tell nobody their time"
    return [ok(CLOCK, told + kafka) if setup.partitions else unknown(CLOCK, f"there are no {PINGS} to look at")]


async def check_worker_clocks(setup: Setup) -> list[Finding]:
    """Compare this machine with the workers that have reported."""
    workers = await asyncio.to_thread(setup.opened_catalog.fleet.workers)
    now_ms = time.time_ns() // 1_000_000
    ahead = [(one.seen_ms - now_ms, one) for one in workers if one.seen_ms - now_ms > SLACK_MS]
    return [
        _judged(f"the worker on {one.host} is {_words(ahead_ms)} this machine", ahead_ms) for ahead_ms, one in ahead
    ]


def _judged(told: str, off_ms: int) -> Finding:
    if off_ms > WRONG_MS:
        return error(CLOCK, told, _REMEDY)
    return warning(CLOCK, told, _REMEDY) if off_ms > SLACK_MS else ok(CLOCK, told)


def _words(ahead_ms: int) -> str:
    if abs(ahead_ms) < 100:
        return "within 0.1 s of"
    return f"{abs(ahead_ms) / 1000:.1f} s {'ahead of' if ahead_ms > 0 else 'behind'}"
