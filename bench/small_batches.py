"""What a worker uses where little comes: commits cost the same however little is in them, so a ping costs more.

On Kafka with 16 partitions, at rates far below what a worker holds, some seconds each; processor time of the worker's
process. The other end of `bench.worker`, which measures full batches. Invariant: the worker is the one that is shipped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from bench.chain import chain
from bench.figures import Figure
from ingest.topics import PARTITIONS, topics
from service.logs import open_log
from tests.broker import running

RATES, RUN_S = (150, 1_500, 5_000, 15_000), 15.0


def figures() -> Iterator[Figure]:
    """At each rate."""
    os.environ |= {"GEOFENCE_KAFKA_REPLICATION": "1", "GEOFENCE_KAFKA_MIN_IN_SYNC": "1"}
    with running() as cluster:
        used = asyncio.run(_used(f"kafka://{cluster.bootstrap}"))
    for rate, cores in used.items():
        yield Figure("small_batches", f"{PARTITIONS} partitions on Kafka, {rate:,.0f} pings/s", cores, "cores")


async def _used(url: str) -> dict[float, float]:
    async with open_log(url) as log:
        await log.create(topics(PARTITIONS))
    found = dict[float, float]()
    async with chain(url) as one:
        for rate in RATES:
            cpu_s, appended = _cpu_s(one.pid), one.player.appended
            await one.player.play(rate, RUN_S)
            await one.drain()
            found[(one.player.appended - appended) / RUN_S] = (_cpu_s(one.pid) - cpu_s) / RUN_S
    return found


def _cpu_s(pid: int) -> float:
    """Of a process, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
