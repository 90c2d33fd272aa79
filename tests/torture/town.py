"""The torture's world: layers in several versions, the workers' settings, topics, and a clock that runs fast.

Both sides know it, the processes that work and the one that torments them. Invariant: the town's time is the log's and
the devices'; leases and signs of life go by the machine's own clock.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from shapely import box
from shapely.geometry.base import BaseGeometry

from boundaries.publishing import PublishingSettings
from geofence.region import Kind, Region, Version
from ingest.settings import WorkerSettings
from ingest.topics import topics as product_topics
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
# Real seconds: who is killed amid a publication is replaced after a moment, and a dead worker is not waited for long.
PUBLISHING = PublishingSettings(look_s=0.1, lease_s=2.0, worker_s=1.5, prepare_s=20.0, again_s=4.0)
SIGN_S = 0.5  # between two signs of life of a worker


@dataclass(slots=True)
class Clock:
    """The time in town, the same in every process that knows when it began (on the machine's monotonic clock)."""

    begun_s: float
    last_ms: float = inf  # where it stops

    def now_ms(self) -> int:
        """Unix milliseconds, as the log and the workers are to see them."""
        return round(min(self.last_ms, START_MS + (time.monotonic() - self.begun_s) * 1000 * SPEED))


@dataclass(frozen=True, slots=True)
class Draft:
    """A version before its regions have codes."""

    kind: Kind
    shapes: Mapping[str, BaseGeometry]
    dwell_s: float | None = None


def version_of(layer: str, draft: Draft, codes: Mapping[str, int]) -> Version:
    """The version, with the codes that the catalog has given."""
    regions = [Region(key, shape, key.upper()) for key, shape in draft.shapes.items()]
    return Version.of(layer, regions, kind=draft.kind, dwell_s=draft.dwell_s, codes=codes)


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


def _drafts() -> dict[str, list[Draft]]:
    """Every version of both layers; one of them is a layer that is retired."""
    fewer = {name: shape for rank, (name, shape) in enumerate(_cells(0.0).items()) if rank % 4 != 1}
    fences = {f"f{n}": box(x, y, x + 0.012, y + 0.012) for n, (x, y) in enumerate(_corners())}
    moved = {f"f{n}": box(x, y + 0.003, x + 0.009, y + 0.015) for n, (x, y) in enumerate(_corners()) if n % 3}
    return {
        "cells": [Draft(Kind.PARTITION, shapes) for shapes in (_cells(0.0), _cells(0.4), fewer)],
        "fences": [
            Draft(Kind.OVERLAY, fences, DWELL_S), Draft(Kind.OVERLAY, moved, DWELL_S), Draft(Kind.OVERLAY, {})
        ],
    }  # fmt: skip


VERSIONS = _drafts()
