"""The health of a role over HTTP: whether it lives, whether it is ready, what it counts.

For whatever starts workers and gateways, and watches them. Invariant: who is not ready says why; of a worker, ready
means that every partition it holds is restored and running.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from ingest.metrics import WorkerMetrics
from ingest.status import PartitionStatus, Status

Readiness = Callable[[], Awaitable[tuple[bool, dict[str, Any]]]]  # whether it is ready, and what there is to say of it


def health_app(title: str, readiness: Readiness, *collectors: Collector) -> FastAPI:
    """The three answers; of metrics those of the process too."""
    app = FastAPI(title=title, openapi_url=None)
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)

    @app.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get("/health/ready")
    async def ready(response: Response) -> dict[str, Any]:
        is_ready, told = await readiness()
        response.status_code = 200 if is_ready else 503
        return {"ready": is_ready, **told}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def worker_health(status: Status, *more: Collector) -> FastAPI:
    """That of a worker. `more`: metrics beside its own."""

    async def readiness() -> tuple[bool, dict[str, Any]]:
        held = sorted(status.held, key=lambda one: one.partition)
        return status.ready, {"silent": status.silent or None, "partitions": [_told(one) for one in held]}

    return health_app("geofence worker", readiness, WorkerMetrics(status), *more)


def _told(one: PartitionStatus) -> dict[str, Any]:
    return {
        "partition": one.partition,
        "state": str(one.state),
        "since_ms": one.since_ms,
        "reason": one.reason or None,
        "failures": one.failures,
        "offset": one.offset,
        "restored_rows": one.restored,
        "unread": one.unread,
        "layers": {its.layer: {"version": its.version, "publication": its.number} for its in one.in_force or ()},
    }
