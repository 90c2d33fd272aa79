"""The boundary admins' side in the process of a gateway: endpoints, jobs, publications, and what sweeps behind them.

Puts `boundaries` together with a catalog and a log. Invariant: however many gateways there are, each job and each
publication is carried on by one of them at a time.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from boundaries.api.ports import Ports
from boundaries.api.router import boundary_endpoints
from boundaries.api.settings import BoundarySettings
from boundaries.checks import CHECK, Checks
from boundaries.enduring import endure
from boundaries.loading import Loader
from boundaries.publishing import Publisher, PublishingSettings
from boundaries.views import Differences, DryRunResults, Files, Reports, Shapes, Tiles, Told
from boundaries.workshop import Workshop
from catalog import Catalog
from ingest.control import order
from ingest.topics import PINGS
from service.dry_runs import DRY_RUN, DryRuns
from stream.port import Log
from web.calling import called
from web.endpoints import Further

_SWEEP_S = 600.0
_NEWEST = 3  # of a layer's versions stay compiled, beside those in force


@asynccontextmanager
async def boundary_side(
    catalog: Catalog,
    log: Log,
    log_url: str,
    shelf: Path,
    settings: BoundarySettings,
    now_ms: Callable[[], int],
    publishing: PublishingSettings | None = None,
) -> AsyncIterator[Further]:
    """The endpoints, while jobs are done and publications carried on."""
    holder = f"{socket.gethostname()[:40]}-{os.getpid()}"
    loader, files, told = Loader(catalog, shelf), Files(catalog), Told()
    workshop = Workshop(
        catalog,
        {CHECK: Checks(catalog, loader, now_ms), DRY_RUN: DryRuns(catalog, loader, log, log_url, now_ms)},
        holder,
        now_ms,
    )
    publisher = Publisher(catalog, partial(order, log), await log.partitions(PINGS), holder, now_ms, publishing)
    ports = Ports(
        reports=Reports(files, told),
        shapes=Shapes(files),
        differences=Differences(files, told),
        tiles=Tiles(files),
        dry_runs=DryRunResults(),
        workshop=workshop,
    )
    sweeping = endure("sweeping", partial(_sweep, catalog, loader, now_ms), partial(asyncio.sleep, _SWEEP_S))
    running = [asyncio.create_task(one) for one in (workshop.run(), publisher.run(), sweeping)]
    try:
        with TemporaryDirectory(prefix="geofence-uploads-") as folder:
            yield boundary_endpoints(ports, settings, folder=Path(folder))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _sweep(catalog: Catalog, loader: Loader, now_ms: Callable[[], int]) -> bool:
    """Remove what nobody needs any more; nothing more is to be done at once."""
    for part in (catalog.jobs, catalog.fleet, catalog.blobs):
        await called(part.sweep, now_ms=now_ms())
    await asyncio.to_thread(loader.shelf.keep, await called(_needed, catalog))
    return False


def _needed(catalog: Catalog) -> set[str]:
    """The versions that stay on this machine's shelf; others are compiled again when they are asked for."""
    needed = {one.hash for one in catalog.publications.wanted()} | {one.hash for one in catalog.fleet.in_force()}
    for layer in catalog.layers.list():
        needed |= {version.hash for version in catalog.versions.list(layer.name)[:_NEWEST] if version.hash}
    return needed
