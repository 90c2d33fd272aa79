"""A catalog, a log, a publisher and workers together, for tests of what is published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from boundaries.blob import write_regions
from boundaries.manifest import manifest_of
from boundaries.publishing import Publisher, PublishingSettings
from catalog import Catalog
from catalog.publication import FAILED, IN_FORCE, Publication
from catalog.version import Counts, Outcome, Settings, Upload
from geofence.control import Switch
from geofence.ping import Ping
from geofence.region import Kind, Region, Version
from geofence.wire import encode_ping
from geofence.wire_events import Event, decode_binary
from ingest.control import record_of
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.topics import CHANGES, PINGS, topics
from ingest.worker import wall_ms, work
from service.fences import from_catalog
from stream.port import Log, Record
from stream.sqlite import open_log

PARTITIONS = 2
QUICKLY = PublishingSettings(look_s=0.05, again_s=0.5)


@dataclass
class Office:
    """What happens in it, in one event loop."""

    folder: Path
    url: str
    catalog: Catalog
    log: Log
    status: Status = field(default_factory=Status)
    now_ms: Callable[[], int] = wall_ms

    def draft(
        self,
        shapes: Mapping[str, BaseGeometry],
        *,
        layer: str = "areas",
        kind: Kind = Kind.PARTITION,
        settings: Settings | None = None,
    ) -> int:
        """A version that is checked, its number."""
        its = {"by": "test", "now_ms": self.now_ms()}
        settings = settings or Settings()
        if layer not in {one.name for one in self.catalog.layers.list()}:
            self.catalog.layers.create(layer, kind=str(kind), tolerance_m=1.0, accuracy_m=20.0, **its)
        regions = [Region(key, shape, key.upper()) for key, shape in shapes.items()]
        codes = self.catalog.codes.give(layer, shapes)
        version = Version.of(layer, regions, kind=kind, codes=codes, dwell_s=settings.dwell_s)
        write_regions(version.regions, self.folder / "regions.fgb")
        blob = self.catalog.blobs.put(self.folder / "regions.fgb", now_ms=self.now_ms())
        report = self.catalog.blobs.put([b"{}"], now_ms=self.now_ms())
        made = self.catalog.versions.create(
            layer, settings=settings, upload=Upload("areas.geojson", 1, blob), options={}, **its
        )
        outcome = Outcome(
            counts=Counts(len(regions), 0, 0, 0), report=report, geometry=blob,
            manifest=json.loads(manifest_of(version, blob)), hash=version.hash,
        )  # fmt: skip
        self.catalog.versions.check(layer, made.number, outcome, **its)
        return made.number

    async def publish(self, number: int, *, layer: str = "areas") -> Publication:
        """Publish a version, and wait for the end of it."""
        last = self.catalog.publications.last(layer)
        replaces = None if last is None else last.version
        its = {"comment": "because", "by": "test", "now_ms": self.now_ms()}
        planned = self.catalog.publications.plan(layer, number, replaces=replaces, **its)
        async with asyncio.timeout(30):
            while True:
                found = self.catalog.publications.get(layer, planned.number)
                if found.state in (IN_FORCE, FAILED):
                    return found
                await asyncio.sleep(0.02)

    async def send(self, pings: Iterable[Ping]) -> None:
        """Into the log, received now."""
        await self.log.append(PINGS, [Record(ping.device.encode(), encode_ping(ping)) for ping in pings])

    async def order(self, switch: Switch, partition: int | None) -> None:
        """What a publisher writes."""
        for one in range(PARTITIONS) if partition is None else [partition]:
            await self.log.append(PINGS, [record_of(switch)], partition=one)

    async def events(self) -> list[Event]:
        """All so far, by partition."""
        found = []
        for partition in range(await self.log.partitions(CHANGES)):
            async for batch in self.log.read(CHANGES, partition, to_end=True):
                for headers, value in zip(batch.headers, batch.values, strict=True):
                    found.append(decode_binary({name: text.decode() for name, text in headers}, value or b""))
        return found

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.02)

    async def taken(self) -> None:
        """Wait until all that is in the log is taken and swept."""
        async with asyncio.timeout(20):
            while True:
                standing = await self.log.standing(PINGS, group=WorkerSettings().group)
                done = all((one.committed or 0) >= one.end for one in standing.values())
                if done and not any(one.sweeping for one in self.status.held):
                    return
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """A process that carries publications on."""
        publisher = Publisher(self.catalog, self.order, PARTITIONS, "test", self.now_ms, QUICKLY)
        async with running(publisher.run()):
            yield

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker."""
        stop, settings = asyncio.Event(), WorkerSettings(sweep_devices=7, backoff_s=0.05, backoff_most_s=0.2)
        self.status = Status()
        async with from_catalog(self.url, self.folder / "atlases")(settings, self.status, stop) as fences:
            worker = asyncio.create_task(work(self.log, fences, settings, self.status, stop))
            try:
                yield
            finally:
                stop.set()
                await worker


@asynccontextmanager
async def running(what) -> AsyncIterator[None]:  # type: ignore[no-untyped-def]
    """A task beside the test."""
    task = asyncio.create_task(what)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def office(folder: Path, url: str, catalog: Catalog) -> AsyncIterator[Office]:
    """One with an embedded log."""
    async with open_log(folder / "log.db") as log:
        await log.create(topics(PARTITIONS))
        yield Office(folder, url, catalog, log)
