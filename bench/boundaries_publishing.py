"""From a region file to a version in force: files judged apart, and how long publishing takes and holds partitions up.

An embedded log, a catalog in a file, a worker and a publisher in one process; what is compiled is compiled in another.
While versions come into force pings keep coming, and how long a partition stands still is the longest time between two
of its commits. Wall seconds.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.figures import Figure
from boundaries.blob import write_regions
from boundaries.manifest import manifest_of
from boundaries.publishing import Publisher
from catalog import Catalog, open_catalog, upgrade
from catalog.publication import FAILED, IN_FORCE
from catalog.version import Counts, Outcome, Settings, Upload
from data.layers import HERE
from geofence.ping import Ping
from geofence.region import Version
from geofence.wire import encode_ping
from ingest.control import order
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.topics import PINGS, topics
from ingest.worker import wall_ms, work
from service.boundary_files import Wish, judged
from service.fences import from_catalog
from service.interpreter import tune
from service.layers import versions_of
from stream.port import Log, Record
from stream.sqlite import open_log

CHECKED_S = {"us-counties": 10.0, "provinces": 30.0}
PUBLISHED_S, STANDING_S = 5.0, 1.0
PARTITIONS, RATE, EVERY_S = 4, 5_000, 0.02


def figures() -> Iterator[Figure]:
    """Files judged, versions published."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for layer, budget_s in CHECKED_S.items():
            begun = time.perf_counter()
            judged(HERE / f"{layer}.geojson.gz", Wish(), folder=folder)
            took = time.perf_counter() - begun
            yield Figure("boundaries", f"{layer}: file read, checked, reported", took, "s", budget=budget_s, most=True)
        yield from asyncio.run(_published(folder))


async def _published(folder: Path) -> list[Figure]:
    """Counties, then provinces, twice each: the first version of a layer, and one that replaces it."""
    tune()
    url = f"sqlite:{folder}/catalog.db"
    upgrade(url)
    stop, status, settings = asyncio.Event(), Status(), WorkerSettings()
    async with AsyncExitStack() as opened:
        catalog = opened.enter_context(open_catalog(url))
        log = await opened.enter_async_context(open_log(folder / "log.db"))
        await log.create(topics(PARTITIONS))
        layers = from_catalog(url, folder / "atlases")(settings, status, stop)
        fences = await opened.enter_async_context(layers)
        publisher, standing = Publisher(catalog, partial(order, log), PARTITIONS, "bench", wall_ms), _Standing(status)
        worker = asyncio.create_task(work(log, fences, settings, status, stop))
        beside = [asyncio.create_task(one) for one in (publisher.run(), _pour(log), standing.watch())]
        found = [
            figure
            for layer in CHECKED_S
            for turn in ("first version", "next version")
            for figure in await _one(catalog, layer, turn, folder, standing)
        ]
        for task in beside:
            task.cancel()
        stop.set()
        await asyncio.gather(worker, *beside, return_exceptions=True)
    return found


async def _one(catalog: Catalog, layer: str, turn: str, folder: Path, standing: _Standing) -> list[Figure]:
    """One publication: how long it took, and how long a partition stood still meanwhile."""
    version = versions_of([str(HERE / f"{layer}.geojson.gz")])[0]
    number = _draft(catalog, version, folder, turn)
    await asyncio.sleep(1.0)
    standing.longest_s, begun = 0.0, time.perf_counter()
    await _publish(catalog, layer, number)
    took, case = time.perf_counter() - begun, f"{layer}, {turn}"
    budget_s = PUBLISHED_S if layer == "us-counties" else None
    still_s = standing.longest_s
    return [
        Figure("boundaries", f"{case}: planned to in force", took, "s", budget=budget_s, most=True),
        Figure("boundaries", f"{case}: a partition stands still", still_s, "s", budget=STANDING_S, most=True),
    ]


def _draft(catalog: Catalog, version: Version, folder: Path, turn: str) -> int:
    """A version that is checked; each turn with other shapes."""
    its: dict[str, Any] = {"by": "bench", "now_ms": wall_ms()}
    if version.layer not in {one.name for one in catalog.layers.list()}:
        catalog.layers.create(version.layer, kind=str(version.kind), tolerance_m=1.0, accuracy_m=20.0, **its)
    regions = version.regions if turn == "first version" else version.regions[:-1]
    codes = catalog.codes.give(version.layer, (region.id for region in version.regions))
    made = Version.of(version.layer, [replace(one) for one in regions], codes=codes)
    write_regions(made.regions, folder / "regions.fgb")
    blob = catalog.blobs.put(folder / "regions.fgb", now_ms=wall_ms())
    report = catalog.blobs.put([b"{}"], now_ms=wall_ms())
    draft = catalog.versions.create(
        version.layer, settings=Settings(), upload=Upload("file", 1, blob), options={}, **its
    )
    manifest = json.loads(manifest_of(made, blob))
    counts = Counts(len(regions), 0, 0, 0)
    outcome = Outcome(counts=counts, report=report, geometry=blob, manifest=manifest, hash=made.hash)
    catalog.versions.check(version.layer, draft.number, outcome, **its)
    return draft.number


async def _publish(catalog: Catalog, layer: str, number: int) -> None:
    """Publish, and wait until it is in force on every partition."""
    last = catalog.publications.last(layer)
    replaces = None if last is None else last.version
    planned = catalog.publications.plan(layer, number, replaces=replaces, comment="", by="bench", now_ms=wall_ms())
    while True:
        state = catalog.publications.get(layer, planned.number)
        if state.state == IN_FORCE:
            return
        if state.state == FAILED:
            raise RuntimeError(state.reason)
        await asyncio.sleep(0.02)


async def _pour(log: Log) -> None:
    """Pings of a few thousand devices in Denver, at a steady rate."""
    count, due_s = 0, time.monotonic()
    while True:
        many = round(RATE * EVERY_S)
        pings = [
            Ping(device=f"d{(count + k) % 4000}", lon=-104.9, lat=39.7, time_ms=wall_ms(), accuracy_m=10.0)
            for k in range(many)
        ]
        await log.append(PINGS, [Record(ping.device.encode(), encode_ping(ping)) for ping in pings])
        count += many
        due_s += EVERY_S
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


class _Standing:
    """How long a partition has stood still at most, while records waited."""

    def __init__(self, status: Status) -> None:
        self._status, self.longest_s = status, 0.0

    async def watch(self) -> None:
        """Until it is cancelled."""
        moved: dict[int, tuple[int | None, float]] = {}
        with suppress(asyncio.CancelledError):
            while True:
                now = time.monotonic()
                for one in self._status.held:
                    offset, since = moved.get(one.partition, (None, now))
                    if one.offset != offset:
                        moved[one.partition] = one.offset, now
                    self.longest_s = max(self.longest_s, now - since)
                await asyncio.sleep(0.005)
