"""Region changes as readers get them: decoded once for the filters, encoded once for all who want them.

Between the records of `region-changes` and the streams and pages. Invariants: what is told is the event as the worker
wrote it; a record that is none is passed over and noted, but never one that a newer program can read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from geofence.malformed import Malformed
from geofence.wire import NewerVersion
from geofence.wire_events import Event, decode_binary, encode_event
from ingest.gateway.bookmark import Marks, bookmark_of
from stream.port import Batch, LogError
from web.caller import Caller
from web.problem import Problem

_log = logging.getLogger("geofence.gateway")
_OVERHEAD = 700  # bytes of an object beside its data
TYPES = ("changed", "entered", "exited", "dwelled")


class NewerEvent(LogError):
    """An event that only a newer program can read: whoever comes to it waits there until the program is newer."""


@dataclass(slots=True)
class Told:
    """One event: what the filters look at, its bytes, and where a reader stands who has read up to it."""

    partition: int
    offset: int
    device: str
    user: str | None
    layer: str
    change: str
    regions: tuple[str, ...]
    data: bytes
    marks: Marks
    _bookmark: str = ""

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return len(self.data) + _OVERHEAD

    @property
    def bookmark(self) -> str:
        """The marks as text, made once."""
        if not self._bookmark:
            self._bookmark = bookmark_of(self.marks)
        return self._bookmark


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a reader wants; an empty filter lets all through."""

    devices: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    user: str | None = None

    def __call__(self, told: Told) -> bool:
        """Whether an event is wanted."""
        return (
            (not self.devices or told.device in self.devices)
            and (not self.layers or told.layer in self.layers)
            and (not self.changes or told.change in self.changes)
            and (not self.regions or not self.regions.isdisjoint(told.regions))
            and (self.user is None or told.user == self.user)
        )

    @property
    def device(self) -> str | None:
        """The only device, if there is one."""
        return next(iter(self.devices)) if len(self.devices) == 1 else None


def wanted_by(caller: Caller, *, device: list[str], layer: list[str], kind: list[str], region: list[str]) -> Wanted:
    """The filters of a request, within what the caller may see. Raises Problem."""
    others = [one for one in device if not caller.speaks_for(one)]
    if others:
        raise Problem(403, "Not allowed", f"{caller.name} sees device {caller.device!r} alone, not {others[0]!r}.")
    changes = [one.removeprefix("geofence.region.") for one in kind]
    wrong = [one for one in changes if one not in TYPES]
    if wrong:
        allowed = f"allowed: {', '.join(TYPES)}, with or without geofence.region. before it"
        raise Problem(400, "No such type", f"type is {wrong[0][:60]!r}; {allowed}.")
    devices = device or ([caller.device] if caller.device is not None else [])
    user = caller.user if caller.device is None else None
    return Wanted(frozenset(devices), frozenset(layer), frozenset(changes), frozenset(region), user)


def told_of(batch: Batch, marks: list[int]) -> Iterator[Told]:
    """The events of a batch; `marks` moves on with each. Raises NewerEvent, with the marks at that event."""
    for offset, headers, value in zip(batch.offsets, batch.headers, batch.values, strict=True):
        marks[batch.partition] = offset + 1
        try:
            event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
        except NewerVersion as fault:
            marks[batch.partition] = offset
            raise NewerEvent(f"{batch.topic} {batch.partition}:{offset}: {fault}") from None
        except (Malformed, UnicodeDecodeError) as fault:
            _log.warning(
                "%s %s:%s is no event: %s", batch.topic, batch.partition, offset, fault, extra={"action": "no_event"}
            )
            continue
        yield _told(event, batch.partition, offset, tuple(marks))


def _told(event: Event, partition: int, offset: int, marks: Marks) -> Told:
    data = event.data
    regions = tuple(place.id for place in (data.origin, data.target) if place is not None)
    change = event.type.rpartition(".")[2]
    return Told(partition, offset, event.subject, data.user, data.layer, change, regions, encode_event(event), marks)
