"""Where a worker gets its layers: from files given at the start, or as they are published in a catalog.

Between the command line and `ingest`. Invariant: whoever has a catalog takes part as a worker that is waited for, from
before its first record until after its last.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from boundaries.loading import Loader
from catalog import Catalog, Unreachable, open_catalog
from geofence.atlas import Atlas
from geofence.region import Version
from ingest.fences import Fences, FixedFences
from ingest.following import CatalogFences, Follower
from ingest.settings import WorkerSettings
from ingest.status import Status, tell
from ingest.worker import wall_ms
from service.catalogs import answering
from service.layers import part_versions
from service.replay import checked_fence

Layers = Callable[[WorkerSettings, Status, asyncio.Event], AbstractAsyncContextManager[Fences]]

_AGAIN_S = 1.0


def from_files(versions: Sequence[Version], engine: str) -> Layers:
    """The layers of region files."""

    @asynccontextmanager
    async def layers(settings: WorkerSettings, _status: Status, _stop: asyncio.Event) -> AsyncIterator[Fences]:
        yield fixed_fences(versions, settings, engine)

    return layers


def fixed_fences(versions: Sequence[Version], settings: WorkerSettings, engine: str) -> FixedFences:
    """Fences with the first version of each layer in force, each atlas built once.

    Raises Unusable where the settings don't go together.
    """
    first, library = part_versions(versions)
    atlases = {version.hash: Atlas(version, engine) for version in versions}
    make = partial(
        checked_fence,
        first,
        engine=engine,
        consent=settings.consent,
        forget_after_s=settings.forget_after_s,
        max_age_s=settings.max_age_s,
        library=library,
        atlases=atlases,
        sweep_devices=settings.sweep_devices,
    )
    make()
    return FixedFences(make)


def from_catalog(url: str, shelf: Path) -> Layers:
    """The layers that a catalog has, as they are published."""

    @asynccontextmanager
    async def layers(settings: WorkerSettings, status: Status, stop: asyncio.Event) -> AsyncIterator[Fences]:
        checked_fence((), consent=settings.consent, forget_after_s=settings.forget_after_s,
                      max_age_s=settings.max_age_s, sweep_devices=settings.sweep_devices)  # fmt: skip
        async with AsyncExitStack() as opened:
            with answering():
                catalog = await _opened(opened, url, stop)
                fences = CatalogFences(Loader(catalog, shelf).load, settings)
                following = asyncio.create_task(Follower(catalog, fences, status, wall_ms).follow())
                try:
                    yield fences
                finally:
                    following.cancel()
                    with suppress(asyncio.CancelledError):
                        await following

    return layers


async def _opened(opened: AsyncExitStack, url: str, stop: asyncio.Event) -> Catalog:
    """The catalog, once it answers. Raises CatalogError where waiting mends nothing."""
    told = 0.0
    while True:
        try:
            return opened.enter_context(open_catalog(url))
        except Unreachable as error:
            if stop.is_set():
                raise
            if time.monotonic() - told > 30.0:
                tell(logging.WARNING, "catalog_awaited", reason=error)
                told = time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _AGAIN_S)
