"""`geofence webhooks`: region changes to receivers over HTTP, until it is told to stop.

Puts the webhooks of `ingest` together with a log, which it only reads, and a catalog. Invariant: the first SIGTERM or
SIGINT ends it in order: what is under way may end, and how far each webhook is has been written.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from catalog import open_catalog
from ingest.webhooks.runner import Runner, running
from ingest.webhooks.settings import WebhookSettings
from service.complaints import note
from service.interpreter import tune
from service.log_lines import logging_to_stderr
from service.logs import open_log


async def run_webhooks(log_url: str, catalog_url: str, settings: WebhookSettings, health: str | None = None) -> None:
    """Deliver until a signal comes. At `health`, an address, it answers how it is doing."""
    tune()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with logging_to_stderr(), open_catalog(catalog_url) as catalog:
        async with (
            open_log(log_url, read_only=True) as log,
            running(log, catalog, settings) as runner,
            _health(runner, log_url, health),
        ):
            note("delivering webhooks")
            await stop.wait()


@asynccontextmanager
async def _health(runner: Runner, log_url: str, address: str | None) -> AsyncIterator[None]:
    """Answer at the address meanwhile, if there is one."""
    if address is None:
        yield
        return
    from ingest.webhooks.metrics import webhooks_health
    from service.disks import disk_of
    from service.http import serving

    async with serving(webhooks_health(runner, *disk_of(log_url)), address):
        note(f"health at http://{address}/health/ready, metrics at http://{address}/metrics")
        yield
