"""What a further layer costs: the columns of a fence and the bytes of a row, for one, two and three layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.figures import Figure
from data.layers import HERE
from geofence.fence import Fence
from geofence.ping import Pings
from service.layers import versions_of

DEVICES, BATCH = 200_000, 50_000
NAMES = ("us-counties", "countries", "fences")


def figures() -> Iterator[Figure]:
    """With the counties, the countries too, and the fences too."""
    versions = versions_of([str(HERE / f"{name}.geojson.gz") for name in NAMES])
    for many in range(1, len(NAMES) + 1):
        fence = Fence(versions[:many])
        for start in range(0, DEVICES, BATCH):
            fence.observe(_pings(start))
        rows = fence.changed()
        case = f"{DEVICES:,} devices in {' and '.join(NAMES[:many])}"
        yield Figure("layers", f"{case}: columns", fence.nbytes / DEVICES, "bytes a device")
        yield Figure("layers", f"{case}: rows", len(rows.arena) / len(rows), "bytes a row")


def _pings(start: int) -> Pings:
    """A ping of each device."""
    rng = np.random.default_rng(start)
    return Pings.columns(
        device=[f"{number:08x}-phone" for number in range(start, start + BATCH)],
        lon=rng.uniform(-120, -75, BATCH),
        lat=rng.uniform(30, 47, BATCH),
        time_ms=np.full(BATCH, 60_000),
        accuracy_m=np.full(BATCH, 15.0),
    )
