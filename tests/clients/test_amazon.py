"""The shape of Amazon Location trackers before the real gateway: 200, and an error for each update not taken."""

from datetime import UTC, datetime

import pytest
from phones import Gateway, bearer, now_s

AT = "/v1/clients/amazon"


def update(device: str, **more: object) -> dict[str, object]:
    """An update of one device."""
    when = datetime.fromtimestamp(now_s() - 5, UTC).isoformat().replace("+00:00", "Z")
    return {
        "DeviceId": device, "Position": [8.5417, 47.3769], "SampleTime": when, "Accuracy": {"Horizontal": 12.5},
        "PositionProperties": {"speed": "3"}, **more,
    }  # fmt: skip


@pytest.mark.parametrize("behind", ["", "/tracking/v0/trackers/fleet/positions"])
def test_updates_are_in_the_log(gateway: Gateway, behind: str) -> None:
    phone = gateway.phone()
    aws = {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    reply = gateway.post(f"{AT}/{phone.key}{behind}", {"Updates": [update("its own id")]}, aws)
    assert (reply.status, reply.json) == (200, {"Errors": []})
    (ping,) = gateway.pings(phone.device)
    assert (ping["lon"], ping["lat"], ping["accuracy_m"]) == (8.5417, 47.3769, 12.5)


def test_a_fleet_s_updates_go_to_each_device_and_the_bad_ones_are_listed(gateway: Gateway) -> None:
    one, two = gateway.name(), gateway.name()
    updates = [
        update(one), update(two, SampleTime=now_s()), update(one, Position=[8.5]), update(two, Position=[200, 0]),
        update(one, SampleTime="never"), 7, update(""), update(two, Accuracy=5),
    ]  # fmt: skip
    reply = gateway.post(AT, {"Updates": updates}, bearer(gateway.anyone))
    assert reply.status == 200
    errors = reply.json["Errors"]
    assert [(each["DeviceId"], each["Error"]["Message"].split(";")[0]) for each in errors] == [
        (one, "Position: malformed"), (two, "lon: lon_range"), (one, "SampleTime: time_range"),
        ("", "the update: unreadable"), ("", "device: device_missing"), (two, "Accuracy: malformed"),
    ]  # fmt: skip
    assert {each["Error"]["Code"] for each in errors} == {"ValidationError"}
    assert [len(gateway.pings(name)) for name in (one, two)] == [1, 1]


def test_a_key_for_one_device_does_not_speak_for_a_fleet(gateway: Gateway) -> None:
    phone, other = gateway.phone(), gateway.name()
    reply = gateway.post(AT, {"Updates": [update(phone.device), update(other)]}, bearer(phone.key))
    (error,) = reply.json["Errors"]
    assert (error["DeviceId"], error["Error"]["Code"]) == (other, "AccessDeniedError")
    assert (len(gateway.pings(phone.device)), gateway.pings(other)) == (1, [])
    assert gateway.refusals(phone) == [("device_not_yours", "device")]


def test_another_device_s_place_is_never_taken_for_the_key_s_own_because_its_own_row_can_not_be_read(
    gateway: Gateway,
) -> None:
    phone, other = gateway.phone(), gateway.name()
    updates = [update(phone.device, Position=[8.5]), update(other)]
    reply = gateway.post(AT, {"Updates": updates}, bearer(phone.key))
    assert [(each["DeviceId"], each["Error"]["Code"]) for each in reply.json["Errors"]] == [
        (phone.device, "ValidationError"), (other, "AccessDeniedError"),
    ]  # fmt: skip
    assert gateway.pings(phone.device) == gateway.pings(other) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"Updates": 5}', b"\xff"])
def test_a_body_that_can_not_be_read_is_answered_and_told(gateway: Gateway, body: bytes) -> None:
    phone = gateway.phone()
    reply = gateway.post(f"{AT}/{phone.key}", body)
    assert reply.status == 200
    assert [each["Error"]["Code"] for each in reply.json["Errors"]] == ["ValidationError"]
    assert gateway.refusals(phone) == [("unreadable", "Updates")]
