"""`geofence run`: every role in one process, on the embedded log and catalog of a home, until it is told to stop.

The same parts as the roles by themselves. Invariants: the first SIGINT or SIGTERM ends it in order, the gateway first
and the worker last, so that what was accepted is worked on; started again, it goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from boundaries.api.settings import BoundarySettings
from boundaries.publishing import PublishingSettings
from catalog import Catalog, CatalogError, open_catalog
from geofence.instant import text_of
from ingest.gateway.settings import GatewaySettings
from ingest.metrics import WorkerMetrics
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.webhooks.metrics import WebhookMetrics
from ingest.webhooks.runner import running
from ingest.webhooks.settings import WebhookSettings
from service.address import split_address
from service.boundary_server import BoundaryServer
from service.catalogs import answering, now_ms, who
from service.complaints import note
from service.ending import ending
from service.fences import from_catalog
from service.gateway import Behind, Reach, answering_at
from service.home import Home
from service.interpreter import tune
from service.lan import addresses, enrolment_link, qr, url_of
from service.log_lines import logging_to_file
from service.logs import ensure_topics, open_log
from service.redrawing import Drawn, drawn, redraw
from service.samples import FIRST, Sample, in_force, publish
from service.showing import Showing, beside_of, crowd_of, follow, moving
from service.source import Unusable
from service.welcome import welcome, you_in_lyon
from service.worker import work_on
from stream.port import Log, LogError

_END_S = 15.0  # from the signal to the end, at most
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Roles:
    """The settings of all roles."""

    gateway: GatewaySettings
    boundaries: BoundarySettings
    publishing: PublishingSettings
    worker: WorkerSettings
    webhooks: WebhookSettings


@dataclass(frozen=True, slots=True)
class Stages:
    """What is done once all roles run."""

    samples: Sequence[Sample]  # to be published unless they are
    demo: bool  # have pretend phones move
    lan: bool  # tell phones in this network how to take part
    begun_s: float  # when it was asked for, by `time.monotonic`


@dataclass(frozen=True, slots=True)
class Started:
    """What runs."""

    home: Home
    url: str
    key: str
    log: Log
    catalog: Catalog


async def run_together(home: Home, reach: Reach, roles: Roles, stages: Stages) -> None:
    """Run until a signal comes. Raises Unusable."""
    tune()
    home.prepare()
    stop = asyncio.Event()
    closed = (signal.SIGHUP,)  # its terminal
    with logging_to_file(home.log_file), ending(stop, within_s=_END_S, also=closed), answering():
        async with open_log(home.log_url) as log:  # whose owner may change the rest of the home too
            home.upgrade()
            with open_catalog(home.catalog_url) as catalog:
                await ensure_topics(log, home.log_url)
                _say(f"log and catalog in {home.folder}")
                its = Started(home, _url_here(reach), home.key(catalog), log, catalog)
                home.phone_key(catalog)
                await _run(its, reach, roles, stages, stop)
    _say("stopped; nothing is lost")


async def _run(its: Started, reach: Reach, roles: Roles, stages: Stages, stop: asyncio.Event) -> None:
    """All roles, until they are to stop."""
    log, catalog, status = its.log, its.catalog, Status()
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(_working(log, its.home, roles.worker, status, stop))
        runner = await opened.enter_async_context(running(log, catalog, roles.webhooks))
        metrics = [WorkerMetrics(status), WebhookMetrics(runner)]
        settings = (roles.gateway, roles.boundaries, roles.publishing)
        behind = Behind(log, its.home.log_url, catalog, roles.worker)
        await opened.enter_async_context(answering_at(reach, behind, *settings, metrics=metrics))
        its.home.write_environment(its.url, its.key, Path(sys.executable).parent)
        showing = asyncio.create_task(_show(its, status, stages))
        await stop.wait()
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


def _url_here(reach: Reach) -> str:
    """Where this machine itself reaches the gateway."""
    host, port = split_address(reach.address)
    return url_of("127.0.0.1" if host in ("0.0.0.0", "::") else host, port, tls=False)  # noqa: S104


async def _show(its: Started, status: Status, stages: Stages) -> None:
    """Say how it comes up, then what the pretend phones do. Whatever goes wrong with that, the roles run on."""
    try:
        await _shown(its, status, stages)
    except (Unusable, CatalogError, LogError) as error:
        note(f"{error} All roles run on.")
    except Exception as error:
        logging.getLogger("geofence.run").exception("showing broke off", extra={"action": "showing_fault"})
        note(f"what is shown broke off: {error}. All roles run on; {its.home.log_file} says more")


@asynccontextmanager
async def _working(
    log: Log, home: Home, settings: WorkerSettings, status: Status, stop: asyncio.Event
) -> AsyncIterator[None]:
    """A worker meanwhile; should it end by itself, all is told to stop, and why is raised here."""
    own = asyncio.Event()
    task = asyncio.create_task(work_on(log, from_catalog(home.catalog_url, home.shelf), settings, status, own))
    task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        own.set()
        await task


async def _shown(its: Started, status: Status, stages: Stages) -> None:
    """Say how it comes up and what to do with it, then what the pretend phones do."""
    while not status.running:
        await asyncio.sleep(_LOOK_S)
    async with AsyncExitStack() as opened:
        server = opened.enter_context(BoundaryServer(its.url, its.key))
        there = await in_force(server, stages.samples)
        if there:
            _say(" · ".join(f"{layer} {regions:,}" for layer, regions in there.items()))
        missing = [one for one in stages.samples if one.layer not in there]
        first = max(0, FIRST - len(there))
        await _publish(server, missing[:first])
        districts = await drawn(server, its.home) if stages.demo else None
        crowd = crowd_of(its.home) if stages.demo else None
        phones = f" {len(crowd.names())} pretend phones are moving." if crowd else ""
        _say(f"Ready in {time.monotonic() - stages.begun_s:.1f} s.{phones} Ctrl-C stops; nothing is lost.")
        (its.home.folder / "you-in-lyon.json").write_bytes(you_in_lyon(now_ms()))
        phone_url = _url_in_network(its) if stages.lan else None
        for line in welcome(its.home, its.url, phone_url, demo=stages.demo):
            print(line, flush=True)
        if phone_url:
            _tell_phone(its, phone_url)
        if crowd is None:
            await _publish(server, missing[first:])
            return
        showing = Showing(partial(print, flush=True), sys.stdout.isatty())
        await opened.enter_async_context(moving(crowd, its.url, its.key, showing.sent))
        telling = asyncio.gather(follow(its.log, showing.heard), showing.flows(status))
        try:
            await _redraw(server, districts)
            await _publish(server, missing[first:])
            showing.beside = await beside_of(crowd, its.catalog, its.home)
            await telling
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _redraw(server: BoundaryServer, districts: Drawn | None) -> None:
    """Should it not come off, the rest goes on."""
    try:
        if districts is not None:
            await redraw(server, districts)
    except Unusable as error:
        note(f"the districts were not redrawn: {error}")


async def _publish(server: BoundaryServer, samples: Sequence[Sample]) -> None:
    for one in samples:
        _say(f"{one.layer} {await publish(server, one):,}")


def _url_in_network(its: Started) -> str | None:
    """Where other machines of the network reach it."""
    places = addresses()
    if not places:
        note("this machine seems to be in no network: no address was found that a phone could reach")
        return None
    return url_of(places[0], split_address(its.url.partition("//")[2])[1], tls=False)


def _tell_phone(its: Started, url: str) -> None:
    """A code for one phone: its link opens a page that sets the apps up."""
    name = f"phone-{text_of(now_ms())[:19]}"
    code = its.catalog.devices.add(name, user=None, grants_consent=True, by=who(), now_ms=now_ms())
    link = enrolment_link(url, code)
    print(f"  One phone in this network, within a day: {link}\n\n{qr(link)}", flush=True)


def _say(text: str) -> None:
    print(f"✓ {text}", flush=True)
