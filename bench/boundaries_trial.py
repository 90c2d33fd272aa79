"""The dry run: a million tracks, and a day of pings replayed under two versions, in two processes.

The program that the product starts, over an embedded log, everything included: starting the processes, mapping the
atlases, reading, decoding, both fences, matching. In the new version every county lies a kilometre further east.
Budgets: 10 s for a million tracks, with two stale rows before each; ten million pings in five minutes.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, getrusage

import msgspec
import numpy as np
import shapely

from bench.core import traffic
from bench.figures import Figure
from bench.stale_log import DEVICES, write_stale_log
from boundaries.manifest import manifest_of
from boundaries.shelf import Shelf
from boundaries.trial.outcome import Trial
from data.layers import HERE
from geofence.region import Region, Version
from geofence.wire import encode_ping
from ingest.topics import PINGS, topics
from service.dry_run import Order, Said
from service.layers import versions_of
from service.logs import open_log
from stream.partitioner import partition_of
from stream.port import Log, Record

PARTITIONS, PEOPLE = 4, 1_000
_EAST, _CHUNK = 0.01, 20_000
_BUDGET = 10e6 / 300


def figures() -> Iterator[Figure]:
    """What changes at once, then the replay."""
    before = versions_of([str(HERE / "us-counties.geojson.gz")])[0]
    after = _moved(before)
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(f"{folder}/atlases")
        for version in (before, after):
            shelf.put(version, manifest_of(version, ""))
        url = f"sqlite:{folder}/log.db"
        rows, pings = asyncio.run(_fill(url))
        order = Order(
            log=url, shelf=f"{folder}/atlases", before=before.hash, after=after.hash, known=[],
            partitions=PARTITIONS, since_ms=None,
        )  # fmt: skip
        trial, took_s, cpu_s = _timed(order)
        assert trial.at_once is not None  # noqa: S101
        case = f"{DEVICES:,} tracks in {rows:,} rows, {trial.at_once.affected:,} affected ({cpu_s:.1f} s of CPU)"
        yield Figure("trial", case, took_s, "s", budget=10.0, most=True)
        trial, took_s, cpu_s = _timed(msgspec.structs.replace(order, at_once=False, since_ms=0))
        assert trial.replayed is not None  # noqa: S101
        case = f"{pings:,} pings under two versions, {trial.replayed.before.crossings:,} crossings"
        yield Figure("trial", case, pings / took_s, "pings/s", budget=_BUDGET)
        yield Figure("trial", f"{case}: a CPU-second", pings / cpu_s, "pings/s")


def _timed(order: Order) -> tuple[Trial, float, float]:
    """The outcome, how long it took, and how much CPU the processes took that did it."""
    begun, before = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    words = [sys.executable, "-m", "service.dry_run"]
    said = subprocess.run(words, input=msgspec.json.encode(order), stdout=subprocess.PIPE, check=True).stdout
    spent = getrusage(RUSAGE_CHILDREN)
    cpu_s = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
    last = msgspec.json.decode(said.splitlines()[-1], type=Said)
    return msgspec.convert(last.result, Trial), time.perf_counter() - begun, cpu_s


def _moved(version: Version) -> Version:
    """The same regions, all of them a little further east."""
    shapes = shapely.transform([one.geometry for one in version.regions], lambda xy: xy + np.array([_EAST, 0.0]))
    moved = [
        Region(one.id, shapely.clip_by_rect(shape, -180, -90, 180, 90), one.name)
        for one, shape in zip(version.regions, shapes, strict=True)
    ]
    return Version.of(version.layer, moved, rule=version.rule, nearest_within_m=version.nearest_within_m)


async def _fill(url: str) -> tuple[int, int]:
    """A log with tracks and pings; how many rows and pings."""
    async with open_log(url) as log:
        await log.create(topics(PARTITIONS))
        rows = await write_stale_log(log)
        return rows, await _day(log)


async def _day(log: Log) -> int:
    """A day of some people's pings."""
    pings = traffic(PEOPLE)
    parts: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    for row in range(len(pings)):
        ping = pings.ping(row)
        key = ping.device.encode()
        parts[partition_of(key, PARTITIONS)].append(Record(key, encode_ping(ping), (), ping.received_ms))
        if row % (PARTITIONS * _CHUNK) == 0 or row + 1 == len(pings):
            for partition, records in enumerate(parts):
                if records:
                    await log.append(PINGS, records, partition=partition)
                    records.clear()
    return len(pings)
