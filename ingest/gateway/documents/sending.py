"""Documents of what devices send: pings, and the apps' own forms."""

from __future__ import annotations

import re
from typing import Any

from geofence.wire import PingRecord
from ingest.clients.client import Client
from ingest.clients.traccar import TRACCAR
from ingest.gateway.apps import CLIENTS, paths_of
from ingest.gateway.pings import PingsTaken
from web.documents.operation import JSON, KEY_IN_PATH, TEXT, Answer, Content, Operation, Parameter, in_path

_PING = {
    "device": "phone-07",
    "lon": 12.5907,
    "lat": 55.6797,
    "time_ms": 1769847300250,
    "accuracy_m": 12,
    "source": "gps",
}
_REFUSED = {
    "index": 1, "field": "lon", "value": 200.0, "reason": "lon_range", "allowed": "-180 to 180 degrees",
}  # fmt: skip
_ENCODING = Parameter(
    "Content-Encoding", "How the body is compressed.", None, {"type": "string", "enum": ["identity", "gzip", "zstd"]},
    "header",
)  # fmt: skip
_IN_PATH = {
    "key": in_path("key", "An API key with the scope pings:write.", "gf_abcdefghjk_" + "m" * 33),
    "tracker": in_path("tracker", "Any name.", "phones"),
}

PINGS = Operation(
    method="POST", path="/v1/pings", name="sendPings", scope="pings:write", what="Send pings",
    more="One ping, an array of them, or one a line. What is accepted is in the log, on disk; every other ping is "
    "listed with its reason. A batch that is sent again changes nothing.",
    parameters=(_ENCODING,),
    takes=(
        Content({"oneOf": [PingRecord, list[PingRecord]]}, [_PING]),
        Content({**TEXT, "description": "A ping a line."}, media="application/x-ndjson"),
    ),
    answer=Answer("Some or all are in the log", (Content(PingsTaken, {"accepted": 1, "rejected": [_REFUSED]}),), 202),
)  # fmt: skip

_POSITION: dict[str, tuple[Any, Any]] = {  # what each app sends, and what it is answered
    "owntracks": (
        {"_type": "location", "lat": 55.6797, "lon": 12.5907, "tst": 1769847300, "acc": 12, "topic": "o/j/p"}, [],
    ),
    "overland": (
        {"locations": [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [12.5907, 55.6797]},
         "properties": {"timestamp": "2026-01-31T08:15:00Z", "device_id": "phone-07"}}]}, {"result": "ok"},
    ),
    "homeassistant": ({"type": "update_location", "data": {"gps": [55.6797, 12.5907], "gps_accuracy": 12}}, {}),
    "amazon": (
        {"Updates": [{"DeviceId": "phone-07", "Position": [12.5907, 55.6797], "SampleTime": "2026-01-31T08:15:00Z"}]},
        {"Errors": []},
    ),
}  # fmt: skip
_FLAT = {
    "traccar": (
        ("id", "phone-07"), ("lat", "55.6797"), ("lon", "12.5907"), ("timestamp", "1769847300"), ("accuracy", "12"),
    ),
    "gpslogger": (
        ("lat", "55.6797"), ("lon", "12.5907"), ("acc", "12"), ("timestamp", "1769847300"), ("id", "phone-07"),
    ),
}  # fmt: skip


def _operations(client: Client) -> list[Operation]:
    return [_operation(client, path, method) for path in paths_of(client) for method in client.methods]


def _operation(client: Client, path: str, method: str) -> Operation:
    keyed = "{key}" in path
    its = tuple(_IN_PATH[name] for name in re.findall(r"{(\w+)}", path))
    flat = tuple(Parameter(name, "As the app has it.", example) for name, example in _FLAT.get(client.name, ()))
    sent, answered = _POSITION.get(client.name, (None, ""))
    form = Content({"type": "object", "additionalProperties": TEXT}, dict(_FLAT.get(client.name, ())),
                   "application/x-www-form-urlencoded")  # fmt: skip
    return Operation(
        method=method, path=path, name=_name(client, path, method),
        what=f"Positions as {client.name} sends them",
        more="See docs/clients.md. What is refused for good is answered as delivered, and kept for its device to see.",
        scope=KEY_IN_PATH if keyed else "pings:write", parameters=its + flat,
        takes=() if method == "GET" else (form,) if sent is None else (Content({}, sent),),
        answer=Answer("Delivered", (Content(TEXT if client.media_type != JSON else {}, answered, client.media_type),)),
        refusals=(400, 404) if client is TRACCAR else (), patient=True,
    )  # fmt: skip


def _name(client: Client, path: str, method: str) -> str:
    way = "WithKey" if "{key}" in path else ""
    far = "" if path.startswith("/v1/clients/") and "trackers" not in path else "Elsewhere"
    return f"{client.name}{way}{far}{method.title()}"


APPS = tuple(one for client in CLIENTS for one in _operations(client))
