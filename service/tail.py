"""`geofence tail`: region changes as they come, readable or as JSON.

Reads what is committed and nothing else. Invariant: the events of a device come in their order; those of different
partitions as they arrive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO

from geofence.crossing import Change
from geofence.instant import ms_of
from geofence.malformed import Malformed
from geofence.wire_events import Event, decode_binary, encode_event
from ingest.topics import CHANGES
from service.complaints import note, printable
from service.logs import open_log
from service.source import Unusable
from stream.port import BEGINNING, Batch, Log

_PREFIX = "geofence.region."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to show; an empty filter lets all through."""

    devices: Collection[str] = ()
    layers: Collection[str] = ()
    types: Collection[str] = ()

    def has(self, event: Event) -> bool:
        """Whether an event is wanted. Types go with or without their prefix."""
        kind = event.type.removeprefix(_PREFIX)
        return (
            (not self.devices or event.subject in self.devices)
            and (not self.layers or event.data.layer in self.layers)
            and (not self.types or event.type in self.types or kind in self.types)
        )


async def tail(url: str, out: BinaryIO, wanted: Wanted, *, start: str, json: bool, follow: bool) -> None:
    """Print events from `now`, the `beginning` or a time; with `follow`, for ever. Raises Unusable."""
    for one in wanted.types:
        if one.removeprefix(_PREFIX) not in set(Change):
            raise Unusable(f"--type is {one!r}; allowed: {', '.join(Change)}")
    async with open_log(url, read_only=True) as log:
        starts = await _starts(log, start)
        waiting: asyncio.Queue[Batch | Exception | None] = asyncio.Queue(16)
        readers = [asyncio.create_task(_read(log, *at, follow, waiting)) for at in starts.items()]
        try:
            left = len(readers)
            while left:
                came = await waiting.get()
                if came is None:
                    left -= 1
                elif isinstance(came, Exception):
                    raise came  # rather than go on without that partition
                else:
                    _print(came, out, wanted, json)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)


def line(event: Event) -> str:
    """An event as people read it."""
    data = event.data
    places = [f"{place.id} ({place.name})" if place and place.name else place.id if place else "-" for place in
              (data.origin, data.target)]  # fmt: skip
    kind = event.type.rpartition(".")[2]
    what = (
        f"{places[0]} -> {places[1]}"
        if kind == "changed"
        else f"{kind} {places[0] if data.target is None else places[1]}"
    )
    return printable(f"{event.time}  {event.subject}  {data.layer}  {what}  {data.cause}  {data.confidence:.2f}")


async def _starts(log: Log, start: str) -> dict[int, int]:
    """Where to begin in each partition. Raises Unusable."""
    numbers = range(await log.partitions(CHANGES))
    if start == "beginning":
        return dict.fromkeys(numbers, BEGINNING)
    if start == "now":
        standing = await log.standing(CHANGES, group="geofence-tail")
        return {number: standing[number].end for number in numbers}
    try:
        time_ms = ms_of(start)
    except ValueError as error:
        raise Unusable(f"--from: {error}; or now, or beginning") from None
    if time_ms > time.time() * 1000:
        raise Unusable(f"--from: {start!r} lies in the future. Say now.")
    return {number: await log.offset_at(CHANGES, number, time_ms=time_ms) for number in numbers}


async def _read(
    log: Log, partition: int, start: int, follow: bool, waiting: asyncio.Queue[Batch | Exception | None]
) -> None:
    end: Exception | None = None
    try:
        async for batch in log.read(CHANGES, partition, start=start, to_end=not follow):
            await waiting.put(batch)
    except Exception as error:
        end = error
    await waiting.put(end)


def _print(batch: Batch, out: BinaryIO, wanted: Wanted, json: bool) -> None:
    for offset, headers, value in zip(batch.offsets, batch.headers, batch.values, strict=True):
        try:
            event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
        except (Malformed, UnicodeDecodeError) as fault:
            note(f"{batch.topic} {batch.partition}:{offset} is no event: {fault}")
            continue
        if wanted.has(event):
            out.write((encode_event(event) if json else line(event).encode()) + b"\n")
    out.flush()
