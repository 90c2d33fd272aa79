"""Tracks out of a fence and back: rows a CPU-second, and how long it takes to restore a million devices.

The changelog has three rows for each device, two of them stale, as a topic has before it is compacted. The budget is
15 s; all rows are taken in, in the batches that a reader would hand over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench.figures import Figure
from data.layers import HERE
from geofence.atlas import Atlas
from geofence.fence import Fence
from geofence.ping import Pings
from geofence.text import Texts
from geofence.wire_tracks import TrackRows
from service.layers import versions_of

DEVICES, BATCH, ROUNDS = 1_000_000, 50_000, 3


def _round(number: int) -> Iterator[Pings]:
    """One ping of every device, in batches; some are coarse, so that something is pending."""
    rng = np.random.default_rng(number)
    for start in range(0, DEVICES, BATCH):
        names = np.array([f"{device:08x}-phone" for device in range(start, start + BATCH)], "S14")
        offsets = np.arange(BATCH + 1, dtype=np.int64) * names.itemsize
        yield Pings.columns(
            device=Texts(np.frombuffer(names.tobytes(), np.uint8), offsets),
            lon=rng.uniform(-120, -75, BATCH),
            lat=rng.uniform(30, 47, BATCH),
            time_ms=np.full(BATCH, 60_000 * (number + 1)),
            accuracy_m=rng.choice([15.0, 300.0], BATCH),
        )


def figures() -> Iterator[Figure]:
    """Out, and in again."""
    version = versions_of([str(HERE / "us-counties.geojson.gz")])[0]
    atlases = {version.hash: Atlas(version)}
    fence, log, spent = Fence([version], atlases=atlases), list[TrackRows](), 0.0
    for number in range(ROUNDS):
        for pings in _round(number):
            fence.observe(pings)
            started = time.process_time()
            log.append(fence.changed())
            spent += time.process_time() - started
    rows = sum(len(some) for some in log)
    size = sum(len(some.arena) for some in log) / rows
    case = f"{DEVICES:,} devices in us-counties, {size:.0f} bytes a row"
    yield Figure("rows", f"{case}: out", rows / spent, "rows/s", budget=300_000.0)
    other = Fence([version], atlases=atlases)
    started = time.process_time()
    for some in log:
        other.restore(some)
    other.resume(fence.partition_row())
    spent = time.process_time() - started
    yield Figure("rows", f"{case}: in", rows / spent, "rows/s", budget=300_000.0)
    yield Figure("rows", f"{rows:,} rows, {rows - DEVICES:,} stale: restore", spent, "s", budget=15.0, most=True)
