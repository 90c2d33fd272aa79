"""Documents of what comes out: events, where devices are, positions; the document itself, and whether all is well."""

from __future__ import annotations

from geofence.crossing import Change
from geofence.explanation import Explanation
from geofence.rule import PRESETS
from ingest.gateway.documents.managing import DEVICE
from ingest.gateway.explaining import FORMS
from ingest.gateway.forms import Alive, EventsPage, MembersPage, PlacedPage
from ingest.gateway.where import AGE
from ingest.gateway.whereabouts import Known
from web.documents.operation import (
    AFTER,
    ANY_KEY,
    EVENT_STREAM,
    LIMIT,
    NO_KEY,
    TEXT,
    TEXTS,
    Answer,
    Content,
    Header,
    Operation,
    Parameter,
    in_path,
)

_EVENT = {
    "specversion": "1.0", "id": "a22e0306bb06738a5c61889417eea7cc", "source": "geofence",
    "type": "geofence.region.changed", "subject": "phone-07", "time": "2026-01-31T08:15:00.250Z",
    "sequence": "0000000002", "partitionkey": "phone-07", "recordedtime": "2026-01-31T08:17:31.000Z",
    "datacontenttype": "application/json", "dataschema": "urn:geofence:region-change:1", "data": {
        "device": "phone-07", "layer": "town", "from": {"id": "west", "name": "West Side"},
        "to": {"id": "east", "name": "East Side"}, "cause": "moved", "occurred_at": "2026-01-31T08:15:00.250Z",
        "confirmed_at": "2026-01-31T08:17:30.250Z", "received_at": "2026-01-31T08:17:31.000Z", "confidence": 0.998,
        "evidence": {"pings": 4, "seconds": 150.0, "score": 4.358}, "version": "a450962a",
    },
}  # fmt: skip
_KNOWN = {
    "device": "phone-07", "user": None, "consent": "nothing", "last_received": "2026-01-31T08:15:02.000Z",
    "last_ping": "2026-01-31T08:15:00.250Z", "layers": {"town": {
        "regions": [{"id": "a", "name": "A", "since": "2026-01-31T07:02:11.000Z", "confidence": 0.974}],
        "sequence": 3, "version": "9f31c0", "last_ping": "2026-01-31T08:15:00.250Z",
        "pending": [{"code": 2, "since": "2026-01-31T08:14:00.250Z", "pings": 1, "evidence": 0.81}],
    }},
}  # fmt: skip
_MEMBER = {"device": "phone-07", "user": None, "since": "2026-01-31T07:02:11.000Z", "seen": "2026-01-31T08:00:00.000Z"}
_PLACED = {
    "device": "phone-07", "lon": 0.7, "lat": 0.5, "accuracy_m": 10.0, "time": "2026-01-31T08:15:00.250Z",
    "regions": {"town": ["a"]},
}  # fmt: skip
_AGED = (Header(AGE, "All that was committed so many ms ago is in it.", {"type": "integer"}),)
_BBOX = Parameter(
    "bbox", "West, south, east, north in degrees, by commas; west > east crosses the 180th meridian.", "0,0,2,1"
)
_LAYER, _REGION = Parameter("layer", "A layer.", "town"), Parameter("region", "A region of it.", "a")
_ASKED = (
    Parameter("at", "The half hour before this time and the one after.", "2026-01-31T08:15:00Z"),
    Parameter("last", "The last so long of what was heard: 90s, 30m, 2h, 1d; 30m unless said.", None),
    Parameter("event", "What led to the event with this id. One of at, last and event.", None),
    Parameter("layer", "Only of these layers.", None, TEXTS),
    Parameter("preset", "Compare with these presets alone.", None,
        {"type": "array", "items": {"type": "string", "enum": list(PRESETS)}}),
    Parameter("format", "Instead of what Accept says.", "json", {"type": "string", "enum": list(FORMS)}),
)  # fmt: skip
_TOLD = {
    "id": "a22e0306bb06738a5c61889417eea7cc", "layer": "town", "change": "changed", "cause": "moved",
    "origin": {"id": "west", "name": "West Side"}, "target": {"id": "east", "name": "East Side"},
    "occurred_ms": 1769847300250, "confirmed_ms": 1769847450250, "confidence": 0.998,
    "evidence": {"pings": 4, "seconds": 150.0, "score": 4.358}, "words": "West Side to East Side: four witnesses ...",
}  # fmt: skip
_EXPLAINED = {
    "device": "phone-07", "begin_ms": 1769845500250, "end_ms": 1769847450250, "heard_from_ms": 1769840000000,
    "steps": [{
        "kind": "ping", "time_ms": 1769847450250, "layer": "town", "why": "West Side to East Side: ...",
        "version": "a450962a", "outcome": "confirmed",
        "seen": {"lon": 0.7, "lat": 0.5, "accuracy_m": 10.0, "source": "gps"},
        "located": [{"region": {"id": "east", "name": "East Side"}, "margin_m": 48.0}], "sigma_m": 12.0,
        "beliefs": [{"region": {"id": "east", "name": "East Side"}, "known": True, "added": 2.1, "score": 4.358,
            "needed": 2.8, "crossed": True}],
        "told": [_TOLD],
    }],
    "presets": {"responsive": [_TOLD]}, "alike": {"town": "balanced"}, "cut_short": {}, "notes": [],
}  # fmt: skip
_STREAM = {**TEXT, "description": "Server-sent events; see docs/api.md for the kinds."}
_FILTERS = (
    Parameter("layer", "Only of these layers.", ["town"], TEXTS),
    Parameter("device", "Only of these devices.", None, TEXTS),
    Parameter("type", "Only of these types.", ["changed"],
        {"type": "array", "items": {"type": "string", "enum": [str(change) for change in Change]}}),
    Parameter("region", "Only from or to these regions.", ["a"], TEXTS),
)  # fmt: skip

