"""The metrics and the readiness of the role that sends webhooks: every name with its unit and meaning.

Read from the runner when somebody asks. Invariants: no label has a webhook's name or address; the states of webhooks
add up to those of the catalog; ready means that catalog and log answer, however the receivers are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from catalog.webhook import ACTIVE
from ingest.health import health_app
from ingest.measure import counter, gauge, histogram
from ingest.webhooks.runner import Runner
from stream.port import LogError

STATES = gauge(
    "geofence_webhooks_webhooks",
    "Webhooks of the catalog by state; of the active ones: delivering or failing here, or elsewhere",
    "state",
)
DELIVERIES = counter(
    "geofence_webhooks_deliveries",
    "Deliveries that have ended, by outcome: taken, unanswered, or the class of the status such as 5xx",
    "outcome",
)
TOOK = histogram("geofence_webhooks_delivery_seconds", "Seconds that each delivery took, failed ones too")
UNDER_WAY = gauge("geofence_webhooks_under_way", "Deliveries that are under way")
WAITING = gauge("geofence_webhooks_waiting_events", "Events in memory that are not delivered yet, of all webhooks here")
FAILING = gauge(
    "geofence_webhooks_failing_seconds", "For how long the webhook that fails longest here has taken nothing"
)
DIED = counter("geofence_webhooks_died", "Webhooks that were switched off as nothing was taken for too long")
LOST = counter("geofence_webhooks_gaps", "Times that retention took events before they were delivered")
CATALOG_AGE = gauge(
    "geofence_webhooks_catalog_age_seconds", "Seconds since the catalog last told which webhooks there are"
)
MEASURES = (STATES, DELIVERIES, TOOK, UNDER_WAY, WAITING, FAILING, DIED, LOST, CATALOG_AGE)


class WebhookMetrics(Collector):
    """All of them, of one process."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def collect(self) -> Iterator[Metric]:
        """What each stands at."""
        runner, load = self._runner, self._runner.means.load
        yield STATES.of(((state,), many) for state, many in states_of(runner).items())
        yield DELIVERIES.of(((outcome,), many) for outcome, many in load.ended.items())
        yield TOOK.spread([((), load.seconds)])
        yield UNDER_WAY.at(load.under_way)
        yield WAITING.at(sum(sender.waiting for sender in list(runner.senders)))
        yield FAILING.at(_failing_s(runner))
        yield DIED.at(load.died)
        yield LOST.at(load.lost)
        yield CATALOG_AGE.at(runner.catalog_age_s)


def states_of(runner: Runner) -> dict[str, int]:
    """How many webhooks are in each state."""
    here = [bool(sender.progress.failures) for sender in list(runner.senders)]
    states = {state: many for state, many in runner.states.items() if state != ACTIVE}
    elsewhere = max(0, runner.states[ACTIVE] - len(here))
    return {**states, "delivering": here.count(False), "failing": here.count(True), "elsewhere": elsewhere}


def _failing_s(runner: Runner) -> float:
    since = [one.progress.failing_since_ms for one in list(runner.senders) if one.progress.failing_since_ms is not None]
    return max(0, runner.means.clock.now_ms() - min(since)) / 1000 if since else 0.0


def webhooks_health(runner: Runner, *more: Collector) -> FastAPI:
    """The health of the role. `more`: metrics beside its own."""
    ready_s = runner.means.settings.ready_s

    async def readiness() -> tuple[bool, dict[str, Any]]:
        age_s, silent = runner.catalog_age_s, await _silent(runner)
        catalog = {"answers": age_s < ready_s, "age_s": round(age_s, 3) if age_s < 1e9 else None}
        log = {"answers": not silent, "reason": silent or None}
        return age_s < ready_s and not silent, {"catalog": catalog, "log": log, "webhooks": states_of(runner)}

    return health_app("geofence webhooks", readiness, WebhookMetrics(runner), *more)


async def _silent(runner: Runner) -> str:
    """Why the log does not answer, if it does not."""
    try:
        async with asyncio.timeout(runner.means.settings.ready_s):
            await runner.means.history.standing()
    except TimeoutError:
        return "it has not answered in time"
    except LogError as error:
        return str(error)
    return ""
