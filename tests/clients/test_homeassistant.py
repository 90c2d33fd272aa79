"""Home Assistant's app before the real gateway, at our path and at the webhook of its own server."""

import time

import pytest
from phones import Gateway


def update(**more: object) -> dict[str, object]:
    """A location as the app sends it, those of None left out."""
    data = {
        "gps": [47.3769, 8.5417], "gps_accuracy": 20, "battery": 80, "speed": 2, "altitude": 412, "course": 90,
        "vertical_accuracy": 3, **more,
    }  # fmt: skip
    return {"type": "update_location", "data": {name: value for name, value in data.items() if value is not None}}


@pytest.mark.parametrize("at", ["/v1/clients/homeassistant/{}", "/api/webhook/{}"])
def test_a_location_is_in_the_log_at_the_time_at_which_it_came(gateway: Gateway, at: str) -> None:
    phone, before_ms = gateway.phone(), time.time_ns() // 1_000_000
    reply = gateway.post(at.format(phone.key), update())
    assert (reply.status, reply.json) == (200, {})
    (ping,) = gateway.pings(phone.device)
    assert before_ms <= ping.pop("time_ms") <= time.time_ns() // 1_000_000
    assert ping == {"device": phone.device, "lon": 8.5417, "lat": 47.3769, "accuracy_m": 20.0, "speed_mps": 2.0}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "update_sensor_states", "data": [{"unique_id": "steps", "state": 5}]},
        {"type": "get_config"},
        {"type": "update_registration", "data": {"app_version": "1"}},
        update(gps=None, location_name="home"),
    ],
)
def test_every_other_message_is_delivered_and_no_position(gateway: Gateway, message: object) -> None:
    phone = gateway.phone()
    assert gateway.post(f"/api/webhook/{phone.key}", message).status == 200
    assert (gateway.pings(phone.device), gateway.refusals(phone)) == ([], [])


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        (update(gps=[47.0]), ("malformed", "gps")),
        (update(gps="47,8"), ("malformed", "gps")),
        (update(gps=[147.0, 8.0]), ("lat_range", "lat")),
        (update(gps_accuracy="x"), ("malformed", "gps_accuracy")),
        ({"type": "update_location", "data": 5}, ("malformed", "data")),
        ({"type": "encrypted", "encrypted": True, "encrypted_data": "abc"}, ("encrypted", "type")),
        ({}, ("malformed", "type")),
        (b"", ("unreadable", "")),
    ],
)
def test_what_can_never_be_used_is_delivered_and_told_by_its_reason(
    gateway: Gateway, message: object, refusal: tuple[str, str]
) -> None:
    phone = gateway.phone()
    assert gateway.post(f"/api/webhook/{phone.key}", message).status == 200
    assert gateway.pings(phone.device) == []
    assert gateway.refusals(phone) == [refusal]
