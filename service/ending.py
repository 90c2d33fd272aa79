"""The end of a role: the first SIGTERM or SIGINT asks for it in order, and it comes even if something hangs.

Around whatever runs until it is told to stop. Invariant: an end that was cut off loses nothing that was acknowledged;
what was in flight is taken again by the next process, as after a kill.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.status import tell


@contextmanager
def ending(stop: asyncio.Event, *, within_s: float, also: tuple[signal.Signals, ...] = ()) -> Iterator[None]:
    """Have a signal set `stop`; what has not ended so long after it ends as a kill would have it.

    `also`: signals beside the two that do so.
    """
    loop, late = asyncio.get_running_loop(), threading.Timer(within_s, _end_late, (within_s,))  # the loop may be busy
    late.daemon = True
    asked = False

    def end(*_: object) -> None:
        nonlocal asked
        loop.call_soon_threadsafe(stop.set)
        if not asked:  # a second signal may come while the thread is still being started
            asked = True
            late.start()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT, *also)}
    try:
        yield
    finally:
        late.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_late(within_s: float) -> None:
    hint = "the log did not answer; what was in flight is taken again by the next worker"
    tell(logging.WARNING, "late", after_s=within_s, hint=hint)
    os._exit(0)
