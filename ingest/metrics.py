"""The worker's metrics: every name with its unit and meaning, and what each stands at.

Read from `status` when somebody asks; nothing is counted here. Names follow Prometheus: `_total` only grows.
Invariants: each partition that the worker holds is in each of them, under the label `partition`; pings and controls add
up to the records taken, and in each layer the outcomes to the pings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from geofence.report import TOO_COARSE
from ingest.measure import Measure, counter, gauge, histogram
from ingest.status import PartitionStatus, State, Status

# One value a partition; None: not known yet.
GAUGES: tuple[tuple[Measure, Callable[[PartitionStatus], float | None]], ...] = (
    (gauge("geofence_worker_offset", "Offset of the next record to take", "partition"), lambda one: one.offset),
    (
        gauge(
            "geofence_worker_clock_seconds", "Time of the partition: its newest record, in Unix seconds", "partition"
        ),
        lambda one: None if one.clock_ms is None else one.clock_ms / 1000,
    ),
    (
        gauge("geofence_worker_restored_rows", "Rows of tracks read when the partition was last taken", "partition"),
        lambda one: one.restored,
    ),
    (
        gauge(
            "geofence_worker_restored_ratio",
            "How much of its tracks has been read; 1: all, it is restored",
            "partition",
        ),
        lambda one: one.restored_ratio,
    ),
    (gauge("geofence_worker_failures", "Failures in a row; 0 while it works", "partition"), lambda one: one.failures),
    (
        gauge("geofence_worker_unread_records", "Records that wait, when last looked at", "partition"),
        lambda one: one.unread,
    ),
    (
        gauge(
            "geofence_worker_unread_seconds",
            "Age of the oldest record that waits; alert at half of kept_seconds",
            "partition",
        ),
        lambda one: one.unread_ms / 1000,
    ),
    (
        gauge("geofence_worker_answered_seconds", "When the log last told what waits, in Unix seconds", "partition"),
        lambda one: None if one.answered_ms is None else one.answered_ms / 1000,
    ),
    (
        gauge("geofence_worker_kept_seconds", "For how long the input keeps a record", "partition"),
        lambda one: None if one.kept_ms is None else one.kept_ms / 1000,
    ),
    (
        gauge("geofence_worker_since_seconds", "When it entered the state that it is in, in Unix seconds", "partition"),
        lambda one: one.since_ms / 1000,
    ),
    (
        gauge("geofence_worker_sweeping", "1 while a switch of version has devices left to move, else 0", "partition"),
        lambda one: float(one.sweeping),
    ),
)
COUNTS = {  # by the name in `status`
    "records": counter("geofence_worker_records", "Records taken from the input: controls and pings", "partition"),
    "controls": counter(
        "geofence_worker_controls", "Control records taken, those that could not be used too", "partition"
    ),
    "pings": counter("geofence_worker_pings", "Pings taken, those that could not be used too", "partition"),
    "events": counter("geofence_worker_events", "Region changes told", "partition"),
    "commits": counter("geofence_worker_commits", "Transactions committed", "partition"),
}
STATE = gauge(
    "geofence_worker_state", "1 for the state that the partition is in, 0 for the others", "partition", "state"
)
PUBLICATION = gauge(
    "geofence_worker_publication",
    "Number of the newest publication of each layer that was obeyed; 0: none",
    "partition",
    "layer",
)
VERSION = gauge(
    "geofence_worker_version_info",
    "1 for the version in force of each layer: the beginning of its hash",
    "partition",
    "layer",
    "version",
)
OUTCOMES = counter(
    "geofence_worker_outcomes",
    "Pings by what came of them in each layer; they add up to the pings",
    "partition",
    "layer",
    "outcome",
)
REFUSED = counter(
    "geofence_worker_refused",
    "Records that were not used, by reason: dead letters, and pings without consent",
    "partition",
    "reason",
)
STEPS = counter("geofence_worker_step_seconds", "Wall time spent in each step of the pipeline", "partition", "step")
BATCHES = histogram("geofence_worker_batch_records", "Records in each transaction that took some", "partition")
LATENCY = histogram(
    "geofence_worker_latency_seconds",
    "From the receipt of the ping that confirmed a change to the commit of its event",
    "partition",
)
CONFIRMATION = histogram(
    "geofence_worker_confirmation_seconds",
    "From a device's first ping in its new region to the ping that confirmed it, by layer",
    "layer",
)
LOST = counter("geofence_worker_lost_records", "Records that retention took before they were read", "partition")
FAULTS = counter("geofence_worker_faults", "Failures after which the partition was taken again", "partition")
MEASURES = (
    *(measure for measure, _ in GAUGES),
    *COUNTS.values(),
    *(STATE, PUBLICATION, VERSION, OUTCOMES, REFUSED, STEPS, BATCHES, LATENCY, CONFIRMATION, LOST, FAULTS),
)


class WorkerMetrics(Collector):
    """All of them, of one worker."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """What each stands at."""
        held, every = self._status.held, list(self._status.partitions.values())
        for measure, value_of in GAUGES:
            found = [(one, value_of(one)) for one in held]
            yield measure.of(((str(one.partition),), value) for one, value in found if value is not None)
        yield from _states(held)
        yield from _counts(every)
        yield BATCHES.spread(((str(one.partition),), one.batches) for one in every)
        yield LATENCY.spread(((str(one.partition),), one.latency) for one in every)
        yield CONFIRMATION.spread(((layer,), its) for layer, its in list(self._status.confirmation.items()))


def _states(held: list[PartitionStatus]) -> Iterator[Metric]:
    yield STATE.of(((str(one.partition), str(state)), float(one.state is state)) for one in held for state in State)
    layers = [(str(one.partition), its) for one in held for its in one.in_force or ()]
    yield PUBLICATION.of(((partition, its.layer), its.number) for partition, its in layers)
    yield VERSION.of(((partition, its.layer, its.version[:12]), 1) for partition, its in layers)


def _counts(every: list[PartitionStatus]) -> Iterator[Metric]:
    for name, measure in COUNTS.items():
        yield measure.of(((str(one.partition),), one.counts[name]) for one in every)
    outcomes = [(str(one.partition), key, many) for one in every for key, many in list(one.outcomes.items())]
    yield OUTCOMES.of(((partition, *key), many) for partition, key, many in outcomes)
    beside = {*COUNTS, *_BESIDE, TOO_COARSE}
    refused = [(str(one.partition), name, many) for one in every for name, many in list(one.counts.items())]
    yield REFUSED.of(
        ((partition, name.removeprefix("refused_")), many) for partition, name, many in refused if name not in beside
    )
    spent = [(str(one.partition), step, seconds) for one in every for step, seconds in list(one.spent_s.items())]
    yield STEPS.of(((partition, step), seconds) for partition, step, seconds in spent)
    for name, measure in _BESIDE.items():
        yield measure.of(((str(one.partition),), one.counts[name]) for one in every)


_BESIDE = {"lost": LOST, "faults": FAULTS}
