"""The worker, everything included, beside a bare exactly-once loop on the same broker; restore; latency; overload.

All of it on a broker of its own, and on the embedded log. Throughput is per CPU-second of the client's process, in
turns; latencies are medians of five runs' 99th percentiles at half of what the whole chain holds just then.
`docs/speed.md` says what the figures mean; `bench.soak` is the long run. Budgets: 0.75 of the bare loop; 15 s; 100 and
50 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from aiokafka.admin import AIOKafkaAdminClient

from bench.bare_loop import ROWS
from bench.client import Spent, measure
from bench.feed import Feed, feed, load
from bench.figures import Figure
from bench.stages import write_stages
from bench.stale_log import DEVICES, write_stale_log
from ingest.topics import topics
from service.logs import open_log
from stream.port import Cleanup, Topic
from tests.broker import running

PARTITIONS, ROUNDS, RUNS, RUN_S = 4, 3, 5, 6
_PATIENCE_S = 900
_STARTS_S = 4


def figures() -> Iterator[Figure]:
    """All of them, on both engines."""
    os.environ |= {"GEOFENCE_KAFKA_REPLICATION": "1", "GEOFENCE_KAFKA_MIN_IN_SYNC": "1"}
    traffic = feed(PARTITIONS)
    with running() as cluster, tempfile.TemporaryDirectory() as folder:
        kafka, embedded = f"kafka://{cluster.bootstrap}", f"sqlite:{folder}/log.db"
        for url in (kafka, embedded):
            asyncio.run(_fill(url, traffic))
        yield from _throughput(kafka, Path(folder), traffic)
    for engine, budget_ms in (("kafka", 100.0), ("embedded", 50.0)):
        yield from _restore(engine)
        yield from _under_load(engine, budget_ms)


def _throughput(kafka: str, folder: Path, traffic: Feed) -> Iterator[Figure]:
    warm, total = traffic.warm_count, traffic.warm_count + traffic.count
    found: dict[str, list[Spent]] = {"bare": [], "port": [], "worker": [], "embedded": []}
    for _ in range(ROUNDS):
        asyncio.run(_renew(kafka))
        for kind in ("bare", "port", "worker"):
            found[kind].append(measure(kind, kafka, warm, total))
        copy = folder / "copy.db"
        shutil.copy(folder / "log.db", copy)
        found["embedded"].append(measure("worker", f"sqlite:{copy}", warm, total))
        for path in folder.glob("copy.db*"):
            path.unlink()
    rates = {kind: float(np.median([one.rate for one in some])) for kind, some in found.items()}
    rows = found["bare"][0].rows / found["bare"][0].pings
    case = f"{traffic.count:,} pings, {rows:.2f} rows each"
    yield Figure("worker", f"Kafka, {case}", rates["worker"], "pings/s", "aiokafka alone", rates["bare"], 0.75)
    yield Figure("worker", f"Kafka, {case}", rates["worker"], "pings/s", "the loop over our log", rates["port"])
    yield Figure("worker", f"embedded, {case}", rates["embedded"], "pings/s")
    write_stages({name: found[name] for name in ("worker", "embedded")}, 1e6 / rates["bare"])


def _restore(engine: str) -> Iterator[Figure]:
    with _log(engine) as url:
        rows = asyncio.run(_stale(url))
        spent = measure("restoring", url)
    case = f"restore on {engine}, {rows:,} rows, {rows - DEVICES:,} of them stale ({spent.cpu_s:.1f} s of CPU)"
    yield Figure("worker", case, spent.wall_s, "s", budget=15.0, most=True)


def _under_load(engine: str, budget_ms: float) -> Iterator[Figure]:
    with _log(engine) as url:
        rate = _chain(url, "capacity", _STARTS_S)[0]["rate"]
        yield Figure("worker", f"the whole chain on {engine}, two cores for all of it", rate, "pings/s")
        runs = _chain(url, "latency", rate / 2, RUN_S, RUNS)
        p99_ms, p50_ms = (float(np.median([run[name] for run in runs])) for name in ("p99_ms", "p50_ms"))
        case = f"accepted to readable on {engine}, {rate / 2:,.0f} pings/s"
        yield Figure("worker", f"{case}: p99", p99_ms, "ms", budget=budget_ms, most=True)
        yield Figure("worker", f"{case}: p50", p50_ms, "ms")
        looks = _chain(url, "overload", 2 * rate, 3 * RUN_S)
        lag, grown = max(look["lag"] for look in looks), looks[-2]["resident_mb"] - looks[0]["resident_mb"]
        yield Figure("worker", f"twice the load on {engine} for {3 * RUN_S} s: most that waited", lag, "pings")
        yield Figure("worker", f"twice the load on {engine} for {3 * RUN_S} s: memory grew by", grown, "MB")


class _log:  # noqa: N801
    """A log of its own with its topics, gone in the end."""

    def __init__(self, engine: str) -> None:
        self._broker = running() if engine == "kafka" else None
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> str:
        url = f"kafka://{self._broker.__enter__().bootstrap}" if self._broker else f"sqlite:{self._folder.name}/log.db"
        asyncio.run(_create(url))
        return url

    def __exit__(self, *error: object) -> None:
        if self._broker:
            self._broker.__exit__(None, None, None)
        self._folder.cleanup()


def _chain(url: str, *words: object) -> list[dict[str, float]]:
    command = (sys.executable, "-m", "bench.chain", url, *map(str, words))
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=_PATIENCE_S, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


async def _create(url: str) -> None:
    async with open_log(url) as log:
        await log.create([*topics(PARTITIONS), Topic(ROWS, PARTITIONS, Cleanup.COMPACT)])


async def _fill(url: str, traffic: Feed) -> None:
    await _create(url)
    async with open_log(url) as log:
        await load(log, traffic.warm)
        await load(log, traffic.records)


async def _stale(url: str) -> int:
    async with open_log(url) as log:
        return await write_stale_log(log)


async def _renew(url: str) -> None:
    """Empty what the worker writes, so that it begins with nothing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=url.removeprefix("kafka://"))
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in topics(PARTITIONS) if topic.name != "pings"])
    finally:
        await admin.close()
    await asyncio.sleep(1)
    await _create(url)
