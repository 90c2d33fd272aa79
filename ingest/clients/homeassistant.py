"""Home Assistant's app, as it speaks to the webhook of its server.

An adapter of `gateway.apps`. Invariants: only `update_location` with `gps` is a position; it says no time, so it is of
the time at which it came; it names no device, so that is for the key to say.
"""

from __future__ import annotations

from typing import Any

from geofence.wire import PingRecord
from ingest.clients.client import Client, Heard, Said, Unfit, always, as_object
from ingest.clients.fields import as_number, inner
from ingest.clients.units import MPS, radius_m, speed_mps

_ALLOWED = "a message of the app, which has a `type`"


def read(said: Said) -> Heard:
    """What a message says."""
    heard = Heard()
    try:
        message = as_object(said.body.strip(), _ALLOWED)
    except Unfit as error:
        heard.refuse(0, "", error)
        return heard
    heard.hear(0, "", lambda: _ping(message, said.now_ms))
    return heard


def _ping(message: dict[str, Any], now_ms: int) -> PingRecord | None:
    """The ping of a location; None for every other type, and where only the name of a zone is told."""
    kind = message.get("type")
    if not isinstance(kind, str):
        raise Unfit("type", _ALLOWED)
    if kind == "encrypted" or message.get("encrypted") is True:
        raise Unfit("type", "messages that are not encrypted; use https", "encrypted")
    data = inner(message, "data", "an object") if kind == "update_location" else None
    if data is None or data.get("gps") is None:
        return None
    lat, lon = _place(data["gps"])
    return PingRecord(
        device="",
        lon=lon,
        lat=lat,
        time_ms=now_ms,
        accuracy_m=radius_m(data, "gps_accuracy"),
        speed_mps=speed_mps(data, "speed", MPS),
    )


def _place(gps: object) -> tuple[float, float]:
    """Latitude and longitude, in the app's order."""
    found = [as_number(one) for one in gps] if isinstance(gps, list) else []
    if len(found) != 2 or found[0] is None or found[1] is None:
        raise Unfit("gps", "latitude and longitude, two numbers")
    return found[0], found[1]


HOMEASSISTANT = Client("homeassistant", read, always(b"{}"))
