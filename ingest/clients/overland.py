"""Overland: GeoJSON features in batches; in its OwnTracks mode, one message a request.

An adapter of `gateway.apps`. Invariants: rows of the app's log and visits are no positions; whatever became of the
rows, the answer is the one that lets the app go on, as any other brings the whole batch again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from geofence.wire import PingRecord
from ingest.clients.client import MOST_ROWS, Client, Heard, Rows, Said, Unfit, always, as_object
from ingest.clients.fields import Fields, as_number, inner, text
from ingest.clients.instants import APPLE_EPOCH_S, needed_ms
from ingest.clients.owntracks import location
from ingest.clients.units import MPS, radius_m, speed_mps

_ALLOWED = f"an object with `locations`, a list of at most {MOST_ROWS} GeoJSON features"


class _Batch(msgspec.Struct):
    locations: Rows | None = None
    kind: Any = msgspec.field(default=None, name="_type")
    topic: Any = None


_read_batch = msgspec.json.Decoder(_Batch).decode


def read(said: Said) -> Heard:
    """What a batch says, or a message of the OwnTracks mode."""
    heard, name = Heard(), text(said.query, "device_id")
    try:
        batch = _read_batch(said.body.strip())
    except (msgspec.MsgspecError, ValueError, RecursionError):
        heard.refuse(0, name, Unfit("", f"{_ALLOWED}, as JSON in UTF-8", "unreadable"))
        return heard
    if batch.kind is not None:
        _hear_message(heard, said, batch, name)
        return heard
    if batch.locations is None:
        heard.refuse(0, name, Unfit("locations", _ALLOWED, "unreadable"))
        return heard
    for index, raw in enumerate(batch.locations):
        _hear_feature(heard, index, raw, name)
    return heard


def _hear_feature(heard: Heard, index: int, raw: msgspec.Raw, name: str) -> None:
    try:
        feature = as_object(raw, _ALLOWED)
        properties = inner(feature, "properties", "an object") or {}
    except Unfit as error:
        heard.refuse(index, name, error)
        return
    device = text(properties, "device_id", "unique_id") or name
    heard.hear(index, device, lambda: _ping(feature, properties, device))


def _ping(feature: Fields, properties: Fields, device: str) -> PingRecord | None:
    """The ping of a feature; None for a row of the log and for a visit."""
    if "action" in properties:
        return None
    place = _place(feature)
    return PingRecord(
        device=device,
        lon=place[0],
        lat=place[1],
        time_ms=needed_ms(properties, "timestamp"),
        accuracy_m=radius_m(properties, "horizontal_accuracy"),
        speed_mps=speed_mps(properties, "speed", MPS),
    )


def _place(feature: Fields) -> tuple[float, float]:
    """Longitude and latitude."""
    geometry = inner(feature, "geometry", "a Point") or {}
    place = geometry.get("coordinates")
    if geometry.get("type") != "Point" or not isinstance(place, list) or len(place) < 2:
        raise Unfit("geometry", "a Point with longitude and latitude")
    lon, lat = map(as_number, place[:2])
    if lon is None or lat is None:
        raise Unfit("geometry", "a Point with longitude and latitude as numbers")
    return lon, lat


def _hear_message(heard: Heard, said: Said, batch: _Batch, name: str) -> None:
    """The OwnTracks mode, whose seconds are counted from 2001. Its speed's unit is not known, so there is none."""
    device = name or str(batch.topic or "").rpartition("/")[2]
    if batch.kind == "location":
        heard.hear(0, device, lambda: location(as_object(said.body.strip(), _ALLOWED), device, epoch_s=APPLE_EPOCH_S))


OVERLAND = Client("overland", read, always(b'{"result":"ok"}'))
