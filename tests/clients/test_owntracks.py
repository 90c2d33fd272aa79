"""OwnTracks in HTTP mode before the real gateway, its answers judged as the apps on Android and iOS would."""

import pytest
from phones import Gateway, Phone, basic, bearer, now_s

AT = "/v1/clients/owntracks"

OTHERS = {
    "transition": {
        "wtst": 1_700_000_000,
        "lat": 47.4,
        "lon": 8.5,
        "acc": 10,
        "event": "enter",
        "desc": "home",
        "t": "c",
    },
    "waypoint": {"desc": "home", "lat": 47.4, "lon": 8.5, "rad": 100, "tst": 1_700_000_000},
    "waypoints": {"waypoints": [{"_type": "waypoint", "desc": "home", "lat": 47.4, "lon": 8.5, "rad": 100, "tst": 1}]},
    "status": {"android": {"hib": 1, "bo": 0}},
    "lwt": {"tst": 1_700_000_000},
    "card": {"name": "Jane", "tid": "ja"},
    "cmd": {"action": "dump"},
    "configuration": {"mode": 3, "url": "https://example.org"},
    "steps": {"tst": 1_700_000_000, "steps": 12},
    "beacon": {"tst": 1_700_000_000, "lat": 47.4, "lon": 8.5},
    "request": {"request": "tour"},
}


def android(**more: object) -> dict[str, object]:
    """A location as Android sends it."""
    return {
        "_type": "location", "BSSID": "02:00:00:00:00:00", "_id": "5f2c1b3a", "acc": 13, "alt": 412, "batt": 78,
        "bs": 1, "cog": 90, "conn": "w", "created_at": now_s(), "lat": 47.3769, "lon": 8.5417, "m": 1, "t": "u",
        "source": "fused", "tid": "ja",
        "topic": "owntracks/jane/pixel", "tst": now_s() - 5, "vac": 2, "vel": 36, **more,
    }  # fmt: skip


def ios(**more: object) -> dict[str, object]:
    """A location as iOS sends it, where nobody has set user and device."""
    return {
        "_type": "location", "acc": 8.0, "alt": 410, "batt": 55, "conn": "m", "inregions": ["home"], "inrids": ["a1"],
        "lat": 47.3769, "lon": 8.5417, "p": 96.5, "tid": "ce", "topic": "owntracks/user/device", "tst": now_s() - 5,
        "vel": -1, **more,
    }  # fmt: skip


def send(gateway: Gateway, phone: Phone, body: object, **headers: str) -> None:
    """What must hold of every answer: a 2xx with a list, so that neither app keeps the message or loses the next."""
    reply = gateway.post(AT, body, {**basic("jane", phone.key), **headers})
    assert (reply.status, reply.json) == (200, [])


def test_android_s_location_is_in_the_log_in_our_units(gateway: Gateway) -> None:
    phone, seconds = gateway.phone(), now_s() - 9
    send(gateway, phone, android(tst=seconds), **{"X-Limit-U": "jane", "X-Limit-D": "pixel"})
    assert gateway.pings(phone.device) == [
        {
            "device": phone.device, "lon": 8.5417, "lat": 47.3769, "time_ms": seconds * 1000,
            "accuracy_m": 13.0, "source": "fused", "speed_mps": 10.0,
        }
    ]  # fmt: skip


def test_ios_s_location_without_user_and_device_is_the_key_s_and_its_speed_not_known(gateway: Gateway) -> None:
    phone = gateway.phone()
    send(gateway, phone, ios(), **{"X-Limit-U": "user", "X-Limit-D": "device"})
    (ping,) = gateway.pings(phone.device)
    assert "speed_mps" not in ping
    assert ping["accuracy_m"] == 8.0


@pytest.mark.parametrize("kind", OTHERS)
def test_every_other_type_is_delivered_and_no_position(gateway: Gateway, kind: str) -> None:
    phone = gateway.phone()
    send(gateway, phone, {"_type": kind, **OTHERS[kind]})
    assert gateway.pings(phone.device) == []
    assert gateway.refusals(phone) == []


def test_an_encrypted_message_is_delivered_counted_and_not_kept(gateway: Gateway) -> None:
    phone = gateway.phone()
    send(gateway, phone, {"_type": "encrypted", "data": "c2VjcmV0IHBsYWNl"})
    assert gateway.refusals(phone) == [("encrypted", "_type")]
    assert b"c2VjcmV0IHBsYWNl" not in gateway.log.read_bytes()


