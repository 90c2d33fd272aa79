"""A copy of the input and of what came of it, taken from the log while retention deletes behind it.

Reads beside the service, as any consumer may. Before `judging`. Invariants: nothing is skipped: each read begins where
the one before ended, and a gap between them is an error; the input is written as `geofence log dump` has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.wire_events import decode_binary, encode_event
from ingest.dump import lines_of
from ingest.reading import Reader
from ingest.topics import CHANGES, PINGS
from stream.port import Batch, Log
from tests.soak.phones import Phones

_VALUE_BYTES = 65_536  # what a worker refuses unread


class _Known(msgspec.Struct):
    device: str
    time_ms: int


_read = msgspec.json.Decoder(_Known).decode


@dataclass(slots=True)
class Copy:
    """The copy of a home's log, in a folder."""

    folder: Path
    phones: Phones
    partitions: int
    seen: list[NDArray[np.bool_]] = field(default_factory=list)  # by lane: whether each place was met
    pings: int = 0
    events_of: Counter[str] = field(default_factory=Counter)  # by layer
    _files: dict[tuple[str, int], BinaryIO] = field(default_factory=dict)
    _ends: dict[tuple[str, int], int] = field(default_factory=dict)
    _opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Open the files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seen = [np.zeros(1 << 16, np.bool_) for _ in range(self.phones.lanes)]
        for partition in range(self.partitions):
            for topic, path in ((PINGS, self.input(partition)), (CHANGES, self.events(partition))):
                self._files[topic, partition] = self._opened.enter_context(path.open("wb"))
                self._ends[topic, partition] = 0
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._opened.close()

    def input(self, partition: int) -> Path:
        """The file of a partition's input."""
        return self.folder / f"input-{partition}.ndjson"

    def events(self, partition: int) -> Path:
        """The file of what was told of it."""
        return self.folder / f"events-{partition}.ndjson"

    async def go_on(self, log: Log) -> None:
        """Copy what has come since the last time. Raises LookupError where something is gone."""
        for partition in range(self.partitions):
            reader = Reader(partition, self.partitions, _VALUE_BYTES)
            async for batch in self._after(log, PINGS, partition):
                self._files[PINGS, partition].writelines(line + b"\n" for line in lines_of(reader, batch).lines)
                self._note(batch)
                await asyncio.sleep(0)
            async for batch in self._after(log, CHANGES, partition):
                lines = _lines(batch)
                self._files[CHANGES, partition].writelines(line + b"\n" for line in lines)
                self.events_of.update(_layer(line) for line in lines)
                await asyncio.sleep(0)
        for file in self._files.values():
            file.flush()

    async def _after(self, log: Log, topic: str, partition: int) -> AsyncIterator[Batch]:
        place = (topic, partition)
        async for batch in log.read(topic, partition, start=self._ends[place], to_end=True, most=2000):
            if batch.offsets[0] != self._ends[place]:
                raise LookupError(f"{topic} {partition} goes on at {batch.offsets[0]}, not at {self._ends[place]}")
            yield batch
            self._ends[place] = batch.end

    def _note(self, batch: Batch) -> None:
        """Which pings these are."""
        for value, headers in zip(batch.values, batch.headers, strict=True):
            if headers or value is None:
                continue
            known = _read(value)
            lane, at = self.phones.place(known.device, known.time_ms)
            its = self.seen[lane]
            if at >= len(its):
                self.seen[lane] = its = np.concatenate([its, np.zeros(max(len(its), at), np.bool_)])
            its[at] = True
            self.pings += 1

    def missing(self, done: list[int]) -> int:
        """How many pings were acknowledged and are nowhere; those that were refused count as nothing."""
        lost = 0
        for lane, end in enumerate(done):
            its = np.zeros(end, np.bool_)
            its[: len(self.seen[lane])] = self.seen[lane][:end]
            lost += int((~its & ~self.phones.bad(lane, end)).sum())
        return lost


def _lines(batch: Batch) -> list[bytes]:
    """Events as consumers read them."""
    rows = zip(batch.values, batch.headers, strict=True)
    headers = (({name: text.decode() for name, text in its}, value or b"") for value, its in rows)
    return [encode_event(decode_binary(*one)) for one in headers]


def _layer(line: bytes) -> str:
    return line.partition(b'"layer":"')[2].partition(b'"')[0].decode()
