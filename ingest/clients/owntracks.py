"""OwnTracks in HTTP mode: one JSON object a request, told apart by `_type`.

An adapter of `gateway.apps`. Invariants: only a `location` is a position, everything else is heard and forgotten; an
encrypted message is refused by that name and not kept; the answer is an empty list, which says "nothing for you".
"""

from __future__ import annotations

from typing import Any

from geofence.wire import PingRecord
from ingest.clients.client import Client, Heard, Said, Unfit, always, as_object
from ingest.clients.fields import Fields, needed, text
from ingest.clients.instants import seconds_ms
from ingest.clients.units import KMH, radius_m, source, speed_mps

_ALLOWED = "a message of OwnTracks, which has a `_type`"
_UNSET = ("user", "device")  # what iOS sends for the two where they were not set


def read(said: Said) -> Heard:
    """What a message says; an empty body says nothing."""
    heard = Heard()
    if not said.body.strip():
        return heard
    user, phone = _name(said, {})
    try:
        message = as_object(said.body, _ALLOWED)
        user, phone = _name(said, message)
    except Unfit as error:
        heard.refuse(0, _device(user, phone), error)
        return heard
    heard.hear(0, _device(user, phone), lambda: _ping(message, user, phone))
    return heard


def _ping(message: dict[str, Any], user: str, phone: str) -> PingRecord | None:
    """The ping of a location; None for every other type."""
    kind = message.get("_type")
    if not isinstance(kind, str):
        raise Unfit("_type", _ALLOWED)
    if kind == "encrypted":
        raise Unfit("_type", "location. Take the encryption key out of the app's settings; use https", "encrypted")
    if kind != "location":
        return None
    record = location(message, _device(user, phone))
    record.speed_mps = speed_mps(message, "vel", KMH)
    record.user = user
    return record


def location(message: Fields, device: str, *, epoch_s: int = 0) -> PingRecord:
    """The ping of a `location`, without its speed. Raises Unfit."""
    return PingRecord(
        device=device,
        lon=needed(message, "lon"),
        lat=needed(message, "lat"),
        time_ms=seconds_ms(message, "tst", epoch_s=epoch_s),
        accuracy_m=radius_m(message, "acc"),
        source=source(message, "source"),
    )


def _name(said: Said, message: Fields) -> tuple[str, str]:
    """User and device as the app calls them; empty where it does not."""
    topic = text(message, "topic").split("/")
    by_topic = topic[-2:] if len(topic) > 1 else ["", ""]
    user = _first_set(_UNSET[0], said.headers.get("x-limit-u", ""), text(said.query, "u"), by_topic[0], said.login)
    return user, _first_set(_UNSET[1], said.headers.get("x-limit-d", ""), text(said.query, "d"), by_topic[1])


def _first_set(unset: str, *values: str) -> str:
    return next((value for value in values if value and value != unset), "")


def _device(user: str, phone: str) -> str:
    """One name for both: two people may well call their phones the same."""
    return f"{user}:{phone}" if user and phone else user or phone


OWNTRACKS = Client("owntracks", read, always(b"[]"))
