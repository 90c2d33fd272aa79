"""The gateway put together: every endpoint, and what stands behind them.

The top of this package. Invariant: each endpoint but health and the page for codes asks `access` first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client.registry import Collector
from starlette.types import ASGIApp

from catalog import Catalog
from ingest.gateway.admin import Admin
from ingest.gateway.apps import apps_router
from ingest.gateway.consents import Consents
from ingest.gateway.counts import Counted
from ingest.gateway.devices import devices_router
from ingest.gateway.documents.api import gateway_api
from ingest.gateway.enrolling import enrolling_router
from ingest.gateway.erasing import Erasing
from ingest.gateway.events import events_router
from ingest.gateway.explaining import Explainer, explaining_router, nothing_explained
from ingest.gateway.feed import feeding
from ingest.gateway.flights import Flights
from ingest.gateway.front import Front
from ingest.gateway.history import History
from ingest.gateway.intake import Intake
from ingest.gateway.just_said import JustSaid
from ingest.gateway.members import Members
from ingest.gateway.metrics import Measured, gateway_health
from ingest.gateway.pings import PingsEndpoint
from ingest.gateway.places import Places
from ingest.gateway.positions import positions_router
from ingest.gateway.refusals import Refusals
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.streams import Streams
from ingest.gateway.webhooks import WebhooksEndpoint
from ingest.gateway.where import Views, where_router
from ingest.gateway.whereabouts import Whereabouts
from ingest.topics import PRESENCE, TRACKS
from stream.port import Log, OnChange
from web.access import Access
from web.audited import Looks
from web.bodies import Bodies
from web.documents.openapi import document_router
from web.endpoints import Further, Shared
from web.keyring import Keyring
from web.problem import answer_problems
from web.request_id import Identified
from web.tokens import Tokens


def wall_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints share."""

    log: Log
    catalog: Catalog
    views: Views
    history: History
    streams: Streams
    looks: Looks
    access: Access
    consents: Consents
    flights: Flights
    refusals: Refusals
    intake: Intake
    explainer: Explainer
    settings: GatewaySettings
    now_ms: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What is served."""

    app: ASGIApp
    health: ASGIApp  # for an address of its own: it asks for no key
    end_streams: Callable[[], None]  # to be called before it is served no more


@asynccontextmanager
async def gateway_app(
    log: Log,
    catalog: Catalog,
    settings: GatewaySettings,
    *,
    tokens: Tokens | None = None,
    now_ms: Callable[[], int] = wall_ms,
    more: Sequence[Further] = (),
    metrics: Sequence[Collector] = (),
    explainer: Explainer = nothing_explained,
) -> AsyncIterator[Gateway]:
    """The application, while it may be served. `more`: endpoints beside its own; `metrics` likewise."""
    keyring = Keyring(catalog, settings.keys_s)
    await keyring.look()
    clock = asyncio.get_running_loop().time
    members, places, just_said = Members(), Places(settings.kept_bytes), JustSaid(clock)
    async with AsyncExitStack() as opened:
        tracks = await opened.enter_async_context(log.view(TRACKS, on_change=_both(places.change, just_said.change)))
        presence = await opened.enter_async_context(log.view(PRESENCE, on_change=members.change))
        since_ms = now_ms() - round(settings.kept_s * 1000)
        feed = await opened.enter_async_context(feeding(log, most_bytes=settings.kept_bytes, since_ms=since_ms))
        jwks = tokens.jwks if tokens else None
        following = [asyncio.create_task(one.follow()) for one in (keyring, jwks) if one is not None]
        try:
            refusals = Refusals(settings.refusal_devices)
            flights = Flights(log, settings.waiting_bytes, settings.append_s)
            consents = Consents(tracks, just_said, flights, required=settings.consent == "required")
            intake = Intake(flights, consents, refusals, settings, now_ms)
            access = Access(keyring, tokens, settings.failures_a_minute, now_ms)
            views = Views(presence, tracks, members, places, Whereabouts(presence, tracks, consents))
            history = History(log, feed, settings.readings)
            streams, looks = Streams(settings.streams), Looks(catalog, now_ms)
            parts = Parts(
                log,
                catalog,
                views,
                history,
                streams,
                looks,
                access,
                consents,
                flights,
                refusals,
                intake,
                explainer,
                settings,
                now_ms,
            )
            measured = Measured(intake, flights, streams, keyring, views.freshness, jwks)
            health = gateway_health(measured, *metrics, ready_s=settings.ready_s)
            yield Gateway(Identified(Counted(app_of(parts, more), measured.answers)), health, streams.end)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


def _both(one: OnChange, other: OnChange) -> OnChange:
    """Both are told of each change."""

    def told(key: bytes, before: bytes | None, now: bytes | None) -> None:
        one(key, before, now)
        other(key, before, now)

    return told


def app_of(parts: Parts, more: Sequence[Further]) -> ASGIApp:
    """All endpoints, in the order of the documentation."""
    app = FastAPI(title="geofence", version="1", openapi_url=None)
    answer_problems(app)
    shared = Shared(parts.access, parts.catalog, parts.looks, parts.settings.body_limits, parts.now_ms)
    pings = PingsEndpoint(parts.access, parts.intake, parts.settings)
    for router in (
        pings.router(),
        apps_router(parts.access, parts.intake, parts.settings, parts.now_ms),
        devices_router(
            parts.access,
            Erasing(parts.access, parts.log, parts.flights, parts.catalog, parts.now_ms),
            parts.consents,
            parts.refusals,
            parts.now_ms,
        ),
        Admin(parts.catalog, parts.access, parts.consents, parts.settings, parts.now_ms).router(),
        enrolling_router(),
        events_router(parts.access, parts.history, parts.streams, parts.settings, parts.now_ms),
        explaining_router(parts.access, parts.views, parts.looks, parts.explainer),
        where_router(parts.access, parts.views, parts.looks),
        positions_router(parts.access, parts.views, parts.looks, parts.streams, parts.settings),
        WebhooksEndpoint(parts.access, parts.catalog, parts.history, parts.settings, parts.now_ms).router(),
        *(one.router(shared) for one in more),
        document_router(parts.access, gateway_api([one.described for one in more])),
    ):
        app.include_router(router)

    @app.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    return Bodies(Front(app, {("POST", "/v1/pings"): pings.post}), parts.settings.bodies_bytes)
