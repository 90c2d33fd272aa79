"""The gateway's metrics and readiness: every name with its unit and meaning, and what each stands at.

Read from the parts of the gateway when somebody asks. Names follow Prometheus: `_total` only grows. Invariant: ready
means that the log and the catalog have answered lately; tokens' keys that are old are told, and still hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from fastapi import FastAPI
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.gateway.counts import BOUNDS_S, Seconds
from ingest.gateway.flights import Flights
from ingest.gateway.freshness import Freshness
from ingest.gateway.intake import Intake
from ingest.gateway.streams import Streams
from ingest.health import health_app
from web.jwks import Jwks
from web.keyring import Keyring

ACCEPTED = ("geofence_gateway_pings_accepted", "Pings that were acknowledged since the start")
REJECTED = ("geofence_gateway_pings_rejected", "Pings that were not taken since the start, by reason")
REQUESTS = ("geofence_gateway_requests", "Requests that were answered since the start, by endpoints and status")
APPENDS = ("geofence_gateway_append_seconds", "Seconds that each append of pings to the log took, failed ones too")
FAILED = ("geofence_gateway_appends_failed", "Appends of pings that the log did not take since the start")
WAITING = ("geofence_gateway_waiting_bytes", "Bytes of pings that wait for the log")
STREAMS = ("geofence_gateway_streams", "Streams of events and positions that are open")
KEYS = ("geofence_gateway_keys", "API keys that are known, revoked ones too")
CATALOG_AGE = ("geofence_gateway_catalog_age_seconds", "Seconds since the catalog last told which keys have changed")
LOG_AGE = ("geofence_gateway_log_age_seconds", "Age of what is told of devices, when it was last asked for")
JWKS_AGE = ("geofence_gateway_jwks_age_seconds", "Seconds since the keys of tokens were last read")


@dataclass(frozen=True, slots=True)
class Measured:
    """The parts of a gateway that know what there is to tell."""

    intake: Intake
    flights: Flights
    streams: Streams
    keyring: Keyring
    freshness: Freshness
    jwks: Jwks | None
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)


class GatewayMetrics(Collector):
    """All of them, of one gateway."""

    def __init__(self, measured: Measured) -> None:
        self._its = measured

    def collect(self) -> Iterator[Metric]:
        """What each stands at."""
        its = self._its
        yield CounterMetricFamily(*ACCEPTED, value=its.intake.accepted)
        rejected = CounterMetricFamily(*REJECTED, labels=["reason"])
        for reason, count in its.intake.refusals.counts.items():
            rejected.add_metric([reason], count)
        yield rejected
        requests = CounterMetricFamily(*REQUESTS, labels=["endpoints", "status"])
        for (group, status), count in its.requests.items():
            requests.add_metric([group, str(status)], count)
        yield requests
        yield _histogram(its.flights.seconds)
        yield CounterMetricFamily(*FAILED, value=its.flights.failed)
        yield GaugeMetricFamily(*WAITING, value=its.flights.waiting_bytes)
        yield GaugeMetricFamily(*STREAMS, value=its.streams.open)
        yield GaugeMetricFamily(*KEYS, value=len(its.keyring))
        yield GaugeMetricFamily(*CATALOG_AGE, value=its.keyring.age_s())
        yield GaugeMetricFamily(*LOG_AGE, value=its.freshness.known_age_s())
        if its.jwks is not None:
            yield GaugeMetricFamily(*JWKS_AGE, value=its.jwks.age_s())


def _histogram(seconds: Seconds) -> Metric:
    bounds = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
    family = HistogramMetricFamily(*APPENDS)
    family.add_metric([], list(zip(bounds, accumulate(seconds.counts), strict=True)), seconds.sum_s)
    return family


def gateway_health(measured: Measured, *, ready_s: float) -> FastAPI:
    """The health of a gateway that is ready if log and catalog have answered in the last `ready_s`."""

    async def readiness() -> tuple[bool, dict[str, Any]]:
        log_s, catalog_s = await measured.freshness.age_ms() / 1000, measured.keyring.age_s()
        log = {"answers": log_s < ready_s, "age_s": round(log_s, 3)}
        catalog = {"answers": catalog_s < ready_s, "age_s": round(catalog_s, 3), "keys": len(measured.keyring)}
        told: dict[str, Any] = {"log": log, "catalog": catalog}
        if measured.jwks is not None:
            told["jwks"] = {"age_s": round(measured.jwks.age_s(), 3), "keys": len(measured.jwks.keys.keys)}
        return bool(log["answers"] and catalog["answers"]), told

    return health_app("geofence gateway", readiness, GatewayMetrics(measured))
