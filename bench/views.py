"""What each gateway holds and does for every device, whether it serves it or not: its views of tracks and presence.

On Kafka: a log with three rows for each device, followed by a process that does what a gateway does with them. A
gateway's memory grows with all devices, and its work with all rows that workers write; `docs/capacity.md` tells what
that means. Invariant: what is measured is the gateway's own views, in a process that has nothing else.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.stale_log import write_stale_log
from bench.worker import LogOf
from ingest.gateway.just_said import JustSaid
from ingest.gateway.members import Members
from ingest.gateway.places import Places
from ingest.topics import PRESENCE, TRACKS
from service.interpreter import tune
from service.logs import open_log

DEVICES = 200_000
_KEPT_BYTES = 16_000_000


def figures() -> Iterator[Figure]:
    """Memory of a device, time of a row."""
    os.environ |= {"GEOFENCE_KAFKA_REPLICATION": "1", "GEOFENCE_KAFKA_MIN_IN_SYNC": "1"}
    with LogOf("kafka") as url:
        asyncio.run(_fill(url))
        command = (sys.executable, "-m", "bench.views", url)
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=600, check=True)
    told = json.loads(done.stdout)
    case = f"a gateway's views on Kafka, {DEVICES:,} devices"
    yield Figure("views", f"{case}: memory", told["bytes"] / DEVICES, "bytes a device")
    asked = told["asked"] / DEVICES
    yield Figure("views", f"{case}, after the first question who is where: memory", asked, "bytes a device")
    yield Figure("views", f"{case}: rows taken", told["rows"] / told["cpu_s"], "rows/CPU-s")


async def _fill(url: str) -> None:
    async with open_log(url) as log:
        await write_stale_log(log, DEVICES, told=True)


async def _followed(url: str) -> dict[str, float]:
    tune()
    members, places, said = Members(), Places(_KEPT_BYTES), JustSaid(time.monotonic)
    rows = 0

    def change(key: bytes, before: bytes | None, now: bytes | None) -> None:
        nonlocal rows
        rows += 1
        places.change(key, before, now)
        said.change(key, before, now)

    def told(key: bytes, before: bytes | None, now: bytes | None) -> None:
        nonlocal rows
        rows += 1
        members.change(key, before, now)

    async with open_log(url) as log:
        first, begun_s = _resident_bytes(), time.process_time()
        async with log.view(TRACKS, on_change=change) as tracks, log.view(PRESENCE, on_change=told) as presence:
            cpu_s, held = time.process_time() - begun_s, _resident_bytes() - first
            await members.ready(presence)
            await places.ready(tracks)
            return {"bytes": held, "asked": _resident_bytes() - first, "cpu_s": cpu_s, "rows": rows}


def _resident_bytes() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_followed(sys.argv[1]))))
