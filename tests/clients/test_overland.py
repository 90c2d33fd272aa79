"""Overland before the real gateway: a batch is gone from the phone only at 2xx and `{"result":"ok"}`."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from phones import Gateway, Phone, bearer, now_s

AT = "/v1/clients/overland"


def feature(seconds_ago: int = 5, lon: object = 8.5417, lat: object = 47.3769, **more: object) -> dict[str, object]:
    """A location as the app sends it."""
    when = datetime.fromtimestamp(now_s() - seconds_ago, UTC).isoformat().replace("+00:00", "Z")
    properties = {
        "timestamp": when, "altitude": 412, "speed": 4, "course": 90, "horizontal_accuracy": 30,
        "vertical_accuracy": -1, "motion": ["driving", "stationary"], "battery_state": "charging",
        "battery_level": 0.8, "wifi": "home", "device_id": "", "unique_id": None, **more,
    }  # fmt: skip
    return {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties,
    }  # fmt: skip


def row(action: str, **more: object) -> dict[str, object]:
    """A row of the app's log."""
    return {"type": "Feature", "properties": {"action": action, "timestamp": "2026-01-31T08:15:00Z"}, **more}


def send(gateway: Gateway, phone: Phone, body: object) -> None:
    """What must hold of every answer."""
    reply = gateway.post(AT, body, {**bearer(phone.key), "Content-Type": "application/json"})
    assert (reply.status, reply.json) == (200, {"result": "ok"})


def test_a_batch_is_in_the_log_oldest_first_without_log_rows_and_visits(gateway: Gateway) -> None:
    phone = gateway.phone()
    visit = feature(action="visit", arrival_date="2026-01-31T08:15:00Z", departure_date="2026-01-31T09:15:00Z")
    locations = [feature(5), row("will_terminate"), row("exited_pause_region"), visit, feature(50, speed=-1)]
    send(gateway, phone, {"locations": locations, "current": feature(0), "trip": {"distance": 12}})
    old, new = gateway.pings(phone.device)
    assert (old["time_ms"] + 45_000, new["speed_mps"], new["accuracy_m"]) == (new["time_ms"], 4.0, 30.0)
    assert "speed_mps" not in old
    assert gateway.refusals(phone) == []


def test_a_time_with_an_offset_is_the_same_instant(gateway: Gateway) -> None:
    phone, now = gateway.phone(), now_s() - 7
    local = datetime.fromtimestamp(now, timezone(timedelta(hours=-7))).strftime("%Y-%m-%dT%H:%M:%S-0700")
    send(gateway, phone, {"locations": [feature(timestamp=local)]})
    assert [one["time_ms"] for one in gateway.pings(phone.device)] == [now * 1000]


def test_a_thousand_rows_and_the_same_again_are_delivered(gateway: Gateway) -> None:
    phone = gateway.phone()
    batch = {"locations": [feature(1000 - number) for number in range(1000)]}
    send(gateway, phone, batch)
    send(gateway, phone, batch)
    found = gateway.pings(phone.device)
    assert found[:1000] == found[1000:]
    assert [one["time_ms"] for one in found[:1000]] == sorted({one["time_ms"] for one in found})


def test_bad_rows_are_delivered_and_cost_the_others_nothing(gateway: Gateway) -> None:
    phone = gateway.phone()
    send(
        gateway,
        phone,
        {
            "locations": [
                7, feature(lat=99), feature(lon="8"), feature(lon=None), feature(timestamp="now"), feature(3),
                {"type": "Feature", "properties": {}}, feature() | {"geometry": None}, feature(horizontal_accuracy=[]),
            ]
        },
    )  # fmt: skip
    assert len(gateway.pings(phone.device)) == 2
    assert sorted(gateway.refusals(phone)) == [
        ("lat_range", "lat"), ("malformed", "geometry"), ("malformed", "geometry"), ("malformed", "geometry"),
        ("malformed", "horizontal_accuracy"), ("time_range", "timestamp"), ("unreadable", ""),
    ]  # fmt: skip


def test_a_key_for_all_takes_the_app_s_device_or_else_its_unique_id(gateway: Gateway) -> None:
    one, two = gateway.name(), gateway.name()
    batch = {"locations": [feature(device_id=one, unique_id="u"), feature(device_id="", unique_id=two)]}
    assert gateway.post(f"{AT}/{gateway.anyone}", batch).json == {"result": "ok"}
    assert [len(gateway.pings(name)) for name in (one, two)] == [1, 1]


def test_the_owntracks_mode_counts_from_2001(gateway: Gateway) -> None:
    phone, now = gateway.phone(), now_s() - 3
    message = {"_type": "location", "lat": 47.3769, "lon": 8.5417, "tst": now - 978_307_200, "acc": 10, "vel": 4}
    send(gateway, phone, message)
    send(gateway, phone, {"_type": "lwt", "tst": 1})
    assert gateway.pings(phone.device) == [
        {"device": phone.device, "lon": 8.5417, "lat": 47.3769, "time_ms": now * 1000, "accuracy_m": 10.0}
    ]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"locations": 5}', b'{"locations":[{"', b"\xff"])
def test_a_batch_that_can_not_be_read_is_delivered_and_told(gateway: Gateway, body: bytes) -> None:
    phone = gateway.phone()
    send(gateway, phone, body)
    assert [reason for reason, _ in gateway.refusals(phone)] == ["unreadable"]
