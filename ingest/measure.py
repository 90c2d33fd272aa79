"""A metric as Prometheus has it: its name, its kind, its meaning, its labels; and values that are told under it.

Under each role's `metrics`, where all of a role's are written down as one table. Invariants: names end in their base
unit, counters in `_total` besides; what is told has just these labels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # of what a process does
LONG_SECONDS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14_400.0)  # of what devices do
RECORDS = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 8192.0)

Told = Iterable[tuple[Sequence[str], float]]  # the values of the labels, and what it stands at


class Kind(StrEnum):
    """What Prometheus calls the type of a metric."""

    COUNTER = "counter"  # only grows, from 0 at the start of the process
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Histogram:
    """How large something was, each time: how often up to each bound, and in all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """It was so large."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric."""

    kind: Kind
    name: str  # without the `_total` of a counter
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def exposed(self) -> str:
        """The name as Prometheus has it."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name

    def at(self, value: float) -> Metric:
        """What it stands at, where it has no labels."""
        return self.of([((), value)])

    def of(self, told: Told) -> Metric:
        """What a counter or a gauge stands at."""
        make = CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily
        family = make(self.name, self.meaning, labels=self.labels)
        for labels, value in told:
            family.add_metric(labels, value)
        return family

    def spread(self, told: Iterable[tuple[Sequence[str], Histogram]]) -> Metric:
        """How a histogram is spread."""
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, its in told:
            bounds = [*(f"{bound:g}" for bound in its.bounds), "+Inf"]
            family.add_metric(labels, list(zip(bounds, accumulate(its.counts), strict=True)), its.sum)
        return family


def counter(name: str, meaning: str, *labels: str) -> Measure:
    """One that only grows."""
    return Measure(Kind.COUNTER, name, meaning, labels)


def gauge(name: str, meaning: str, *labels: str) -> Measure:
    """One that goes up and down."""
    return Measure(Kind.GAUGE, name, meaning, labels)


def histogram(name: str, meaning: str, *labels: str) -> Measure:
    """One that tells how something is spread."""
    return Measure(Kind.HISTOGRAM, name, meaning, labels)
