"""The traffic that the worker is measured with: people with phones on a weekday morning, as records of the log.

Before every benchmark that has a log. An hour of some thousands of people is cut into pieces that are laid over each
other, each with devices of its own: so there are as many devices at once as a busy partition has, and most pings of a
batch are of different ones. Invariant: the same seed gives the same pings, but for the time: it is shifted so that the
last full hour falls into it, as a broker deletes what is old.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from data.people import DAY_BEGIN_MS, HOUR_MS, Pings, sample_day
from geofence.ping import Source
from ingest.topics import PINGS
from stream.partitioner import partition_of
from stream.port import Log, Record

SEED, PEOPLE = 11, 24_000
BEGIN_H, END_H, PIECE_S = 7.25, 8.25, 240
AFTER_HOUR_MS = 6_000  # of the measured time; as many presences are due in it as in an hour of as many pings
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Feed:
    """Records in order of arrival, by partition: a ping of each device to begin with, then those to be measured."""

    warm: Sequence[Sequence[Record]]
    records: Sequence[Sequence[Record]]

    @property
    def warm_count(self) -> int:
        """How many there are to begin with."""
        return sum(map(len, self.warm))

    @property
    def count(self) -> int:
        """How many there are to be measured."""
        return sum(map(len, self.records))


def feed(partitions: int, people: int = PEOPLE) -> Feed:
    """The morning, shared out by device."""
    _, made = sample_day(seed=SEED, devices=people, hours=END_H + 0.25)
    since_ms = made.received_ms - DAY_BEGIN_MS
    made = made.take((since_ms >= BEGIN_H * HOUR_MS) & (since_ms < END_H * HOUR_MS))
    made, names = _laid_over(made, people)
    made = made.take(np.argsort(made.received_ms, kind="stable"))
    full_hour_ms = (time.time_ns() // 1_000_000 - AFTER_HOUR_MS) // HOUR_MS * HOUR_MS
    made = _later(made, full_hour_ms + AFTER_HOUR_MS - int(made.received_ms[-1]))
    firsts = _later(made.take(np.sort(np.unique(made.device, return_index=True)[1])), -1000 * PIECE_S)
    places = [partition_of(name, partitions) for name in names]
    return Feed(_shared(firsts, names, places, partitions), _shared(made, names, places, partitions))


async def load(log: Log, parts: Sequence[Sequence[Record]]) -> None:
    """Append all of it."""
    for partition, records in enumerate(parts):
        for start in range(0, len(records), _CHUNK):
            await log.append(PINGS, records[start : start + _CHUNK], partition=partition)


def _laid_over(made: Pings, people: int) -> tuple[Pings, list[bytes]]:
    """All pieces at the time of the first one, each ping's device that of its piece; and the names of all devices."""
    piece = (made.received_ms - made.received_ms[0]) // (1000 * PIECE_S)
    device = made.device + piece * people
    names = [f"{number:08x}-phone".encode() for number in range(int(device.max()) + 1)]
    return _later(replace(made, device=device), -piece * 1000 * PIECE_S), names


def _later(made: Pings, by_ms: int | NDArray[np.int64]) -> Pings:
    return replace(made, time_ms=made.time_ms + by_ms, received_ms=made.received_ms + by_ms)


def _shared(made: Pings, names: list[bytes], places: list[int], partitions: int) -> list[list[Record]]:
    """Each ping as JSON, its numbers as long as a phone sends them."""
    parts: list[list[Record]] = [[] for _ in range(partitions)]
    sources = [source.name.lower() for source in Source]
    write = msgspec.json.Encoder().encode
    columns = (made.device, made.lon.round(6), made.lat.round(6), made.time_ms, made.accuracy_m.round(1))
    for device, lon, lat, time_ms, accuracy_m, source, received_ms in zip(
        *(column.tolist() for column in (*columns, made.source, made.received_ms)), strict=True
    ):
        ping = {"device": names[device].decode(), "lon": lon, "lat": lat, "time_ms": time_ms, "accuracy_m": accuracy_m}
        value = write({**ping, "source": sources[source]})
        parts[places[device]].append(Record(names[device], value, (), received_ms))
    return parts
