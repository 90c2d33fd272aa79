"""The worker's metrics: every name with its unit and meaning, and what each stands at.

Read from `status` when somebody asks; nothing is counted here. Names follow Prometheus: `_total` only grows. Invariant:
each partition that the worker holds is in each of them, under the label `partition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.status import PartitionStatus, State, Status


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric that goes up and down, one value a partition; None: not known yet."""

    name: str
    meaning: str
    value: Callable[[PartitionStatus], float | None]


# fmt: off
GAUGES = (
    Gauge("geofence_worker_offset", "Offset of the next record to take", lambda one: one.offset),
    Gauge("geofence_worker_clock_seconds", "Time of the partition: its newest record, in Unix seconds",
          lambda one: None if one.clock_ms is None else one.clock_ms / 1000),
    Gauge("geofence_worker_restored_rows", "Rows of tracks read when the partition was last taken",
          lambda one: one.restored),
    Gauge("geofence_worker_failures", "Failures in a row; 0 while it works", lambda one: one.failures),
    Gauge("geofence_worker_unread_records", "Records that wait, when last looked at", lambda one: one.unread),
    Gauge("geofence_worker_unread_seconds", "Age of the oldest record that waits; alert at half of kept_seconds",
          lambda one: one.unread_ms / 1000),
    Gauge("geofence_worker_answered_seconds", "When the log last told what waits, in Unix seconds",
          lambda one: None if one.answered_ms is None else one.answered_ms / 1000),
    Gauge("geofence_worker_kept_seconds", "For how long the input keeps a record",
          lambda one: None if one.kept_ms is None else one.kept_ms / 1000),
)
# fmt: on
STATE = ("geofence_worker_state", "1 for the state that the partition is in, 0 for the others")
SINCE = ("geofence_worker_since_seconds", "When it entered that state, in Unix seconds")
PUBLICATION = ("geofence_worker_publication", "Number of the newest publication of each layer that was obeyed; 0: none")
COUNTS = {  # by the name in `status`
    "pings": ("geofence_worker_pings", "Pings taken since the start"),
    "controls": ("geofence_worker_controls", "Control records taken since the start"),
    "events": ("geofence_worker_events", "Region changes told since the start"),
    "commits": ("geofence_worker_commits", "Transactions committed since the start"),
}
REFUSED = ("geofence_worker_refused", "Records or pings that were not used since the start, by reason")
STEPS = ("geofence_worker_step_seconds", "Wall time spent in each step of the pipeline since the start")


class WorkerMetrics(Collector):
    """All of them, of one worker."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """What each stands at."""
        held = self._status.held
        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=["partition"])
            for one in held:
                if (value := gauge.value(one)) is not None:
                    family.add_metric([str(one.partition)], value)
            yield family
        yield from _states(held)
        yield from _counts(list(self._status.partitions.values()))


def _states(held: list[PartitionStatus]) -> Iterator[Metric]:
    states, since = (
        GaugeMetricFamily(*STATE, labels=["partition", "state"]),
        GaugeMetricFamily(*SINCE, labels=["partition"]),
    )
    for one in held:
        for state in State:
            states.add_metric([str(one.partition), str(state)], float(one.state is state))
        since.add_metric([str(one.partition)], one.since_ms / 1000)
    yield states
    yield since
    yield _publications(held)


def _publications(held: list[PartitionStatus]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(*PUBLICATION, labels=["partition", "layer"])
    for one in held:
        for its in one.in_force or ():
            family.add_metric([str(one.partition), its.layer], its.number)
    return family


def _counts(every: list[PartitionStatus]) -> Iterator[Metric]:
    for name, told in COUNTS.items():
        family = CounterMetricFamily(*told, labels=["partition"])
        for one in every:
            family.add_metric([str(one.partition)], one.counts[name])
        yield family
    refused = CounterMetricFamily(*REFUSED, labels=["partition", "reason"])
    steps = CounterMetricFamily(*STEPS, labels=["partition", "step"])
    for one in every:
        for name in one.counts.keys() - COUNTS.keys():
            refused.add_metric([str(one.partition), name.removeprefix("refused_")], one.counts[name])
        for step, seconds in one.spent_s.items():
            steps.add_metric([str(one.partition), step], seconds)
    yield refused
    yield steps
