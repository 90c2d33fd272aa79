"""Runs of the worker over an embedded log, and what a replay of the same input makes of it. Not a test itself."""

import asyncio
import io
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from worlds import Item, fence

from geofence.control import Consent, Erase
from geofence.fence import Fence
from geofence.ping import Ping
from geofence.region import Version
from geofence.wire import encode_ping
from geofence.wire_events import decode_binary, encode_event
from ingest.control import record_of
from ingest.dump import dump
from ingest.fences import FixedFences
from ingest.letters import Letter, read_letter
from ingest.restoring import restore
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus, Status
from ingest.topics import CHANGES, PINGS, PRESENCE, REJECTED, topics
from ingest.worker import work
from service.replay import ReplayOptions, begin_with, replay_file
from stream.partitioner import partition_of
from stream.port import Claim, Grip, Log, Record, Topic, Unavailable
from stream.sqlite import open_log

PARTITIONS = 2
SETTINGS = WorkerSettings(backoff_s=0.001, backoff_most_s=0.01, tick_s=0.001, batch_records=64, sweep_devices=2)

Point = Callable[[str], None]


@dataclass
class World:
    """A log in a file, the versions of its layers, and the settings of its workers."""

    path: Path
    versions: Sequence[Version]
    library: Sequence[Version] = ()
    settings: WorkerSettings = SETTINGS
    now_ms: int = 0
    status: Status = field(default_factory=Status)
    patience_s: float = 60.0

    def fence(self) -> Fence:
        """A fence as the worker makes one."""
        its = self.settings
        return fence(
            *self.versions,
            library=self.library,
            consent=its.consent,
            forget_after_s=its.forget_after_s,
            max_age_s=its.max_age_s,
            sweep_devices=its.sweep_devices,
        )

    def fences(self) -> FixedFences:
        """Where its workers get them."""
        return FixedFences(self.fence)

    def open(self, *, read_only: bool = False) -> AbstractAsyncContextManager[Log]:
        """The log."""
        return open_log(self.path, read_only=read_only)

    def topics(self) -> Sequence[Topic]:
        """The topics of its log."""
        return topics(PARTITIONS)

    def pour(self, items: Iterable[Item | tuple[int, Record]], times: Iterable[int] | None = None) -> None:
        """Append a script: pings and controls, received at their own times (or `times`), or records to a partition."""
        asyncio.run(self._pour(list(items), times))

    async def _pour(self, items: list[Item | tuple[int, Record]], times: Iterable[int] | None) -> None:
        received = list(times) if times is not None else [None] * len(items)
        async with self.open() as log:
            await log.create(self.topics())
            for item, time_ms in zip(items, received, strict=True):
                for partition, record in _records(item, time_ms):
                    await log.append(PINGS, [record], partition=partition)
                    self.now_ms = max(self.now_ms, record.time_ms or 0)

    def work(self, at: Point = lambda _: None) -> None:
        """Run a worker until nothing is left to do; `at` is told of each point that a fault could strike."""
        asyncio.run(self._work(at))

    async def _work(self, at: Point) -> None:
        stop, begun = asyncio.Event(), time.monotonic()
        async with self.open() as log:
            shaky = Shaky(log, at)
            working = asyncio.create_task(
                work(shaky, self.fences(), self.settings, self.status, stop, now_ms=lambda: self._clock(begun))  # type: ignore[arg-type]
            )
            async with asyncio.timeout(self.patience_s):
                while not await self._idle_now(log):
                    await asyncio.sleep(0.002)
            stop.set()
            await working

    def _clock(self, begun: float) -> int:
        """The worker's clock: goes on from the newest record."""
        return self.now_ms + round((time.monotonic() - begun) * 1000)

    async def _idle_now(self, log: Log) -> bool:
        """Whether it is idle; not while nobody answers that."""
        try:
            return await self._idle(log)
        except Unavailable:
            return False

    async def _idle(self, log: Log) -> bool:
        """Whether all input is taken, nobody is due anything and no switch is under way."""
        standing = await log.standing(PINGS, group=self.settings.group)
        if not self.status.ready:
            return False
        for partition, one in standing.items():
            async for _ in log.read(PINGS, partition, start=one.committed or 0, to_end=True):
                return False  # offsets alone do not tell: a transaction's end has one too
        for partition in standing:
            kept = await restore(log, partition, self.fences(), PartitionStatus(partition, 0))
            due_ms = kept.due_ms()
            if kept.sweeping or (due_ms is not None and due_ms <= max(self.now_ms, kept.clock_ms)):
                return False
        return True

    # -- what there is afterwards -----------------------------------------------------------------------------------

    def check_against_replay(self, folder: Path) -> dict[str, list[bytes]]:
        """That replaying the dumps gives the same events, per device in order, and the same tracks; the events."""
        told, expected = self.events(), defaultdict[str, list[bytes]](list)
        for partition, lines in enumerate(self.dumps()):
            file, tracks, out = folder / f"{partition}.ndjson", folder / f"{partition}.tracks", io.BytesIO()
            file.write_bytes(b"".join(lines) or b"\n{}\n")
            its = self.settings
            options = ReplayOptions(
                consent=its.consent, source=its.source, tracks=str(tracks), until="2099-01-01",
                forget_after_s=its.forget_after_s, max_age_s=its.max_age_s,
            )  # fmt: skip
            replay_file(str(file), begin_with([*self.versions, *self.library], "compiled"), out, options)
            for line in out.getvalue().splitlines():
                expected[msgspec.json.decode(line)["subject"]].append(line)
            kept = self.restored(partition)
            found = b"".join(msgspec.json.encode(track) + b"\n" for track in kept.tracks())
            assert found == tracks.read_bytes(), f"tracks of partition {partition}"
            now = {device: value for device, value in self.presence().items() if device_partition(device) == partition}
            assert now == self.presence_of(kept), f"presence in partition {partition}"
        assert told == dict(expected)
        return told

    def events(self) -> dict[str, list[bytes]]:
        """The events by device, in order, as a consumer reads them."""
        found = defaultdict[str, list[bytes]](list)
        for partition, key, value, headers in self.records(CHANGES):
            event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
            assert key == event.subject.encode()
            assert partition == device_partition(event.subject)
            found[event.subject].append(encode_event(event))
        return dict(found)

    def letters(self) -> list[Letter]:
        """The dead letters, in order."""
        return [read_letter(key, value, headers) for _, key, value, headers in self.records(REJECTED)]

    def presence(self) -> dict[str, bytes]:
        """The newest presence of each device."""
        newest = {key.decode(): value for _, key, value, _ in self.records(PRESENCE)}
        return {device: value for device, value in newest.items() if value is not None}

    def presence_of(self, kept: Fence) -> dict[str, bytes]:
        """The presence that the tracks of a fence speak of."""
        kept._devices.told.add(kept._devices.roster.live())
        return {device: value for device, value in kept.presences() if value is not None}

    def dumps(self) -> list[list[bytes]]:
        """The input of each partition, as lines."""

        async def read() -> list[list[bytes]]:
            async with self.open(read_only=True) as log:
                return [
                    [line + b"\n" async for part in dump(log, partition, value_bytes=65_536) for line in part.lines]
                    for partition in range(PARTITIONS)
                ]

        return asyncio.run(read())

    def restored(self, partition: int) -> Fence:
        """The fence as the log's tracks have it."""

        async def read() -> Fence:
            async with self.open(read_only=True) as log:
                return await restore(log, partition, self.fences(), PartitionStatus(partition, 0))

        return asyncio.run(read())

    def records(self, topic: str) -> list[tuple[int, bytes, bytes | None, tuple[tuple[str, bytes], ...]]]:
        """All of a topic: partition, key, value, headers."""

        async def read() -> list[tuple[int, bytes, bytes | None, tuple[tuple[str, bytes], ...]]]:
            async with self.open(read_only=True) as log:
                return [
                    (batch.partition, key or b"", value, headers)
                    for partition in range(await log.partitions(topic))
                    async for batch in log.read(topic, partition, to_end=True)
                    for key, value, headers in zip(batch.keys, batch.values, batch.headers, strict=True)
                ]

        return asyncio.run(read())


