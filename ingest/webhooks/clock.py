"""The time that webhooks go by: given, so that days pass in a test without waiting.

Deadlines of sockets are not among it: those are real.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time, and waits."""

    def now_ms(self) -> int:
        """Unix milliseconds."""

    async def sleep(self, seconds: float) -> None:
        """Return after so long."""


class WallClock:
    """The machine's."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Return after so long."""
        await asyncio.sleep(seconds)
