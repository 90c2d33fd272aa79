"""`geofence webhooks`: region changes to receivers over HTTP, until it is told to stop.

Puts the webhooks of `ingest` together with a log, which it only reads, and a catalog. Invariant: the first SIGTERM or
SIGINT ends it in order: what is under way may end, and how far each webhook is has been written.
"""

from __future__ import annotations

import asyncio
import signal

from catalog import open_catalog
from ingest.webhooks.runner import running
from ingest.webhooks.settings import WebhookSettings
from service.complaints import note
from service.interpreter import tune
from service.logs import open_log


async def run_webhooks(log_url: str, catalog_url: str, settings: WebhookSettings) -> None:
    """Deliver until a signal comes."""
    tune()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with open_catalog(catalog_url) as catalog:
        async with open_log(log_url, read_only=True) as log, running(log, catalog, settings):
            note("delivering webhooks")
            await stop.wait()
