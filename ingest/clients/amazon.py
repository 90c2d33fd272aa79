"""The shape of Amazon Location trackers: updates of one device or of many in a request.

An adapter of `gateway.apps`. Invariant: the answer is 200, and lists each update that was not taken with its
device, its time and a code; all others are in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from geofence.wire import PingRecord
from ingest.clients.client import MOST_ROWS, Client, Heard, Rows, Said, Unfit, as_object
from ingest.clients.fields import Fields, as_number, inner, text
from ingest.clients.instants import needed_ms
from ingest.clients.units import radius_m
from ingest.gateway.intake import Refused

_ALLOWED = f"an object with `Updates`, a list of at most {MOST_ROWS} objects"
_DENIED = ("no_consent", "device_not_yours")


class _Batch(msgspec.Struct):
    updates: Rows = msgspec.field(name="Updates")


_read_batch = msgspec.json.Decoder(_Batch).decode
_write = msgspec.json.Encoder().encode


def read(said: Said) -> Heard:
    """What a batch says."""
    heard = Heard()
    try:
        raws = _read_batch(said.body.strip()).updates
    except (msgspec.MsgspecError, ValueError, RecursionError):
        heard.refuse(0, "", Unfit("Updates", f"{_ALLOWED}, as JSON in UTF-8", "unreadable"))
        return heard
    heard.rows = rows = list[dict[str, Any]]()
    for index, raw in enumerate(raws):
        try:
            rows.append(as_object(raw, _ALLOWED))
        except Unfit as error:
            rows.append({})
            heard.refuse(index, "", error)
            continue
        device = text(rows[index], "DeviceId")
        heard.hear(index, device, lambda row=rows[index], device=device: _ping(row, device))  # type: ignore[misc]
    return heard


def _ping(row: Fields, device: str) -> PingRecord:
    accuracy = inner(row, "Accuracy", "an object with `Horizontal`") or {}
    place = row.get("Position")
    found = [as_number(one) for one in place] if isinstance(place, list) else []
    if len(found) != 2 or found[0] is None or found[1] is None:
        raise Unfit("Position", "longitude and latitude, two numbers")
    return PingRecord(
        device=device,
        lon=found[0],
        lat=found[1],
        time_ms=needed_ms(row, "SampleTime"),
        accuracy_m=radius_m(accuracy, "Horizontal"),
    )


def answer(heard: Heard, refused: Sequence[Refused]) -> bytes:
    """The updates that were not taken."""
    return _write({"Errors": [_error(heard.rows, one) for one in refused]})


def _error(rows: Sequence[Fields], one: Refused) -> dict[str, Any]:
    row = rows[one.index] if one.index < len(rows) else {}
    code = "AccessDeniedError" if one.reason in _DENIED else "ValidationError"
    told = {"Code": code, "Message": f"{one.field or 'the update'}: {one.reason}; allowed: {one.allowed}"}
    return {"DeviceId": text(row, "DeviceId"), "SampleTime": text(row, "SampleTime"), "Error": told}


AMAZON = Client("amazon", read, answer, fleet=True)
