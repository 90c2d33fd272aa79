"""The bytes of what goes out: crossings as CloudEvents 1.0, structured (one JSON object) or binary (headers
and data).

Last step before the log or the terminal. Invariant: an event depends on the crossing and the deployment's
name alone, so that the same input gives the same bytes; nothing that goes from nowhere to nowhere becomes an
event.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from geofence.crossing import Crossing, Evidence, Place
from geofence.instant import text_of
from geofence.malformed import Malformed, decode, shown
from geofence.wire import NewerVersion

EVENT_VERSION = 1
CONTENT_TYPE = "application/json"
STRUCTURED_TYPE = "application/cloudevents+json"
_SPEC = "1.0"
_SCHEMA = "urn:geofence:region-change:"
_ATTRIBUTES = (
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "partitionkey",
    "recordedtime",
    "dataschema",
)


class RegionChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The data of an event. Origin or target None: outside every region, or not known yet."""

    device: str
    user: str | None = None
    layer: str
    origin: Place | None = msgspec.field(name="from")
    target: Place | None = msgspec.field(name="to")
    cause: str
    occurred_at: str
    confirmed_at: str
    received_at: str | None = None
    confidence: float
    evidence: Evidence | None = None
    version: str


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A CloudEvent. `dataschema` carries the version of what is in `data`."""

    specversion: str = _SPEC
    id: str
    source: str
    type: str
    subject: str
    time: str
    sequence: str
    partitionkey: str
    recordedtime: str
    datacontenttype: str = CONTENT_TYPE
    dataschema: str = f"{_SCHEMA}{EVENT_VERSION}"
    data: RegionChange


class _Envelope(msgspec.Struct):
    dataschema: str = f"{_SCHEMA}{EVENT_VERSION}"


_read_event = msgspec.json.Decoder(Event).decode
_read_change = msgspec.json.Decoder(RegionChange).decode
_read_envelope = msgspec.json.Decoder(_Envelope).decode
_write = msgspec.json.Encoder().encode


def event_of(crossing: Crossing, *, source: str) -> Event:
    """The event that tells of a crossing at the deployment `source`."""
    if crossing.origin is None and crossing.target is None:
        raise ValueError(f"crossing {crossing.sequence} of {crossing.device!r} has neither origin nor target")
    change = _change_of(crossing)
    return Event(
        id=crossing.event_id(source),
        source=source,
        type=f"geofence.region.{crossing.change}",
        subject=crossing.device,
        time=change.occurred_at,
        sequence=f"{crossing.sequence:010d}",
        partitionkey=crossing.device,
        recordedtime=change.received_at or change.confirmed_at,
        data=change,
    )


def encode_event(event: Event) -> bytes:
    """Structured mode: the whole event as one JSON object on one line."""
    return _write(event)


def decode_event(raw: bytes) -> Event:
    """An event in structured mode. Raises Malformed."""
    _check_schema(decode(_read_envelope, raw, "the event").dataschema)
    return decode(_read_event, raw, "the event")


def encode_binary(event: Event) -> tuple[dict[str, str], bytes]:
    """Binary mode: the attributes as `ce_` headers, the data as JSON."""
    headers = {f"ce_{name}": getattr(event, name) for name in _ATTRIBUTES}
    return {"ce_specversion": _SPEC, **headers, "content-type": CONTENT_TYPE}, _write(event.data)


def decode_binary(headers: Mapping[str, str], data: bytes) -> Event:
    """An event in binary mode. Raises Malformed."""
    attributes = {name: headers[f"ce_{name}"] for name in _ATTRIBUTES if f"ce_{name}" in headers}
    _check_schema(attributes.get("dataschema", f"{_SCHEMA}{EVENT_VERSION}"))
    try:
        return Event(**attributes, data=decode(_read_change, data, "the event's data"))
    except TypeError:
        missing = ", ".join(f"ce_{name}" for name in _ATTRIBUTES[:-1] if name not in attributes)
        raise Malformed(f"the event lacks the headers {missing}. Send every attribute.") from None


def _change_of(crossing: Crossing) -> RegionChange:
    received_ms, evidence = crossing.received_ms, crossing.evidence
    if evidence is not None:
        evidence = Evidence(evidence.pings, round(evidence.seconds, 3), round(evidence.score, 3))
    return RegionChange(
        device=crossing.device,
        user=crossing.user,
        layer=crossing.layer,
        origin=crossing.origin,
        target=crossing.target,
        cause=str(crossing.cause),
        occurred_at=text_of(crossing.occurred_ms),
        confirmed_at=text_of(crossing.confirmed_ms),
        received_at=None if received_ms is None else text_of(received_ms),
        confidence=round(crossing.confidence, 4),
        evidence=evidence,
        version=crossing.version,
    )


def _check_schema(schema: str) -> None:
    number = schema.removeprefix(_SCHEMA)
    if number == schema or not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Malformed(f"dataschema is {shown(schema)}; allowed: {_SCHEMA}1 to {_SCHEMA}{EVENT_VERSION}")
    if int(number) > EVENT_VERSION:
        raise NewerVersion("the event", int(number), EVENT_VERSION)