def test_an_empty_body_is_delivered(gateway: Gateway) -> None:
    phone = gateway.phone()
    send(gateway, phone, b"")
    assert gateway.refusals(phone) == []


@pytest.mark.parametrize(
    ("headers", "query", "topic", "login", "device", "user"),
    [
        ({"X-Limit-U": "jane", "X-Limit-D": "{}"}, "", "a/b/c", "x", "jane:{}", "jane"),
        ({"X-Limit-U": "jane", "X-Limit-D": "{}"}, "?u=jim&d=other", "a/b/c", "x", "jane:{}", "jane"),
        ({}, "?u=jim&d={}", "owntracks/a/b", "x", "jim:{}", "jim"),
        ({}, "", "owntracks/ann/{}", "x", "ann:{}", "ann"),
        ({"X-Limit-U": "user", "X-Limit-D": "device"}, "", "owntracks/user/device", "{}", "{}", "{}"),
        ({"X-Limit-U": "user", "X-Limit-D": "device"}, "?u=jo&d={}", "owntracks/user/device", "x", "jo:{}", "jo"),
        ({"X-Limit-D": "{}"}, "", "owntracks/user/device", "joe", "joe:{}", "joe"),
        ({"X-Limit-U": "jürgen", "X-Limit-D": "{}"}, "", "", "x", "jürgen:{}", "jürgen"),
    ],
)
def test_a_key_for_all_takes_the_device_from_header_query_topic_or_login(
    gateway: Gateway, headers: dict[str, str], query: str, topic: str, login: str, device: str, user: str
) -> None:
    name = gateway.name()
    told = {header: value.format(name).encode().decode("latin-1") for header, value in headers.items()}
    message = android(topic=topic.format(name))
    reply = gateway.post(AT + query.format(name), message, {**basic(login.format(name), gateway.anyone), **told})
    assert reply.delivered
    (ping,) = gateway.pings(device.format(name))
    assert ping["user"] == user.format(name)


def test_a_device_that_nobody_names_is_delivered_and_in_no_track(gateway: Gateway) -> None:
    reply = gateway.post(AT, ios(), {**bearer(gateway.anyone), "X-Limit-U": "user", "X-Limit-D": "device"})
    assert (reply.status, reply.json) == (200, [])
    assert gateway.pings("user") == gateway.pings("device") == gateway.pings("") == []


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        (android(lat=91), ("lat_range", "lat")),
        (android(lon=None), ("malformed", "lon")),
        (android(lat="here"), ("malformed", "lat")),
        (android(acc="good"), ("malformed", "acc")),
        (android(tst=1e300), ("time_range", "tst")),
        (android(tst=-1), ("time_range", "time_ms")),
        (android(tst=now_s() + 3600), ("time_future", "time_ms")),
        (android(tst=now_s() - 30 * 86_400), ("time_old", "time_ms")),
        ({"lat": 1, "lon": 1, "tst": 1}, ("malformed", "_type")),
        (b"[]", ("unreadable", "")),
        (b'{"_type":"location"', ("unreadable", "")),
        (b"\xff\xfe{", ("unreadable", "")),
    ],
)
def test_what_can_never_be_used_is_delivered_and_told_by_its_reason(
    gateway: Gateway, message: object, refusal: tuple[str, str]
) -> None:
    phone = gateway.phone()
    send(gateway, phone, message)
    assert gateway.pings(phone.device) == []
    assert gateway.refusals(phone) == [refusal]


def test_a_message_that_comes_again_after_a_lost_answer_is_delivered_again(gateway: Gateway) -> None:
    phone, message = gateway.phone(), android()
    send(gateway, phone, message)
    send(gateway, phone, message)
    first, second = gateway.pings(phone.device)
    assert first == second


def test_accuracy_and_speed_of_zero_are_told_apart(gateway: Gateway) -> None:
    phone = gateway.phone()
    send(gateway, phone, android(acc=0, vel=0, source="network"))
    (ping,) = gateway.pings(phone.device)
    assert "accuracy_m" not in ping
    assert "source" not in ping
    assert ping["speed_mps"] == 0.0
