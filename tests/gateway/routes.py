"""Every route of the gateway's application, the ways past the framework included. Not a test itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi.routing import iter_route_contexts
from stub_ports import Drawn, stub_boundaries

from catalog import open_catalog, upgrade
from ingest.gateway.app import gateway_app
from ingest.gateway.counts import Counted
from ingest.gateway.front import Front
from ingest.gateway.settings import GatewaySettings
from ingest.topics import topics
from stream.sqlite import open_log
from web.bodies import Bodies
from web.request_id import Identified

Route = tuple[str, str]  # method, path


@cache
def routes() -> frozenset[Route]:
    """Method and path of each; what a path may hold is left out, and so is a slash at its end."""
    return asyncio.run(_of_a_gateway())


async def _of_a_gateway() -> frozenset[Route]:
    with TemporaryDirectory() as folder:
        url = f"sqlite:{folder}/catalog.db"
        upgrade(url)
        with open_catalog(url) as catalog:
            async with open_log(Path(folder) / "log.db") as log:
                await log.create(topics(1))
                more = [stub_boundaries(Path(folder), Drawn())]
                async with gateway_app(log, catalog, GatewaySettings(), more=more) as gateway:
                    assert isinstance(gateway.app, Identified)
                    assert isinstance(gateway.app.app, Counted)
                    assert isinstance(gateway.app.app.app, Bodies)
                    front = gateway.app.app.app.behind
                    assert isinstance(front, Front)
                    return frozenset(_routes(front))


def _routes(app: Front) -> Iterator[Route]:
    yield from app.endpoints
    for one in iter_route_contexts(app.behind.routes):  # type: ignore[attr-defined]
        for method in (one.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, re.sub(r":\w+}", "}", one.path).rstrip("/")
