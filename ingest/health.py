"""The worker's health over HTTP: whether it lives, whether it is ready, what it counts.

For whatever starts workers and watches them. Invariant: ready means that every partition it holds is restored and
running; a partition that waits is named, with the reason.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ingest.metrics import WorkerMetrics
from ingest.status import PartitionStatus, Status


def health_app(status: Status) -> FastAPI:
    """The three answers."""
    app = FastAPI(title="geofence worker", openapi_url=None)
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(status))

    @app.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get("/health/ready")
    async def ready(response: Response) -> dict[str, Any]:
        response.status_code = 200 if status.ready else 503
        return {
            "ready": status.ready,
            "silent": status.silent or None,
            "partitions": [_told(one) for one in sorted(status.held, key=lambda one: one.partition)],
        }

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


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
    }
