"""`geofence run`: every role in one process, on the embedded log and catalog of a home, until it is told to stop.

The same parts as the roles by themselves. Invariants: the first SIGINT or SIGTERM ends it in order, the gateway first
and the worker last, so that what was accepted is worked on; started again, it goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from boundaries.api.settings import BoundarySettings
from catalog import open_catalog
from ingest.gateway.settings import GatewaySettings
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.webhooks.runner import running
from ingest.webhooks.settings import WebhookSettings
from service.boundary_server import BoundaryServer
from service.catalogs import answering
from service.ending import ending
from service.fences import from_catalog
from service.gateway import Behind, Reach, answering_at, tell_phones
from service.home import Home
from service.http import split_address
from service.interpreter import tune
from service.lan import url_of
from service.logs import ensure_topics, open_log
from service.samples import published_samples
from service.worker import work_on
from stream.port import Log

_END_S = 15.0  # from the signal to the end, at most
_LOG_BYTES, _LOG_FILES = 10_000_000, 3
_LOGS = ("geofence", "stream", "catalog")
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Roles:
    """The settings of all roles."""

    gateway: GatewaySettings
    boundaries: BoundarySettings
    worker: WorkerSettings
    webhooks: WebhookSettings


async def run_together(home: Home, reach: Reach, roles: Roles, *, samples: bool, begun_s: float) -> None:
    """Run until a signal comes; `begun_s`: when it was asked for, by `time.monotonic`. Raises Unusable."""
    tune()
    home.prepare()
    stop, status = asyncio.Event(), Status()
    with _logged(home.log_file), ending(stop, within_s=_END_S), answering(), open_catalog(home.catalog_url) as catalog:
        key = home.key(catalog)
        async with open_log(home.log_url) as log:
            await ensure_topics(log, home.log_url)
            _say(f"log and catalog in {home.folder}")
            async with (
                _working(log, home, roles.worker, status, stop),
                running(log, catalog, roles.webhooks),
                answering_at(reach, Behind(log, home.log_url, catalog), roles.gateway, roles.boundaries),
            ):
                url = url_of("127.0.0.1", split_address(reach.listen)[1], tls=False)
                home.write_environment(url, key, Path(sys.executable).parent)
                showing = asyncio.create_task(_shown(url, key, reach, status, samples, begun_s))
                await _first(stop, showing)
    _say("stopped; nothing is lost")


async def _first(stop: asyncio.Event, showing: asyncio.Task[None]) -> None:
    """Wait for `stop`; what goes wrong with what is shown is raised."""
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((stopped, showing), return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in (stopped, showing):
            task.cancel()
        ended = await asyncio.gather(stopped, showing, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):
            raise one


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


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """What the roles say goes to a file meanwhile, errors to standard error too."""
    handlers: list[logging.Handler] = [
        RotatingFileHandler(file, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"),
        logging.StreamHandler(sys.stderr),
    ]
    handlers[1].setLevel(logging.ERROR)
    logs = [logging.getLogger(name) for name in _LOGS]
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        for log in logs:
            log.addHandler(handler)
    logs[0].setLevel(logging.INFO)
    try:
        yield
    finally:
        for handler in handlers:
            for log in logs:
                log.removeHandler(handler)
            handler.close()


async def _shown(url: str, key: str, reach: Reach, status: Status, samples: bool, begun_s: float) -> None:
    """Say how it comes up, and what to do with it."""
    while not status.running:
        await asyncio.sleep(_LOOK_S)
    if samples:
        with BoundaryServer(url, key) as server:
            async for layer, regions in published_samples(server):
                _say(f"{layer} {regions:,}")
    _say(f"Ready in {time.monotonic() - begun_s:.1f} s. Ctrl-C stops; nothing is lost.")
    if reach.lan:
        tell_phones(split_address(reach.listen)[1], tls=False)


def _say(text: str) -> None:
    print(f"✓ {text}", flush=True)
