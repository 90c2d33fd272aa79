"""The gateway's metrics and readiness: every name with its unit and meaning, and what each stands at.

Read from the parts of the gateway when somebody asks. Names follow Prometheus: `_total` only grows. Invariants: pings
received are those accepted, rejected and put off; ready means that the log and the catalog have answered lately, and
that the log did not refuse the last append; tokens' keys that are old are told, and still hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.gateway.counts import Answers
from ingest.gateway.flights import Flights
from ingest.gateway.freshness import Freshness
from ingest.gateway.intake import Intake
from ingest.gateway.streams import Streams
from ingest.health import health_app
from ingest.measure import counter, gauge, histogram
from web.jwks import Jwks
from web.keyring import Keyring

RECEIVED = counter(
    "geofence_gateway_pings_received", "Pings in requests that could be read: accepted, rejected or put off"
)
ACCEPTED = counter("geofence_gateway_pings_accepted", "Pings that were acknowledged: they are in the log")
REJECTED = counter("geofence_gateway_pings_rejected", "Pings that were not taken, by reason", "reason")
PUT_OFF = counter(
    "geofence_gateway_pings_put_off",
    "Pings of requests that were told to come again (429, 503) or given up by who sent them",
)
REQUESTS = counter(
    "geofence_gateway_requests", "Requests that were answered, by endpoints and status", "endpoints", "status"
)
ANSWERS = histogram(
    "geofence_gateway_answer_seconds", "From a request's head to the beginning of its answer, by endpoints", "endpoints"
)
APPENDS = histogram(
    "geofence_gateway_append_seconds", "Seconds that each append of pings to the log took, failed ones too"
)
SIZES = histogram("geofence_gateway_append_records", "Records in each append of pings to the log")
FAILED = counter("geofence_gateway_appends_failed", "Appends of pings that the log did not take")
WAITING = gauge("geofence_gateway_waiting_bytes", "Bytes of pings that wait for the log")
ROOM = gauge("geofence_gateway_waiting_most_bytes", "Bytes of pings that may wait for the log at most")
STREAMS = gauge("geofence_gateway_streams", "Streams of events and positions that are open")
OPENED = counter("geofence_gateway_streams_opened", "Streams of events and positions that were begun")
CUT = counter("geofence_gateway_streams_cut", "Streams that the gateway ended or did not begin, by reason", "reason")
KEYS = gauge("geofence_gateway_keys", "API keys that are known, revoked ones too")
CATALOG_AGE = gauge(
    "geofence_gateway_catalog_age_seconds", "Seconds since the catalog last told which keys have changed"
)
LOG_AGE = gauge("geofence_gateway_log_age_seconds", "Age of what is told of devices, when it was last asked for")
JWKS_AGE = gauge(
    "geofence_gateway_jwks_age_seconds", "Seconds since the keys of tokens were last read; only with --jwks"
)
MEASURES = (
    *(RECEIVED, ACCEPTED, REJECTED, PUT_OFF, REQUESTS, ANSWERS, APPENDS, SIZES, FAILED, WAITING, ROOM),
    *(STREAMS, OPENED, CUT, KEYS, CATALOG_AGE, LOG_AGE, JWKS_AGE),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The parts of a gateway that know what there is to tell."""

    intake: Intake
    flights: Flights
    streams: Streams
    keyring: Keyring
    freshness: Freshness
    jwks: Jwks | None
    answers: Answers = field(default_factory=Answers)


class GatewayMetrics(Collector):
    """All of them, of one gateway."""

    def __init__(self, measured: Measured) -> None:
        self._its = measured

    def collect(self) -> Iterator[Metric]:
        """What each stands at."""
        its = self._its
        yield RECEIVED.at(its.intake.received)
        yield ACCEPTED.at(its.intake.accepted)
        yield REJECTED.of(((reason,), many) for reason, many in its.intake.refusals.counts.items())
        yield PUT_OFF.at(its.intake.put_off)
        yield REQUESTS.of(((group, str(status)), many) for (group, status), many in its.answers.counts.items())
        yield ANSWERS.spread(((group,), seconds) for group, seconds in its.answers.seconds.items())
        yield from _log(its.flights)
        yield from _streams(its.streams)
        yield KEYS.at(len(its.keyring))
        yield CATALOG_AGE.at(its.keyring.age_s())
        yield LOG_AGE.at(its.freshness.known_age_s())
        if its.jwks is not None:
            yield JWKS_AGE.at(its.jwks.age_s())


def _log(flights: Flights) -> Iterator[Metric]:
    yield APPENDS.spread([((), flights.seconds)])
    yield SIZES.spread([((), flights.sizes)])
    yield FAILED.at(flights.failed)
    yield WAITING.at(flights.waiting_bytes)
    yield ROOM.at(flights.most_bytes)


def _streams(streams: Streams) -> Iterator[Metric]:
    yield STREAMS.at(streams.open)
    yield OPENED.at(streams.opened)
    yield CUT.of(((reason,), many) for reason, many in streams.cut.items())


def gateway_health(measured: Measured, *more: Collector, ready_s: float) -> FastAPI:
    """The health of a gateway that is ready if log and catalog have answered in the last `ready_s`.

    A refused append makes it not ready for as long, unless another one went well since. `more`: metrics beside its own.
    """

    async def readiness() -> tuple[bool, dict[str, Any]]:
        log_s, catalog_s = await measured.freshness.age_ms() / 1000, measured.keyring.age_s()
        refused = measured.flights.refused(ready_s)
        log = {"answers": log_s < ready_s, "age_s": round(log_s, 3), "takes": not refused, "reason": refused or None}
        catalog = {"answers": catalog_s < ready_s, "age_s": round(catalog_s, 3), "keys": len(measured.keyring)}
        told: dict[str, Any] = {"log": log, "catalog": catalog}
        if measured.jwks is not None:
            told["jwks"] = {"age_s": round(measured.jwks.age_s(), 3), "keys": len(measured.jwks.keys.keys)}
        return bool(log["answers"] and log["takes"] and catalog["answers"]), told

    return health_app("geofence gateway", readiness, GatewayMetrics(measured), *more)
