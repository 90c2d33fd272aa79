"""What a million devices in one layer cost: the resident memory of a fresh process, before and after their pings."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from bench.figures import Figure

DEVICES, BATCH = 1_000_000, 1 << 16


def figures() -> Iterator[Figure]:
    """With short names, and with UUIDs."""
    for kind in ("short", "uuid"):
        raw = subprocess.run([sys.executable, "-m", "bench.memory", kind], check=True, capture_output=True, text=True)
        grown_mb, columns_mb = (float(word) for word in raw.stdout.split())
        case = f"{DEVICES:,} devices, {kind} names, ids included"
        yield Figure("memory", f"{case}: resident", grown_mb, "MB", budget=400.0, most=True)
        yield Figure("memory", f"{case}: columns", columns_mb, "MB")


def _resident_mb() -> float:
    """What is resident once the allocator has given back what it merely keeps."""
    gc.collect()
    with suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096 / 1e6


def main(kind: str) -> None:
    """Fill a fence, and print how many MB the process grew by, and what its columns say of themselves."""
    from data.layers import HERE
    from geofence.fence import Fence
    from geofence.ping import Pings
    from service.layers import versions_of

    fence = Fence(versions_of([str(HERE / "us-counties.geojson.gz")]))
    rng = np.random.default_rng(1)

    def batch(start: int, at_ms: int) -> Pings:
        many = min(BATCH, DEVICES - start)
        numbers = range(start, start + many)
        named = [str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128))) for number in numbers]
        names = named if kind == "uuid" else [f"phone-{number}" for number in numbers]
        lon, lat = rng.uniform(-120, -75, many), rng.uniform(30, 47, many)
        return Pings.columns(
            device=names, lon=lon, lat=lat, time_ms=np.full(many, at_ms), accuracy_m=np.full(many, 15.0)
        )

    Fence(list(fence.versions().values())).observe(batch(0, 0))  # what a batch needs, whoever its devices are
    before = _resident_mb()
    for start in range(0, DEVICES, BATCH):
        fence.observe(batch(start, 60_000))
    print(_resident_mb() - before, fence.nbytes / 1e6)


if __name__ == "__main__":
    main(sys.argv[1])