EVENTS = Operation(
    method="GET", path="/v1/events", name="readEvents", scope="events:read", what="Region changes",
    more="A stream of server-sent events; with `limit`, or where only JSON is accepted, a page. A key that is bound to "
    "a device sees its device alone.",
    parameters=(
        *_FILTERS,
        Parameter("after", "Go on behind the event with this id, or with the `next` of the page before."),
        Parameter("Last-Event-ID", "As `after`, which goes first.", where="header"),
        Parameter("from", "Without them: `now`, `beginning`, or a time.", "beginning"),
        LIMIT,
    ),
    answer=Answer("A stream, or a page", (
        Content(_STREAM, media=EVENT_STREAM),
        Content(EventsPage, {"events": [_EVENT], "next": "AQAMAwA", "more": True}),
    )),
    refusals=(400,),
)  # fmt: skip

WHERE = (
    Operation(
        method="GET", path="/v1/devices/{device}/explain", name="explainDevice", scope="positions:read",
        what="Why a crossing was, or was not, confirmed",
        more="Replays what is retained of the device. A key that is bound to a device sees that one alone. Noted in "
        "the audit. See docs/explain.md.",
        parameters=(DEVICE, *_ASKED), refusals=(400, 404, 410),
        answer=Answer("What was seen, weighed and told, ping by ping; or a picture of it", (
            Content(Explanation, _EXPLAINED),
            Content(TEXT, media=FORMS["svg"]),
            Content({"type": "string", "format": "binary"}, media=FORMS["png"]),
        )),
    ),
    Operation(
        method="GET", path="/v1/devices/{device}", name="getDevice", scope="devices:read", what="One device",
        more="Any key of the device's own will do as well.", parameters=(DEVICE,), refusals=(404,),
        answer=Answer("What is known of it; no coordinates", (Content(Known, _KNOWN),), headers=_AGED),
    ),
    Operation(
        method="GET", path="/v1/layers/{layer}/regions/{region}/devices", name="listDevicesOfRegion",
        scope="devices:read", what="Who is in a region", refusals=(400,),
        parameters=(in_path("layer", "The layer.", "town"), in_path("region", "The region.", "a"), AFTER, LIMIT),
        answer=Answer("A page", (
            Content(MembersPage, {"devices": [_MEMBER], "next": "WyJwaG9uZS0wNyJd"}),), headers=_AGED),
    ),
    Operation(
        method="GET", path="/v1/devices", name="listDevices", scope="devices:read", what="Who is in a region or a box",
        more="With `bbox` this needs positions:read instead, and is noted in the audit.",
        parameters=(_BBOX, _LAYER, _REGION, AFTER, LIMIT), refusals=(400,),
        answer=Answer("A page", (
            Content({"anyOf": [PlacedPage, MembersPage]}, {"devices": [_PLACED]}),), headers=_AGED),
    ),
    Operation(
        method="GET", path="/v1/positions", name="readPositions", scope="positions:read", what="Positions as they come",
        more="Begins now. Noted in the audit.",
        parameters=(_BBOX, Parameter("device", "Only of these devices.", None, TEXTS)), refusals=(400,),
        answer=Answer("A stream", (Content(_STREAM, media=EVENT_STREAM),)),
    ),
)  # fmt: skip

ABOUT = (
    Operation(
        method="GET", path="/enrol", name="getEnrolmentPage", scope=NO_KEY,
        what="The page that an enrolment link opens: it exchanges the code for the key",
        answer=Answer("A page that needs nothing else", (Content(TEXT, media="text/html"),)),
    ),
    Operation(
        method="GET", path="/v1/openapi.json", name="getDocument", scope=ANY_KEY, what="This document",
        answer=Answer("OpenAPI 3.1", (Content({"type": "object", "required": ["openapi", "paths"]}),)),
    ),
    Operation(
        method="GET", path="/health/live", name="getHealth", scope=NO_KEY, what="Whether the process runs",
        answer=Answer("It does", (Content(Alive, {"live": True}),)),
    ),
)  # fmt: skip
