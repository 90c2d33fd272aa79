"""What concerns one device in the input of a partition: its own pings, the control records, and the time of the rest.

Before `account`. Invariant: a fence that takes what is left here gives the crossings of the device that it would have
given over the whole input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.control import Consent, Control, Erase, Tick
from geofence.crossing import Crossing
from geofence.fence import Fence
from geofence.ping import Pings
from geofence.tracks import NEVER


@dataclass(frozen=True, slots=True)
class Passed:
    """Other devices' pings moved the partition's clock to here."""

    clock_ms: int


Heard = Pings | Control | Passed  # pings one by one


def of_device(items: Iterable[Pings | Control], device: str) -> Iterator[Heard]:
    """What is left of an input for this device."""
    clock_ms, told_ms = NEVER, NEVER
    for item in items:
        if not isinstance(item, Pings):
            clock_ms = max(clock_ms, item.at_ms)
            if not isinstance(item, Consent | Erase) or item.device == device:
                yield item
            continue
        if not len(item):
            continue
        clock = np.maximum.accumulate(np.maximum(times_ms(item), clock_ms))
        for row in _rows(item, device).tolist():
            until_ms = clock_ms if row == 0 else int(clock[row - 1])
            if until_ms > told_ms:
                yield Passed(until_ms)
            told_ms = max(until_ms, int(clock[row]))
            yield item.slice(row, row + 1)
        clock_ms = int(clock[-1])
    if clock_ms > told_ms:
        yield Passed(clock_ms)


def pass_time(fence: Fence, passed: Passed, keeps_time: bool) -> list[Crossing]:
    """Let time pass up to there, with what becomes due on the way where the fence keeps time."""
    told: list[Crossing] = []
    due = fence.due_ms() if keeps_time else None
    while due is not None and due <= passed.clock_ms:
        told += fence.apply(Tick(at_ms=max(due, fence.clock_ms))).crossings
        due = fence.due_ms()
    fence.clock_ms = max(fence.clock_ms, passed.clock_ms)
    return told


def times_ms(pings: Pings) -> NDArray[np.int64]:
    """The time that each row gives a partition's clock: when it was received, else its own if it is valid."""
    own = np.where(pings.faults() != 0, NEVER, pings.time_ms)
    return np.where(pings.received, pings.received_ms, own)


def _rows(pings: Pings, device: str) -> NDArray[np.int64]:
    """The rows of the device."""
    name = np.frombuffer(device.encode("utf-8", "surrogatepass"), np.uint8)
    begin = pings.device.offsets[:-1]
    rows = np.flatnonzero(np.diff(pings.device.offsets) == len(name))
    for k, byte in enumerate(name.tolist()):
        rows = rows[pings.device.arena[begin[rows] + k] == byte]
    return rows
