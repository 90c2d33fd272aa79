"""Named points in a worker's process, where it dies, stops or fails when it was told so.

`hooks` and `watched` visit them, `process` arms them. Invariant: a point acts once each time it is armed, and says so
on standard output before it does.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from stream.port import Unavailable

SIDES = ("before", "after")


def both_sides(*steps: str) -> tuple[str, ...]:
    """The points before and after each step."""
    return tuple(f"{side} {step}" for step in steps for side in SIDES)


# The fence is the start of a partition's producer; an answer is that of one batch; seen: readers see the commit; a
# sweep is a commit that moves some devices to another version.
KAFKA_TAKING = (*both_sides("fence", "committed", "restore"), "amid restore")
KAFKA_COMMITTING = both_sides("begin", "send", "answer", "offsets", "commit", "seen")
LOADING = both_sides("load")
SWEEPING = both_sides("sweep")
SQLITE_TAKING = (*both_sides("take", "restore"), "amid restore")
SQLITE_COMMITTING = both_sides("grip commit", "BEGIN", "write", "COMMIT")
SQLITE_APPENDING = both_sides("append")
# A publisher's: held is when it has a publication's lease; order is the append to one partition.
PUBLISHING = ("after held", *both_sides("send", "order", "sent", "done"))


@dataclass(slots=True)
class Armed:
    """What waits at some points: at the visit-th visit of any of them it happens."""

    act: str  # die, stop or fail
    points: frozenset[str]
    visit: int


def say(**message: object) -> None:
    """One line for the parent; whole, whatever happens next."""
    line = msgspec.json.encode(message) + b"\n"
    while line:
        try:
            line = line[os.write(1, line) :]
        except BlockingIOError:
            select.select([], [1], [])


class Points:
    """All points of a process."""

    def __init__(self, tell: Callable[..., None] = say) -> None:
        self._tell = tell
        self._armed: list[Armed] = []

    def arm(self, act: str, points: Iterable[str], visit: int = 1) -> None:
        """From now on count visits."""
        self._armed.append(Armed(act, frozenset(points), visit))

    def disarm(self) -> None:
        """Nothing happens any more."""
        self._armed.clear()

    def visit(self, point: str) -> None:
        """One visit. Raises Unavailable where it was told to fail."""
        for armed in [armed for armed in self._armed if point in armed.points]:
            armed.visit -= 1
            if armed.visit <= 0:
                self._armed.remove(armed)
                self._act(armed.act, point)

    def _act(self, act: str, point: str) -> None:
        self._tell(say="at", act=act, point=point)
        if act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == "stop":
            signal.raise_signal(signal.SIGSTOP)  # at once, also off the main thread
        else:
            raise Unavailable(f"made up, {point}")
