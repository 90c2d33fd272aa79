"""`DELETE /v1/devices/{id}`: the track, the rows and the keys go; the answer says what remains and until when."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from served import Served, now_ms, serving

from catalog import open_catalog

DAY_MS = 86_400_000
_number = count()


def enrolled(gateway: Served) -> tuple[str, str]:
    """A device that has its key by a code, and a second code that it has not used."""
    name = f"leaver-{next(_number)}"
    answer = gateway.ask("POST", "/v1/enrol", json={"code": _new_code(gateway, name)})
    assert answer.status_code == 201
    _new_code(gateway, name)
    return name, answer.json()["key"]


def _new_code(gateway: Served, name: str) -> str:
    with open_catalog(gateway.catalog_url) as catalog:
        return catalog.devices.add(name, user="u", grants_consent=True, by="tests", now_ms=now_ms())


def ping(device: str) -> dict[str, object]:
    return {"device": device, "lon": 1, "lat": 1, "time_ms": now_ms() - 1000}


def kinds(gateway: Served, device: str) -> list[str]:
    """What is in the log under its name, in order."""
    return [record.get("kind", "ping") for record, _ in gateway.records(device)]


def test_a_device_that_erases_itself_gets_its_answer_and_has_no_key_and_no_row_left(gateway: Served) -> None:
    device, key = enrolled(gateway)
    assert gateway.post(ping(device), key).json()["accepted"] == 1
    before = now_ms()
    answer = gateway.ask("DELETE", f"/v1/devices/{device}", key)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["device"], told["keys_revoked"]) == (device, 1)
    assert before <= told["erased_ms"] <= now_ms()
    assert gateway.post(ping(device), key).status_code == 401
    with open_catalog(gateway.catalog_url) as catalog:
        assert device not in {one.device for one in catalog.devices.list()}
        line = next(line for line in catalog.audit.lines() if line.action == "device.remove")
        assert (line.target, line.detail) == (device, {"keys": 1})
    assert kinds(gateway, device) == ["consent", "ping", "erase", "erase"]


def test_what_remains_is_told_topic_by_topic_until_when(gateway: Served) -> None:
    device, _ = enrolled(gateway)
    told = gateway.ask("DELETE", f"/v1/devices/{device}", gateway.key("admin")).json()
    until = {one["topics"][0]: one["until_ms"] - told["erased_ms"] for one in told["remains"] if "until_ms" in one}
    assert until == {"pings": DAY_MS, "region-changes": 7 * DAY_MS, "pings-rejected": 7 * DAY_MS}
    assert any("tracks" in one.get("topics", ()) for one in told["remains"])


def test_a_code_that_was_not_used_is_worth_nothing_afterwards(gateway: Served) -> None:
    device = "never-came"
    with open_catalog(gateway.catalog_url) as catalog:
        code = catalog.devices.add(device, user=None, grants_consent=False, by="tests", now_ms=now_ms())
    assert gateway.ask("DELETE", f"/v1/devices/{device}", gateway.key("admin")).json()["keys_revoked"] == 0
    assert gateway.ask("POST", "/v1/enrol", json={"code": code}).status_code == 404
    assert kinds(gateway, device) == ["erase"]


def test_erasing_again_changes_nothing_and_is_no_error(gateway: Served) -> None:
    device, _ = enrolled(gateway)
    admin = gateway.key("admin")
    assert gateway.ask("DELETE", f"/v1/devices/{device}", admin).json()["keys_revoked"] == 1
    again = gateway.ask("DELETE", f"/v1/devices/{device}", admin)
    assert (again.status_code, again.json()["keys_revoked"]) == (200, 0)


def test_its_last_refusals_are_forgotten_and_no_other_key_may_erase_it(gateway: Served) -> None:
    device, key = enrolled(gateway)
    other, its_key = enrolled(gateway)
    gateway.post({**ping(device), "lon": 200}, key)
    assert gateway.ask("DELETE", f"/v1/devices/{device}", its_key).status_code == 403
    assert gateway.ask("DELETE", f"/v1/devices/{device}", gateway.key()).status_code == 403
    admin = gateway.key("admin")
    assert len(gateway.ask("GET", f"/v1/devices/{device}/refusals", admin).json()["refusals"]) == 1
    gateway.ask("DELETE", f"/v1/devices/{device}", admin)
    assert gateway.ask("GET", f"/v1/devices/{device}/refusals", admin).json()["refusals"] == []
    assert gateway.post(ping(other), its_key).status_code == 202


def test_where_the_catalog_does_not_answer_the_device_can_try_again_with_its_key(tmp_path: Path) -> None:
    with serving(tmp_path) as gateway:
        device, key = enrolled(gateway)
        gateway.rename_table("enrolment", "away")
        answer = gateway.ask("DELETE", f"/v1/devices/{device}", key)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        gateway.rename_table("away", "enrolment")
        assert gateway.ask("DELETE", f"/v1/devices/{device}", key).json()["keys_revoked"] == 1


def test_what_is_no_name_of_a_device_is_refused_and_nothing_of_it_comes_to_the_log(gateway: Served) -> None:
    admin = gateway.key("admin")
    for path in ("/v1/devices/", f"/v1/devices/{'x' * 257}", "/v1/devices/%00partition", "/v1/devices/a%C2%85b"):
        answer = gateway.ask("DELETE", path, admin)
        assert (answer.status_code, answer.json()["title"]) == (400, "No such device"), path
        assert gateway.ask("PUT", f"{path}/consent", admin).status_code == 400
    assert kinds(gateway, "\0partition") == []
