"""How a worker's partitions are doing, in memory, for whoever asks: logs, metrics, readiness.

Written by `partition`. Invariant: a partition that is not running says since when and why.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from geofence.wire_tracks import LayerInForce
from ingest.measure import LONG_SECONDS, RECORDS, Histogram

_log = logging.getLogger("geofence.worker")


class State(StrEnum):
    """What a partition is doing."""

    RESTORING = "restoring"  # reading its tracks
    RUNNING = "running"
    FAILED = "failed"  # waiting to be taken again
    BLOCKED = "blocked"  # the same, but somebody has to do something about it
    LEFT = "left"  # given up: another worker's, or the worker stops


@dataclass(slots=True)
class PartitionStatus:
    """One partition."""

    partition: int
    since_ms: int
    state: State = State.RESTORING
    reason: str = ""
    failures: int = 0  # in a row
    offset: int | None = None  # the next record to take
    clock_ms: int | None = None
    restored: int = 0  # rows of tracks
    restored_ratio: float = 0.0  # of what there was to be read
    in_force: tuple[LayerInForce, ...] | None = None  # as committed; None: not known yet
    sweeping: bool = False  # whether a switch has devices left to move
    unread: int = 0  # records, when last looked at
    unread_ms: int = 0  # age of the oldest of them
    answered_ms: int | None = None  # when the log last said so
    kept_ms: int | None = None  # for how long the input keeps a record
    counts: Counter[str] = field(default_factory=Counter)  # pings, controls, events, refused, ... since the start
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # of pings, by layer and outcome
    batches: Histogram = field(default_factory=lambda: Histogram(RECORDS))  # records in each transaction
    latency: Histogram = field(default_factory=Histogram)  # seconds from receipt to event
    spent_s: dict[str, float] = field(default_factory=dict)  # wall time by step
    confirmation: dict[str, Histogram] = field(default_factory=dict)  # of all partitions of the worker, by layer

    def confirmed(self, layer: str, after_s: float) -> None:
        """A change was confirmed, so long after its first evidence."""
        if layer not in self.confirmation:
            self.confirmation[layer] = Histogram(LONG_SECONDS)
        self.confirmation[layer].add(after_s)

    def spend(self, step: str, seconds: float) -> None:
        """Add to the time that a step has taken."""
        self.spent_s[step] = self.spent_s.get(step, 0.0) + seconds

    def enter(self, state: State, now_ms: int, reason: str = "") -> None:
        """Change state, and say so in the log."""
        self.state, self.since_ms, self.reason = state, now_ms, reason
        level = logging.ERROR if state in (State.FAILED, State.BLOCKED) else logging.INFO
        tell(
            level,
            str(state),
            partition=self.partition,
            offset=self.offset,
            failures=self.failures or None,
            reason=reason,
        )


@dataclass(slots=True)
class Status:
    """All partitions that this worker has had."""

    partitions: dict[int, PartitionStatus] = field(default_factory=dict)
    confirmation: dict[str, Histogram] = field(default_factory=dict)  # seconds from first evidence to event, by layer
    silent: str = ""  # why the log did not answer when it was last asked, if it did not

    @property
    def running(self) -> bool:
        """Whether every partition that it has is restored and running."""
        return bool(self.held) and all(one.state is State.RUNNING for one in self.held)

    @property
    def ready(self) -> bool:
        """The same, and the log answers."""
        return self.running and not self.silent

    @property
    def held(self) -> list[PartitionStatus]:
        """Those that it has now."""
        return [one for one in self.partitions.values() if one.state is not State.LEFT]

    def of(self, partition: int, now_ms: int) -> PartitionStatus:
        """The status of a partition, made if it is new."""
        made = PartitionStatus(partition, now_ms, confirmation=self.confirmation)
        return self.partitions.setdefault(partition, made)


def tell(level: int, action: str, **facts: object) -> None:
    """One line of the log: what is done, and to what; facts without a value are left out."""
    told = {name: value for name, value in facts.items() if value not in (None, "")}
    _log.log(
        level,
        "%s %s",
        action,
        " ".join(f"{name}={value}" for name, value in told.items()),
        extra={"action": action, "facts": told},
    )
