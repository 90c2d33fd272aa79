"""What the types of the wire can't say of their fields: ranges, units, words that are allowed.

Added to the schemas by `web.documents`. Values are JSON Schema; None takes away what the type says. Invariant: a ping
that breaks a range here is one that `geofence.fault` refuses, and the other way round.
"""

from __future__ import annotations

from typing import Any

from catalog.keys import SCOPES
from geofence.crossing import Cause, Change
from geofence.fault import DEVICE_BYTES, TIME_END_MS
from geofence.ping import Source
from web.documents.schemas import NO_CONTROLS

_DEVICE: dict[str, Any] = {
    "minLength": 1, "maxLength": DEVICE_BYTES, "pattern": NO_CONTROLS,
    "description": f"The device: 1 to {DEVICE_BYTES} bytes of UTF-8 without control characters.",
}  # fmt: skip
_AT_MS = {"minimum": 0, "exclusiveMaximum": TIME_END_MS, "description": "When it was appended, in Unix milliseconds."}
_CHANGES = [f"geofence.region.{change}" for change in Change]


def _instant(what: str) -> dict[str, Any]:
    return {"format": "date-time", "description": f"{what}, in UTC."}


FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "PingRecord": {
        "device": _DEVICE,
        "lon": {"minimum": -180, "maximum": 180, "description": "Longitude in degrees, WGS 84."},
        "lat": {"minimum": -90, "maximum": 90, "description": "Latitude in degrees, WGS 84."},
        "time_ms": {
            "minimum": 0,
            "exclusiveMaximum": TIME_END_MS,
            "description": "When the device was there, in Unix milliseconds.",
        },
        "accuracy_m": {"description": "The radius of the position in metres; 0 or less: not known."},
        "source": {"enum": [source.name.lower() for source in Source], "description": "What the position is from."},
        "user": {
            "maxLength": DEVICE_BYTES,
            "pattern": NO_CONTROLS,
            "default": None,
            "description": f"Whose device it is; up to {DEVICE_BYTES} bytes.",
        },
        "received_ms": {"default": None, "description": "When it was received; the gateway fills it in."},
        "confidence": {
            "exclusiveMinimum": 0,
            "exclusiveMaximum": 1,
            "description": "How often the truth lies within the radius; 0.68 if absent.",
        },
        "speed_mps": {"minimum": 0, "description": "Speed in metres a second."},
        "mock": {"description": "Whether the device says that the position is made up."},
        "v": {"maximum": 1, "description": "Version of this schema."},
    },
    "Consent": {"device": _DEVICE, "at_ms": _AT_MS},
    "Erase": {"device": _DEVICE, "at_ms": _AT_MS},
    "Tick": {"at_ms": _AT_MS},
    "Switch": {
        "layer": {"minLength": 1, "maxLength": DEVICE_BYTES},
        "version": {"minLength": 1, "maxLength": DEVICE_BYTES, "description": "The hash of the version."},
        "at_ms": _AT_MS,
    },
    "RegionChange": {
        "device": _DEVICE,
        "from": {"description": "The region left; null: outside every region, or not known yet."},
        "to": {"description": "The region come to; null: outside every region, or not known any more."},
        "cause": {"enum": [str(cause) for cause in Cause], "description": "Why the region changed."},
        "occurred_at": _instant("The time of the first ping of the evidence"),
        "confirmed_at": _instant("The time of the ping that was enough"),
        "received_at": _instant("When that one was received"),
        "confidence": {
            "minimum": 0,
            "maximum": 1,
            "description": "Of events like this one, the share that is right.",
        },
        "version": {"description": "The hash of the layer's version that decided."},
    },
    "Evidence": {
        "pings": {"minimum": 0, "description": "How many pings spoke for it."},
        "seconds": {"minimum": 0, "description": "Over how many seconds."},
        "score": {"description": "Their weight, in log-odds."},
    },
    "Event": {
        "specversion": {"const": "1.0"},
        "id": {"description": "The same whenever the same input is read: who has seen it may drop the event."},
        "source": {"description": "The deployment."},
        "type": {"enum": _CHANGES},
        "subject": {"description": "The device."},
        "time": _instant("When it occurred"),
        "sequence": {"pattern": "^[0-9]{10,}$", "description": "Counts the changes of a device in a layer."},
        "recordedtime": _instant("When it was received, or confirmed"),
    },
    "Presence": {
        "v": {"maximum": 1, "description": "Version of this schema."},
        "device": _DEVICE,
        "seen": _instant("The hour in which it was last heard"),
        "layers": {"description": "By layer, where the device is."},
    },
    "LayerPresence": {"sequence": {"minimum": 0, "description": "That of the last event of the device and layer."}},
    "Stay": {
        "id": {"description": "The region; null: outside every region."},
        "since": _instant("Since when"),
    },
    "NewKey": {
        "scopes": {"items": {"type": "string", "enum": list(SCOPES)}, "minItems": 1},
        "device": {"description": "It speaks for this device alone."},
        "user": {"description": "Its pings are this user's."},
        "expires_ms": {"description": "When it expires, in Unix milliseconds; later than now."},
    },
    "NewDevice": {"grants_consent": {"description": "Whether enrolling it records its consent."}},
    "EventsPage": {"events": {"items": {"$ref": "#/components/schemas/Event"}}},
    "LetterHeaders": {
        "partition": {"pattern": "^[0-9]+$"},
        "offset": {"pattern": "^[0-9]+$"},
        "received_ms": {"pattern": "^-?[0-9]+$"},
        "length": {"pattern": "^([0-9]+|none)$", "description": "Bytes of the value; none: it was a tombstone."},
        "sha256": {"pattern": "^[0-9a-f]{64}$", "description": "Of the whole value."},
        "key_length": {"pattern": "^[0-9]+$", "description": "Bytes of the key, where it was cut."},
    },
}
