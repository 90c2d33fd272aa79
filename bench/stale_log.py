"""A log to restore from: a million devices, and before each one's newest row two that are stale."""

from __future__ import annotations

import numpy as np

from bench.client import COUNTIES
from geofence.atlas import Atlas
from geofence.fence import Fence
from geofence.ping import Pings
from geofence.text import Texts
from ingest.outgoing import state_records
from ingest.topics import PRESENCE, TRACKS
from service.layers import versions_of
from stream.port import Log

DEVICES, ROUNDS = 1_000_000, 3
_BATCH = 50_000


async def write_stale_log(log: Log, devices: int = DEVICES, *, told: bool = False) -> int:
    """Rows as workers leave them, shared out evenly; how many there are. `told`: their presence too."""
    version = versions_of([COUNTIES])[0]
    atlas, rows, partitions = Atlas(version), 0, await log.partitions(TRACKS)
    for partition in range(partitions):
        fence = Fence([version], atlases={version.hash: atlas})
        for number in range(ROUNDS):
            for start in range(0, devices // partitions, _BATCH):
                many = min(_BATCH, devices // partitions - start)
                fence.observe(_pings(partition, start, many, number))
                tracks, presence = state_records(fence)
                await log.append(TRACKS, tracks, partition=partition)
                if told:
                    await log.append(PRESENCE, presence, partition=partition)
                rows += many
    return rows


def _pings(partition: int, start: int, many: int, number: int) -> Pings:
    """One ping of each device; some are coarse, so that something is pending."""
    rng = np.random.default_rng(number)
    names = np.array([f"{partition}-{device:08x}-phone" for device in range(start, start + many)], "S16")
    offsets = np.arange(many + 1, dtype=np.int64) * names.itemsize
    return Pings.columns(
        device=Texts(np.frombuffer(names.tobytes(), np.uint8), offsets),
        lon=rng.uniform(-120, -75, many),
        lat=rng.uniform(30, 47, many),
        time_ms=np.full(many, 60_000 * (number + 1)),
        accuracy_m=rng.choice([15.0, 300.0], many),
    )
