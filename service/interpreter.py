"""The interpreter, set for a process that takes batches and hands them to threads.

Called once by what runs for long. Invariant: results are the same without it; they come later.
"""

from __future__ import annotations

import gc
import sys

_TURN_S = 0.0002


def tune() -> None:
    """Let the collector of cycles look seldom, and a thread that waits for its turn have it soon.

    A batch is tens of thousands of objects that all go by themselves; looking at them takes a fifth of the time. So new
    ones are looked at seventy times as seldom, and what is there now never. The embedded log's writer needs a turn
    after each statement; at the default of 5 ms a commit waits for the event loop longer than for the disk.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)
    sys.setswitchinterval(_TURN_S)
