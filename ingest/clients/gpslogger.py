"""GPSLogger for Android with its custom URL: the fields that our URL names, in the query or a form.

An adapter of `gateway.apps`. The URL is documented in `docs/clients.md`, so the names are ours. Invariants: a
placeholder that the app does not know arrives as it was written, and is as good as empty; everything is answered as
delivered, as the app tries three times and then loses the position.
"""

from __future__ import annotations

from collections.abc import Mapping

from geofence.wire import PingRecord
from ingest.clients.client import Client, Heard, Said, Unfit, always
from ingest.clients.fields import Fields, given, needed, text
from ingest.clients.instants import needed_ms
from ingest.clients.traccar import form
from ingest.clients.units import MPS, radius_m, source, speed_mps


def read(said: Said) -> Heard:
    """What a request says."""
    heard, fields = Heard(), _filled(said.query)
    try:
        fields |= _filled(form(said.body.strip()))
    except Unfit as error:
        heard.refuse(0, text(fields, "id"), error)
        return heard
    device = text(fields, "id")
    heard.hear(0, device, lambda: _ping(fields, device))
    return heard


def _filled(fields: Mapping[str, str]) -> dict[str, str]:
    """Without placeholders that were left as they are."""
    return {name: value for name, value in fields.items() if not value.startswith("%")}


def _ping(fields: Fields, device: str) -> PingRecord:
    when, _ = given(fields, "timestamp", "time")
    return PingRecord(
        device=device,
        lon=needed(fields, "lon"),
        lat=needed(fields, "lat"),
        time_ms=needed_ms(fields, when),
        accuracy_m=radius_m(fields, "acc"),
        speed_mps=speed_mps(fields, "spd", MPS),
        source=source(fields, "prov"),
    )


GPSLOGGER = Client("gpslogger", read, always(b""), methods=("GET", "POST"), media_type="text/plain")
