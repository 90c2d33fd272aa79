"""`geofence gateway`: pings in over HTTP, until it is told to stop.

Puts the gateway of `ingest` together with a log, a catalog and an address. Invariant: the first SIGTERM or SIGINT ends
it in order: what it has begun to answer is answered.
"""

from __future__ import annotations

import asyncio
import signal

from catalog import open_catalog
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.tokens import Tokens
from service.complaints import note
from service.http import serving
from service.interpreter import tune
from service.logs import ensure_topics, open_log


async def run_gateway(
    log_url: str, catalog_url: str, settings: GatewaySettings, *, address: str, tokens: Tokens | None = None
) -> None:
    """Serve until a signal comes."""
    tune()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with open_catalog(catalog_url) as catalog:
        async with open_log(log_url) as log:
            await ensure_topics(log, log_url)
            async with gateway_app(log, catalog, settings, tokens=tokens) as gateway, serving(gateway.app, address):
                note(f"listening at http://{address}")
                await stop.wait()
                gateway.end_streams()
