"""Reads what a log still has of one device, and what is known of the time before.

After the worker's own reading, over its own input; fills `retained`. Invariants: only reads, and no more than its
bounds; what it holds of a partition at any time is one batch and what concerns the device.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from geofence.control import Consent, Erase, Switch
from geofence.hearing import Heard, Hearing, Newest
from geofence.instant import ms_of, text_of
from geofence.malformed import Malformed
from geofence.track_reading import RowRead, read_row
from geofence.wire_events import Event, decode_binary
from ingest.reading import Reader, Run
from ingest.restoring import in_force_in
from ingest.retained import Bounds, Retained
from ingest.topics import CHANGES, PINGS, TRACKS
from stream.partitioner import partition_of
from stream.port import Batch, Log

_BEFORE_MS = 6 * 3_600_000  # of a track, before what is asked for: evidence and movement have a past
_BATCH = 8192


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads what is left of a device. `row`: its row of `tracks`, where that is at hand; else it is looked for."""

    log: Log
    device: str
    value_bytes: int  # as the worker has it
    bounds: Bounds
    layers: Collection[str] = ()  # whose switches count; none: all
    row: bytes | None = None
    look_for_row: bool = True
    forgetting: bool = False  # whether what came before an erasure or a withdrawn consent is left out

    @property
    def key(self) -> bytes:
        """The device's key in the log."""
        return self.device.encode("utf-8", "surrogatepass")

    async def read(self, around_ms: int | None = None, event: str | None = None) -> Retained:
        """All of it; where there is more than the bounds let through, what lies around that instant, or that event."""
        partitions = await self.log.partitions(PINGS)
        partition = partition_of(self.key, partitions)
        standing = (await self.log.standing(PINGS, group="geofence-explain"))[partition]
        found = Retained(self.device, partition, gone=standing.begin, newest=Newest(self.bounds.items))
        start = await self._start(partition, standing.begin, standing.end, around_ms, event)
        found.passed_over = start - standing.begin
        await self._pings(found, Reader(partition, partitions, self.value_bytes), start)
        if not found.whole:
            found.in_force = await in_force_in(self.log, partition)
            found.row = await self._row(partition)
            found.told = await self._told(partition, found.first_ms)
            self._note(found)
        return found

    async def known(self) -> RowRead | None:
        """What the worker keeps of the device; None: nothing, or nothing that this program can read."""
        return await self._row(partition_of(self.key, await self.log.partitions(TRACKS)))

    async def told(self, partition: int) -> list[Event] | None:
        """All events of the device that are left; None: there is more to look at than the bounds let through."""
        return await self._told(partition, None)

    async def _start(self, partition: int, begin: int, end: int, around_ms: int | None, event: str | None) -> int:
        newest = max(begin, end - self.bounds.records)
        if newest == begin:
            return newest
        if event is not None:
            events = await self.told(partition) or ()
            around_ms = next((ms_of(one.recordedtime) for one in events if one.id == event), None)
        if around_ms is None:
            return newest
        return max(begin, min(newest, await self.log.offset_at(PINGS, partition, time_ms=around_ms - _BEFORE_MS)))

    async def _pings(self, found: Retained, reader: Reader, start: int) -> None:
        hearing, until_s, left = Hearing(self.device), time.monotonic() + self.bounds.seconds, self.bounds.records
        async for batch in self.log.read(
            PINGS, found.partition, start=start, to_end=True, most=min(_BATCH, self.bounds.records)
        ):
            if found.first_ms is None:
                found.first_ms = batch.times_ms[0]
            elif left <= 0 or time.monotonic() > until_s:
                found.notes.append(
                    f"It was read up to {text_of(batch.times_ms[0])}, {self.bounds.records - left:,} records, which is "
                    "as much as may be read at once; what was received later is not in it."
                )
                break
            for item in reader.read(batch)[0]:
                for one in hearing.hear(item.pings if isinstance(item, Run) else item.control):
                    self._keep(found, one)
            left -= len(batch.offsets)
        for one in hearing.end():
            self._keep(found, one)

    def _keep(self, found: Retained, one: Heard) -> None:
        if isinstance(one, Switch):
            if self.layers and one.layer not in self.layers:
                return
            found.switched.setdefault(one.layer, one)
        elif isinstance(one, Consent) and found.consented is None:
            found.consented = one
        if self.forgetting and (isinstance(one, Erase) or (isinstance(one, Consent) and not one.given)):
            found.newest.forget()
        found.newest.add(one)

    async def _row(self, partition: int) -> RowRead | None:
        """What the worker keeps of the device; None: nothing, or nothing that this program can read."""
        row, until_s = self.row, time.monotonic() + self.bounds.seconds
        if row is None and self.look_for_row:
            async for batch in self.log.read(TRACKS, partition, to_end=True, most=_BATCH):
                row = next((batch.values[k] for k in _rows(batch, self.key)[::-1]), row)
                if time.monotonic() > until_s:
                    return None
        try:
            return read_row(row) if row else None
        except Malformed:
            return None

    async def _told(self, partition: int, since_ms: int | None) -> list[Event] | None:
        """The events of the device since then; None: there is more to look at than the bounds let through."""
        start, found, looked = 0, list[Event](), 0
        if since_ms is not None:
            start = await self.log.offset_at(CHANGES, partition, time_ms=since_ms)
        async for batch in self.log.read(CHANGES, partition, start=start, to_end=True, most=_BATCH):
            found.extend(_events(batch, self.key))
            looked += len(batch.offsets)
            if looked >= self.bounds.records:
                return None
        return found

    def _note(self, found: Retained) -> None:
        if found.passed_over:
            found.notes.append(
                f"{found.passed_over:,} older records of the partition are retained and were not read: the newest "
                f"{self.bounds.records:,} are looked at."
            )
        if found.newest.let_go:
            found.notes.append(
                f"{found.newest.let_go:,} older pings of the device were left out: the newest {self.bounds.items:,} "
                "pings and control records are looked at."
            )


def _rows(batch: Batch, key: bytes) -> list[int]:
    return [k for k, its in enumerate(batch.keys) if its == key]


def _events(batch: Batch, key: bytes) -> list[Event]:
    """The events of a device in a batch; what this program can't read is none of them."""
    found = []
    for k in _rows(batch, key):
        headers = {name: value.decode("utf-8", "replace") for name, value in batch.headers[k]}
        try:
            found.append(decode_binary(headers, batch.values[k] or b""))
        except Malformed:
            continue
    return found
