"""What lies on each topic, as JSON Schemas: values, and headers where there are any.

From the types by which the worker and the gateway write. Invariant: real records of each topic fit them, and every
topic is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from geofence.control import Control
from geofence.presence import Presence
from geofence.wire import PingRecord
from geofence.wire_events import CONTENT_TYPE, Event, RegionChange
from ingest.documents.fields import FIELDS
from ingest.letters import KEPT_BYTES, LetterHeaders
from ingest.topics import CHANGES, KIND, PINGS, PRESENCE, REJECTED, TRACKS
from ingest.tracing import REQUEST_ID
from web.documents.schemas import DIALECT, Schema, alone, schemas_of

_BYTES = "application/octet-stream"
_IN_DATA = ("data", "datacontenttype")


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of record of a topic. `kind` None: bytes that only this program reads."""

    name: str
    topic: str
    what: str
    kind: Any = None
    headers: Callable[[], Schema] | None = None  # all of them texts in UTF-8
    example: Any = None
    media: str = CONTENT_TYPE


def _ping_headers() -> Schema:
    """The one that a ping may have."""
    told = {
        "type": "string",
        "description": "The `X-Request-Id` of the request that it came in, if its client chose it.",
    }
    return {"type": "object", "properties": {REQUEST_ID: told}}


def _control_headers() -> Schema:
    """The one by which a control record is told from a ping."""
    kinds = sorted(str(kind.__struct_config__.tag) for kind in get_args(Control))
    told = {"type": "string", "enum": kinds, "description": "By which a control record is told from a ping."}
    return {"type": "object", "properties": {KIND: told}, "required": [KIND]}


def _event_headers() -> Schema:
    """The attributes of an event, each with `ce_` before it."""
    _, named = schemas_of([Event], at="#/", fields=FIELDS)
    attributes = {name: its for name, its in named["Event"]["properties"].items() if name not in _IN_DATA}
    told = {f"ce_{name}": its for name, its in attributes.items()}
    told["content-type"] = {"type": "string", "const": CONTENT_TYPE}
    return {"type": "object", "properties": told, "required": sorted(told)}


def _letter_headers() -> Schema:
    _, named = schemas_of([LetterHeaders], at="#/", fields=FIELDS)
    return named["LetterHeaders"]


MESSAGES = (
    Message("ping", PINGS, "Where a device was.", PingRecord, headers=_ping_headers, example={
        "device": "phone-07", "lon": 12.5907, "lat": 55.6797, "time_ms": 1769847300250, "accuracy_m": 12.0,
        "source": "gps", "received_ms": 1769847302000,
    }),
    Message("control", PINGS, f"A control record: it has the header `{KIND}`, and takes effect where it stands.",
        Control, headers=_control_headers,
        example={"kind": "consent", "device": "phone-07", "given": True, "at_ms": 1769847302000}),
    Message("region-change", CHANGES, "A region change, as a CloudEvent in binary mode: its data.", RegionChange,
        headers=_event_headers, example={
        "device": "phone-07", "layer": "town", "from": {"id": "west", "name": "West Side"},
        "to": {"id": "east", "name": "East Side"}, "cause": "moved", "occurred_at": "2026-01-31T08:15:00.250Z",
        "confirmed_at": "2026-01-31T08:17:30.250Z", "received_at": "2026-01-31T08:17:31.000Z", "confidence": 0.998,
        "evidence": {"pings": 4, "seconds": 150.0, "score": 4.358}, "version": "a450962a",
    }),
    Message("presence", PRESENCE, "In which regions a device is, by layer. No value: it is forgotten.", Presence,
        example={"v": 1, "device": "phone-07", "seen": "2026-01-31T08:00:00.000Z", "layers": {"town": {
            "stays": [{"since": "2026-01-31T07:02:11.000Z", "id": "east", "name": "East Side"}], "sequence": 2,
            "version": "a450962a"}}}),
    Message("track", TRACKS, "What the worker remembers of a device, in bytes of its own. No value: it is forgotten.",
        media=_BYTES),
    Message("rejected", REJECTED, f"The first {KEPT_BYTES} bytes of a record that was refused, as they were received.",
        headers=_letter_headers, media=_BYTES),
)  # fmt: skip


def topic_schemas() -> dict[str, Schema]:
    """Every JSON Schema there is, by the name of its file: values, headers, and the event with all its attributes."""
    found = {message.name: _value(message) for message in MESSAGES if message.kind is not None}
    for message in MESSAGES:
        if message.headers is not None:
            name = f"{message.name}-headers"
            found[name] = {**_head(name), **message.headers(), "title": f"Headers of {message.name}"}
    found["event"] = alone(
        Event, title="A region change as one JSON object", identifier=_identifier("event"), fields=FIELDS
    )
    return found


def _value(message: Message) -> Schema:
    made = alone(message.kind, title=message.what, identifier=_identifier(message.name), fields=FIELDS)
    return {**made, "examples": [message.example]}


def _head(name: str) -> Schema:
    return {"$schema": DIALECT, "$id": _identifier(name)}


def _identifier(name: str) -> str:
    return f"urn:geofence:{name}:1"
