"""A device's consent, said to a server or written to a log, and what it has said so far.

Behind `geofence consent`. Invariant: over a log a consent is a control record, which takes effect where it stands
among the pings; what has been said is what the worker has taken of that.
"""

from __future__ import annotations

import math
from typing import Any

from geofence.control import Consent, InvalidControl
from geofence.wire_tracks import Said
from ingest.control import order
from ingest.retained import Bounds
from ingest.retrieving import Reading
from service.boundary_server import BoundaryServer
from service.catalogs import now_ms
from service.logs import open_log
from service.source import Unusable


async def say_in_log(url: str, device: str, *, given: bool) -> dict[str, Any]:
    """Append a consent, or its withdrawal. Raises Unusable."""
    consent = Consent(device=device, given=given, at_ms=now_ms())
    async with open_log(url) as log:
        try:
            await order(log, consent)
        except InvalidControl as error:
            raise Unusable(str(error)) from None
    return {"device": device, "consent": "given" if given else "withdrawn", "at_ms": consent.at_ms}


async def said_in_log(url: str, device: str) -> dict[str, Any]:
    """What the device has said, as far as a worker has taken it."""
    async with open_log(url, read_only=True) as log:
        row = await Reading(log, device, 0, Bounds(seconds=math.inf)).known()
    return {"device": device, "consent": (row.consent if row else Said.NOTHING).name.lower()}


def say_to(server: BoundaryServer, device: str, *, given: bool) -> Any:
    """The same by a server."""
    path = ("devices", device, "consent")
    return server.put(*path) if given else server.delete(*path)


def said_to(server: BoundaryServer, device: str) -> Any:
    """What the device has said, as the server knows it, and whether its pings are taken."""
    return server.get("devices", device, "consent")