def device_partition(device: str) -> int:
    """Where a device belongs."""
    return partition_of(device.encode(), PARTITIONS)


def _records(item: Item | tuple[int, Record], time_ms: int | None) -> list[tuple[int, Record]]:
    if isinstance(item, tuple):
        return [item]
    if isinstance(item, Ping):
        received = item.time_ms if item.received_ms is None else item.received_ms
        record = Record(item.device.encode(), encode_ping(item), (), received if time_ms is None else time_ms)
        return [(device_partition(item.device), record)]
    record = record_of(item)
    if isinstance(item, Consent | Erase):
        return [(device_partition(item.device), record)]
    return [(partition, record) for partition in range(PARTITIONS)]


# -- faults ------------------------------------------------------------------------------------------------------------


class Shaky:
    """A log that says where it is before and after every step that a fault could strike."""

    def __init__(self, log: Log, at: Point) -> None:
        self._log, self._at = log, at

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def read(self, *args, **more) -> AsyncIterator[object]:  # type: ignore[no-untyped-def]
        self._at("before restore")
        async for batch in self._log.read(*args, **more):
            yield batch
            self._at("amid restore")
        self._at("after restore")

    @asynccontextmanager
    async def claims(self, topic: str, *, group: str) -> AsyncIterator[AsyncIterator[Claim]]:
        async with self._log.claims(topic, group=group) as claims:
            yield (ShakyClaim(claim, self._at) async for claim in claims)


class ShakyClaim:
    def __init__(self, claim: Claim, at: Point) -> None:
        self.partition, self.revoked, self._claim, self._at = claim.partition, claim.revoked, claim, at

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Grip]:
        self._at("before take")
        async with self._claim.take() as grip:
            self._at("after take")
            yield ShakyGrip(grip, self._at)


class ShakyGrip:
    def __init__(self, grip: Grip, at: Point) -> None:
        self._grip, self._at, self.offset, self.lost = grip, at, grip.offset, grip.lost

    async def batches(self, *, most: int) -> AsyncIterator[object]:
        async for batch in self._grip.batches(most=most):
            self._at("batch")
            yield batch

    async def commit(self, outgoing: Sequence[object], offset: int) -> None:
        self._at("before commit")
        await self._grip.commit(outgoing, offset)  # type: ignore[arg-type]
        self._at("after commit")


class Faults:
    """Raises Unavailable at the visits that are listed: counted over all points, or at each of those named."""

    def __init__(self, visits: Iterable[int], only: Sequence[str] = ()) -> None:
        self._visits, self._only, self._visited, self.struck = set(visits), only, Counter[str](), Counter[str]()

    def __call__(self, point: str) -> None:
        """One visit."""
        if not self._only or point in self._only:
            counted = point if self._only else "all"
            self._visited[counted] += 1
            if self._visited[counted] in self._visits:
                self.struck[point] += 1
                raise Unavailable(f"made up, {point}")
