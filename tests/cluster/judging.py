"""What a log on Kafka holds after a story, and what a replay of its input makes of that. Not a test itself."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

from geofence.wire_events import decode_binary, encode_event
from ingest.dump import dump
from ingest.settings import WorkerSettings
from ingest.topics import CHANGES, PINGS
from service.published import begin_published
from service.replay import Begin, ReplayOptions, replay_file
from stream.kafka import KafkaSettings, open_kafka
from stream.port import Log

Told = dict[str, list[bytes]]  # events by device, in order


@dataclass
class Found:
    """All of it."""

    pings: Counter[tuple[str, int]] = field(default_factory=Counter)  # by device and time
    told: Told = field(default_factory=dict)
    expected: Told = field(default_factory=dict)  # by the replay

    @property
    def ids(self) -> list[str]:
        """Of the events that were told, each as often as it was."""
        return [json.loads(event)["id"] for events in self.told.values() for event in events]


def judge(bootstrap: str, catalog: str, shelf: Path, folder: Path) -> Found:
    """Read the input and the events, and replay the input by the public command's function."""
    found, begin = asyncio.run(_read(bootstrap, folder)), begin_published(catalog, str(shelf))
    for path in sorted(folder.glob("input-*.ndjson")):
        found.expected |= _replayed(path, begin)
    return found


async def _read(bootstrap: str, folder: Path) -> Found:
    found, settings = Found(), KafkaSettings(bootstrap=bootstrap, replication=1, min_in_sync=1)
    async with open_kafka(settings) as log:
        for partition in range(await log.partitions(PINGS)):
            lines = [line async for part in dump(log, partition, value_bytes=65_536) for line in part.lines]
            told = (json.loads(line) for line in lines)
            found.pings.update((one["device"], one["time_ms"]) for one in told if "time_ms" in one)
            found.told |= await _events(log, partition)
            (folder / f"input-{partition}.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    return found


async def _events(log: Log, partition: int) -> Told:
    found = defaultdict[str, list[bytes]](list)
    async for batch in log.read(CHANGES, partition, to_end=True):
        for value, headers in zip(batch.values, batch.headers, strict=True):
            event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
            found[event.subject].append(encode_event(event))
    return dict(found)


def _replayed(path: Path, begin: Begin) -> Told:
    found, out, its = defaultdict[str, list[bytes]](list), io.BytesIO(), WorkerSettings()
    options = ReplayOptions(its.consent, its.source, None, False, "2099-01-01", its.forget_after_s, its.max_age_s)
    with path.with_suffix(".err").open("w") as said, redirect_stderr(said):
        replay_file(str(path), begin, out, options)
    for line in out.getvalue().splitlines():
        found[json.loads(line)["subject"]].append(line)
    return dict(found)


def share(values: Sequence[float], part: float) -> float:
    """The value below which such a part of them lies."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
