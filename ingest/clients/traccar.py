"""Traccar Client and whatever else speaks the OsmAnd protocol: flat fields, or an object for each position.

An adapter of `gateway.apps`. Three forms: flat fields in the query or a form; a JSON object with `location` (client 9);
a JSON array of flat rows, by itself or as the form's `uploadJson` (client 10). Invariant: which form it is depends on
the body's first byte and the names in it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from geofence.wire import PingRecord
from ingest.clients.client import MOST_ROWS, Client, Heard, Said, Unfit, always, as_json, as_object
from ingest.clients.fields import Fields, flag, given, inner, needed, text
from ingest.clients.instants import instant_ms, needed_ms
from ingest.clients.units import KNOT, MPS, radius_m, speed_mps

_FORM = "fields of the OsmAnd protocol in the query or a form, an object with `location`, or an array of flat rows"
_MOST_FIELDS = 1000


def read(said: Said) -> Heard:
    """What a request says, in whichever form."""
    heard, body = Heard(), said.body.strip()
    name = text(said.query, "id", "deviceid")
    try:
        if body.startswith(b"{"):
            _hear_object(heard, as_object(body, _FORM), name)
            return heard
        fields = {**said.query, **({} if body.startswith(b"[") else form(body))}
        rows = body if body.startswith(b"[") else fields.get("uploadJson", "").encode("utf-8", "replace")
        if rows:
            _hear_rows(heard, as_json(rows, _FORM), text(fields, "id", "deviceid"), said.now_ms)
        else:
            _hear_fields(heard, fields, said.now_ms)
    except Unfit as error:
        heard.refuse(0, name, error)
    return heard


def form(body: bytes) -> dict[str, str]:
    """The fields of an HTML form; of a name that comes twice the last. Raises Unfit."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Unfit("", _FORM, "unreadable") from None


def _hear_fields(heard: Heard, fields: Mapping[str, str], now_ms: int) -> None:
    device = text(fields, "id", "deviceid")
    if not device:
        heard.nameless = 400
    heard.hear(0, device, lambda: _flat(fields, device, now_ms))


def _hear_rows(heard: Heard, rows: object, name: str, now_ms: int) -> None:
    """Flat rows, which may leave the device to the request."""
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        raise Unfit("uploadJson", f"a JSON array of at most {MOST_ROWS} rows", "unreadable")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            heard.refuse(index, name, Unfit("uploadJson", "a JSON array of objects"))
            continue
        device = text(row, "id", "deviceid") or name
        heard.hear(index, device, lambda row=row, device=device: _flat(row, device, now_ms))  # type: ignore[misc]


def _hear_object(heard: Heard, message: dict[str, Any], name: str) -> None:
    device = text(message, "device_id") or name
    if not device:
        heard.nameless = 404
    heard.hear(0, device, lambda: _nested(message, device))


def _flat(fields: Fields, device: str, now_ms: int) -> PingRecord | None:
    """The ping of flat fields; None without a place: a heartbeat, or cells and Wi-Fi alone."""
    place = _place(fields)
    if place is None:
        return None
    if given(fields, "valid")[1] is not None and not flag(fields, "valid"):
        raise Unfit("valid", "positions that the device itself takes to be valid", "not_valid")
    time_ms = instant_ms(fields, "timestamp")
    return PingRecord(
        device=device,
        lon=needed(place, "lon"),
        lat=needed(place, "lat"),
        time_ms=now_ms if time_ms is None else time_ms,
        accuracy_m=radius_m(fields, "accuracy"),
        speed_mps=speed_mps(fields, "speed", KNOT),
        mock=flag(fields, "mock"),
    )


def _place(fields: Fields) -> Fields | None:
    """Where `lat` and `lon` are: by themselves, or both in `location`."""
    if given(fields, "lat", "lon")[1] is not None:
        return fields
    both = text(fields, "location")
    if not both:
        return None
    lat, comma, lon = both.partition(",")
    if not comma:
        raise Unfit("location", "latitude,longitude")
    return {"lat": lat.strip(), "lon": lon.strip()}


def _nested(message: dict[str, Any], device: str) -> PingRecord | None:
    """The ping of an object; None without `coords`: a heartbeat."""
    location = inner(message, "location", "an object")
    coords = None if location is None else inner(location, "coords", "an object")
    if location is None or coords is None:
        return None
    return PingRecord(
        device=device,
        lon=needed(coords, "longitude"),
        lat=needed(coords, "latitude"),
        time_ms=needed_ms(location, "timestamp"),
        accuracy_m=radius_m(coords, "accuracy"),
        speed_mps=speed_mps(coords, "speed", MPS),
        mock=flag(location, "mock"),
    )


TRACCAR = Client("traccar", read, always(b""), methods=("GET", "POST"), media_type="text/plain")
