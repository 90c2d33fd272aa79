"""Traccar Client before the real gateway, in its three forms: any 2xx is delivered, anything else comes again."""

import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlencode

import pytest
from phones import Gateway, Phone, bearer, now_s

AT = "/v1/clients/traccar"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def flat(**more: object) -> dict[str, object]:
    """The fields of the OsmAnd protocol, those of None left out."""
    fields = {
        "id": "123456", "timestamp": now_s() - 5, "lat": 47.3769, "lon": 8.5417, "speed": 10, "bearing": 270,
        "altitude": 412, "accuracy": 12.5, "batt": 80.0, "charge": "true", **more,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def nested(**more: object) -> dict[str, object]:
    """A message of client 9."""
    location = {
        "timestamp": datetime.fromtimestamp(now_s() - 5, UTC).isoformat().replace("+00:00", ".250Z"),
        "coords": {
            "latitude": 47.3769, "longitude": 8.5417, "accuracy": 12.5, "speed": 5.5, "heading": 270, "altitude": 412,
        },
        "is_moving": True, "odometer": 1000, "event": "motionchange", "mock": False,
        "battery": {"level": 0.8, "is_charging": True}, "activity": {"type": "walking"}, "uuid": "u", "extras": {},
        **more,
    }  # fmt: skip
    return {"device_id": "123456", "location": location}


def in_form(gateway: Gateway, phone: Phone, method: str, how: str, fields: dict[str, object]) -> None:
    """Fields in the query or a form, the key in the path; delivered."""
    text = urlencode(fields)
    at, body = (f"{AT}/{phone.key}?{text}", b"") if how == "query" else (f"{AT}/{phone.key}", text.encode())
    assert gateway.ask(method, at, body, FORM).status == 200


@pytest.mark.parametrize(("method", "how"), [("GET", "query"), ("POST", "query"), ("POST", "form")])
def test_flat_fields_are_in_the_log_in_our_units(gateway: Gateway, method: str, how: str) -> None:
    phone, seconds = gateway.phone(), now_s() - 9
    in_form(gateway, phone, method, how, flat(timestamp=seconds))
    assert gateway.pings(phone.device) == [
        {
            "device": phone.device, "lon": 8.5417, "lat": 47.3769, "time_ms": seconds * 1000,
            "accuracy_m": 12.5, "speed_mps": pytest.approx(5.14444, abs=1e-5),
        }
    ]  # fmt: skip


def test_times_in_seconds_milliseconds_and_iso_and_both_forms_of_a_place_are_understood(gateway: Gateway) -> None:
    phone, now = gateway.phone(), now_s()
    there = flat(lat=None, lon=None, location="47.3769,8.5417")
    east = datetime.fromtimestamp(now - 2, timezone(timedelta(hours=7))).isoformat()
    times = {now - 5: now - 5, now - 4: f"{now - 4}000", now - 3: f"{now - 3}.0", now - 2: east}
    for text in times.values():
        in_form(gateway, phone, "GET", "query", {**there, "timestamp": text})
    found = gateway.pings(phone.device)
    assert [one["time_ms"] // 1000 for one in found] == list(times)
    assert {(one["lon"], one["lat"]) for one in found} == {(8.5417, 47.3769)}


def test_a_made_up_position_is_marked(gateway: Gateway) -> None:
    phone = gateway.phone()
    in_form(gateway, phone, "POST", "form", flat(mock="1", accuracy="", speed="-1"))
    gateway.post(f"{AT}/{phone.key}", nested(mock=True), JSON)
    assert [one["mock"] for one in gateway.pings(phone.device)] == [True, True]
    assert not {"accuracy_m", "speed_mps"} & gateway.pings(phone.device)[0].keys()


def test_client_9_s_object_is_in_the_log_in_our_units(gateway: Gateway) -> None:
    phone, message = gateway.phone(), nested()
    assert gateway.post(f"{AT}/{phone.key}", message, JSON).status == 200
    (ping,) = gateway.pings(phone.device)
    assert ping["time_ms"] % 1000 == 250
    assert {name: ping[name] for name in ("lon", "lat", "accuracy_m", "speed_mps")} == {
        "lon": 8.5417, "lat": 47.3769, "accuracy_m": 12.5, "speed_mps": 5.5,
    }  # fmt: skip


def test_an_unknown_speed_is_absent_and_a_heartbeat_no_position(gateway: Gateway) -> None:
    phone, still = gateway.phone(), nested(coords=None, event="heartbeat")
    slow = nested(coords={"latitude": 1, "longitude": 2, "accuracy": 5, "speed": -1, "heading": -1, "altitude": 0})
    assert gateway.post(f"{AT}/{phone.key}", still, JSON).delivered
    assert gateway.post(f"{AT}/{phone.key}", slow, JSON).delivered
    (ping,) = gateway.pings(phone.device)
    assert "speed_mps" not in ping
    assert gateway.refusals(phone) == []


@pytest.mark.parametrize("wrapped", [False, True], ids=["array", "uploadJson"])
def test_client_10_s_array_is_in_the_log_oldest_first_and_a_bad_row_costs_the_others_nothing(
    gateway: Gateway, wrapped: bool
) -> None:
    phone, now = gateway.phone(), now_s()
    rows = [flat(timestamp=now - 1), flat(timestamp=now - 9), flat(lat=95), {"id": "x", "batt": 5}, 7, flat(lat="?")]
    body = json.dumps(rows)
    raw, headers = (urlencode({"uploadJson": body}), FORM) if wrapped else (body, JSON)
    assert gateway.post(f"{AT}/{phone.key}", raw.encode(), headers).delivered
    assert [one["time_ms"] // 1000 for one in gateway.pings(phone.device)] == [now - 9, now - 1]
    assert sorted(gateway.refusals(phone)) == [("lat_range", "lat"), ("malformed", "lat"), ("malformed", "uploadJson")]


def test_client_10_s_form_without_a_place_is_delivered_and_no_position(gateway: Gateway) -> None:
    phone = gateway.phone()
    in_form(gateway, phone, "POST", "form", flat(lat=None, lon=None, cell="228,1,2,3", wifi="aa:bb,-50"))
    assert gateway.pings(phone.device) == []
    assert gateway.refusals(phone) == []


def test_a_key_for_all_takes_the_app_s_device(gateway: Gateway) -> None:
    one, two, three = gateway.name(), gateway.name(), gateway.name()
    assert gateway.post(AT, urlencode(flat(id=one)).encode(), {**FORM, **bearer(gateway.anyone)}).delivered
    other = urlencode(flat(id=None, deviceid=two))
    assert gateway.ask("GET", f"{AT}/{gateway.anyone}?{other}").delivered
    assert gateway.post(f"{AT}/{gateway.anyone}", {**nested(), "device_id": three}, JSON).delivered
    assert [len(gateway.pings(name)) for name in (one, two, three)] == [1, 1, 1]


def test_a_request_of_no_device_is_told_so_unless_the_key_is_for_one(gateway: Gateway) -> None:
    phone, nobody = gateway.phone(), urlencode(flat(id=None))
    reply = gateway.ask("GET", f"{AT}/{gateway.anyone}?{nobody}")
    assert reply.status == 400
    assert "Set the device's id in the app" in reply.json["detail"]
    assert gateway.post(f"{AT}/{gateway.anyone}", {**nested(), "device_id": ""}, JSON).status == 404
    assert gateway.ask("GET", f"{AT}/{phone.key}?{nobody}").status == 200
    assert len(gateway.pings(phone.device)) == 1


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        (flat(lat="abc"), ("malformed", "lat")),
        (flat(lat=None), ("malformed", "lat")),
        (flat(lat="1_0"), ("malformed", "lat")),
        (flat(lon="NaN"), ("lon_range", "lon")),
        (flat(lat=None, lon=None, location="47.3"), ("malformed", "location")),
        (flat(timestamp="yesterday"), ("time_range", "timestamp")),
        (flat(timestamp="2026-01-31"), ("time_range", "timestamp")),
        (flat(valid="false"), ("not_valid", "valid")),
        (flat(accuracy="12m"), ("malformed", "accuracy")),
    ],
)
def test_what_can_never_be_used_is_delivered_and_told_by_its_reason(
    gateway: Gateway, fields: dict[str, object], refusal: tuple[str, str]
) -> None:
    phone = gateway.phone()
    in_form(gateway, phone, "POST", "form", fields)
    assert gateway.pings(phone.device) == []
    assert gateway.refusals(phone) == [refusal]
