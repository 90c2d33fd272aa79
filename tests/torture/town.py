"""The torture's world: layers in several versions, the workers' settings, topics, and a clock that runs fast.

Both sides know it, the processes that work and the one that torments them. Invariant: whoever makes it gets the same
versions, so that a hash sent in a control record means the same to all.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cache
from io import StringIO
from math import inf

from shapely import box
from shapely.geometry.base import BaseGeometry

from geofence.region import Kind, Region, Version
from ingest.fences import FixedFences
from ingest.settings import WorkerSettings
from ingest.topics import topics as product_topics
from service.fences import fixed_fences
from stream.kafka import KafkaSettings
from stream.port import Cleanup, Topic

PARTITIONS = 4
START_MS = 1_750_000_000_000
SPEED = 60  # seconds of the town in a second
CELL = 0.01  # degrees: 1.1 km
COLUMNS, ROWS = 6, 3
DWELL_S = 300.0
SESSION_S = 2.0

# Small batches and sweeps, so that there are many commits; a device that is silent for two minutes is forgotten.
SETTINGS = WorkerSettings(
    forget_after_s=7200.0, max_age_s=3600.0, source="torture", group="torture", batch_records=200, sweep_devices=10,
    tick_s=2.0, backoff_most_s=2.0,
)  # fmt: skip


@dataclass(slots=True)
class Clock:
    """The time in town, the same in every process that knows when it began (on the machine's monotonic clock)."""

    begun_s: float
    last_ms: float = inf  # where it stops

    def now_ms(self) -> int:
        """Unix milliseconds, as the log and the workers are to see them."""
        return round(min(self.last_ms, START_MS + (time.monotonic() - self.begun_s) * 1000 * SPEED))


def versions() -> list[Version]:
    """Every version of both layers; of each the first is in force in a log that is new."""
    plain = _cells(0.0)
    shifted = _cells(0.4)
    fewer = {name: shape for rank, (name, shape) in enumerate(_cells(0.0).items()) if rank % 4 != 1}
    fences = {f"f{n}": box(x, y, x + 0.012, y + 0.012) for n, (x, y) in enumerate(_corners())}
    moved = {f"f{n}": box(x, y + 0.003, x + 0.009, y + 0.015) for n, (x, y) in enumerate(_corners()) if n % 3}
    return [
        *(_version("cells", Kind.PARTITION, shapes) for shapes in (plain, shifted, fewer)),
        *(_version("fences", Kind.OVERLAY, shapes, dwell_s=DWELL_S) for shapes in (fences, moved)),
    ]


@cache
def fences() -> FixedFences:
    """The fences of its partitions."""
    with redirect_stderr(StringIO()):  # it says which versions wait for a switch
        return fixed_fences(versions(), SETTINGS, "compiled")


def topics() -> Sequence[Topic]:
    """As the product has them; but the town's times are past, and what is compact is compacted every few seconds."""
    return [
        dataclasses.replace(topic, compact_within_ms=60_000)
        if topic.cleanup is Cleanup.COMPACT
        else dataclasses.replace(topic, keep_ms=None)
        for topic in product_topics(PARTITIONS)
    ]


def kafka_settings(bootstrap: str, brokers: int) -> KafkaSettings:
    """Short deadlines, so that many faults fit in; a broker is let go after 2 s."""
    return KafkaSettings(
        bootstrap=bootstrap, replication=brokers, min_in_sync=max(1, brokers - 1), session_s=SESSION_S, request_s=2.0,
        append_s=10.0, commit_s=15.0, take_s=30.0, rebalance_s=6.0, close_s=1.0, record_bytes=1_000_000,
    )  # fmt: skip


def _cells(shift: float) -> dict[str, BaseGeometry]:
    return {
        f"c{column}{row}": box(
            (column + shift) * CELL, row * CELL, (column + 1 + shift) * CELL, (row + 1) * CELL
        )
        for column in range(COLUMNS)
        for row in range(ROWS)
    }  # fmt: skip


def _corners() -> list[tuple[float, float]]:
    return [(0.002 + 0.0095 * n, 0.002 + 0.006 * (n % 3)) for n in range(6)]


def _version(layer: str, kind: Kind, shapes: dict[str, BaseGeometry], dwell_s: float | None = None) -> Version:
    regions = [Region(key, shape, key.upper()) for key, shape in shapes.items()]
    return Version.of(layer, regions, kind=kind, dwell_s=dwell_s)
