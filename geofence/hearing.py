"""What concerns one device in the input of a partition: its own pings, the control records, and the time of the rest.

Before `account`. Invariant: a fence that takes what is left here gives the crossings of the device that it would have
given over the whole input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.control import Consent, Control, Erase, Switch, Tick
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
    hearing = Hearing(device)
    for item in items:
        yield from hearing.hear(item)
    yield from hearing.end()


class Hearing:
    """Takes an input in pieces and gives what is left of each for one device."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._clock_ms = self._told_ms = NEVER  # of the partition, and up to where that was handed on

    def hear(self, item: Pings | Control) -> Iterator[Heard]:
        """What is left of the next piece; what it gives holds nothing of the rest in memory."""
        if not isinstance(item, Pings):
            self._clock_ms = max(self._clock_ms, item.at_ms)
            if not isinstance(item, Consent | Erase) or item.device == self._device:
                yield item
        elif len(item):
            clock = np.maximum.accumulate(np.maximum(times_ms(item), self._clock_ms))
            for row in _rows(item, self._device).tolist():
                yield from self._passed(self._clock_ms if row == 0 else int(clock[row - 1]))
                self._told_ms = max(self._told_ms, int(clock[row]))
                yield item.take(np.array([row]))
            self._clock_ms = int(clock[-1])

    def end(self) -> Iterator[Heard]:
        """The time that has passed since."""
        yield from self._passed(self._clock_ms)

    def _passed(self, until_ms: int) -> Iterator[Passed]:
        if until_ms > self._told_ms:
            self._told_ms = until_ms
            yield Passed(until_ms)


class Newest:
    """The newest of what was heard, so many items; of what came before, the orders that still count.

    A replay that begins there has the layers and the consent that the whole one would have had, and no track yet.
    """

    def __init__(self, most: int) -> None:
        self.items: deque[Heard] = deque()
        self.let_go = 0  # pings
        self._most = most
        self._orders: dict[tuple[str, str], Control] = {}

    def add(self, item: Heard) -> None:
        """Take the next one; the oldest may have to go."""
        self.items.append(item)
        if len(self.items) > self._most:
            self._let_go(self.items.popleft())

    def forget(self) -> None:
        """Let go of all of it: the device does not want it known any more."""
        while self.items:
            self._let_go(self.items.popleft())
        self.let_go = 0

    def before(self, orders: Iterable[Control] = ()) -> tuple[Control, ...]:
        """The orders that came before: those that were let go, and others from before all of them."""
        older = {_named(one): one for one in orders}
        return (*(one for name, one in older.items() if name not in self._orders), *self._orders.values())

    def _let_go(self, item: Heard) -> None:
        if isinstance(item, Pings):
            self.let_go += 1
        elif not isinstance(item, Passed | Tick):
            self._orders.pop(_named(item), None)
            self._orders[_named(item)] = item


def _named(order: Control) -> tuple[str, str]:
    """What a later order of the same name takes the place of."""
    return str(order.__struct_config__.tag), order.layer if isinstance(order, Switch) else ""


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
