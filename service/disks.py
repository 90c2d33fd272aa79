"""Where the log of a role lies, for the metrics of its disk.

Beside the roles. Invariant: a log that is no file of this machine has no disk.
"""

from __future__ import annotations

from pathlib import Path

from prometheus_client.registry import Collector

from ingest.disk import DiskMetrics


def disk_of(log_url: str) -> list[Collector]:
    """The metrics of the disk that a log lies on, if it is an embedded one."""
    scheme, _, place = log_url.partition(":")
    return [DiskMetrics(Path(place))] if scheme == "sqlite" and place else []
