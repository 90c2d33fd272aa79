"""The disk that a role writes to: how much of it is free, as a metric.

Beside the metrics of the roles whose log is a file. Invariant: a disk that can't be asked is left out, never told as
empty.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.measure import gauge

FREE = gauge("geofence_disk_free_bytes", "Bytes that are free on the disk of the embedded log")
SIZE = gauge("geofence_disk_size_bytes", "Bytes that this disk has in all")
LOG = gauge("geofence_disk_log_bytes", "Bytes that the embedded log takes, with what it is still to tidy up")
MEASURES = (FREE, SIZE, LOG)
_PARTS = ("", "-wal", "-shm")  # of one database


class DiskMetrics(Collector):
    """The disk of one embedded log."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def collect(self) -> Iterator[Metric]:
        """What each stands at."""
        try:
            disk = shutil.disk_usage(self._log.parent)
        except OSError:
            return
        yield FREE.at(disk.free)
        yield SIZE.at(disk.total)
        yield LOG.at(sum(map(_size, _PARTS, [self._log] * len(_PARTS))))


def _size(part: str, log: Path) -> int:
    try:
        return log.with_name(log.name + part).stat().st_size
    except OSError:
        return 0
