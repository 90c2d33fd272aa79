"""Sends the crowd's pings as time passes.

Between `crowd` and whatever takes pings, a gateway or a log. Invariant: what was due while nobody drove (the machine
slept, sending took long) is left out rather than sent late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from geofence.ping import Ping
from service.demo.crowd import Crowd

LATE_MS = 30_000
LEAST_S, MOST_S = 0.05, 1.0


async def drive(
    crowd: Crowd,
    send: Callable[[list[Ping]], Awaitable[None]],
    now_ms: Callable[[], int],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send what is due, in order of time, until cancelled. What `send` raises ends it."""
    while True:
        now = now_ms()
        if crowd.next_ms() < now - LATE_MS:
            crowd.skip_until(now)
        due = crowd.pings_until(now)
        if due:
            await send(due)
        await sleep(min(max((crowd.next_ms() - now_ms()) / 1000.0, LEAST_S), MOST_S))
