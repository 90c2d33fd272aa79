"""What all apps' endpoints have in common: who is let in, when a phone keeps its positions, what is never said."""

import gzip
import http.client
import json
import logging
import re
import socket
from pathlib import Path

import pytest
from commands import ROOT
from desk import Desk, desk
from phones import Gateway, Reply, basic, bearer, now_s

from geofence.wire import decode_ping
from ingest.gateway.apps import CLIENTS
from ingest.gateway.settings import GatewaySettings
from stream.port import Unavailable

NAMES = [client.name for client in CLIENTS]
LOCATION = b'{"_type":"location","lat":47.3,"lon":8.5,"acc":5,"tst":%d}'
OWNTRACKS = "/v1/clients/owntracks"


def location() -> bytes:
    """A good message of OwnTracks."""
    return LOCATION % now_s()


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_let_in_without_a_key_that_may_write(gateway: Gateway, name: str) -> None:
    at, wrong = f"/v1/clients/{name}", gateway.anyone[:-1] + "_"
    for path, headers in ((at, {}), (at, bearer(wrong)), (at, basic("jane", wrong)), (f"{at}/{wrong}", {})):
        reply = gateway.post(path, location(), headers)
        assert (reply.status, reply.headers["www-authenticate"].split()[0]) == (401, "Bearer")
        assert reply.headers["content-type"] == "application/problem+json"
    assert gateway.post(f"{at}/{gateway.reader}", location()).status == 403


@pytest.mark.parametrize("name", NAMES)
def test_the_key_is_taken_from_the_path_a_bearer_token_or_basic(gateway: Gateway, name: str) -> None:
    phone, at = gateway.phone(), f"/v1/clients/{name}"
    for path, headers in (
        (at, bearer(phone.key)),
        (at, basic("anybody", phone.key)),
        (f"{at}/{phone.key}", basic("jane", "the wrong one")),
    ):
        assert gateway.post(path, b"{}", headers).status == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_slash_at_the_end_of_the_url_does_no_harm(gateway: Gateway, name: str) -> None:
    phone, at = gateway.phone(), f"/v1/clients/{name}"
    assert gateway.post(f"{at}/{phone.key}/", b"{}").status == 200
    assert gateway.post(f"{at}/", b"{}", bearer(phone.key)).status == 200


def test_every_documented_url_is_answered(gateway: Gateway) -> None:
    phone, text = gateway.phone(), (ROOT / "docs" / "clients.md").read_text()
    urls = {url for url in re.findall(r"https://HOST(/[^\s`;]+)", text) if "refusals" not in url}
    assert len(urls) >= len(NAMES)
    for url in urls:
        at = url.replace("KEY", phone.key).replace("%", "")
        assert gateway.post(at, b"{}", bearer(phone.key)).status == 200, at


@pytest.mark.parametrize("name", NAMES)
def test_a_body_that_is_too_large_or_not_what_it_says_is_delivered_and_told(gateway: Gateway, name: str) -> None:
    phone = gateway.phone()
    at = f"/v1/clients/{name}/{phone.key}"
    bomb = gzip.compress(bytes(60_000_000))
    for body, encoding in ((b"{}", "br"), (b"no gzip", "gzip"), (gzip.compress(b"{}")[:9], "gzip"), (bomb, "gzip")):
        assert gateway.post(at, body, {"Content-Encoding": encoding}).delivered
    assert too_large(gateway, at).startswith(b"HTTP/1.1 200")
    assert [reason for reason, _ in gateway.refusals(phone)] == [
        "body_too_large", "body_too_large", "unreadable", "unreadable", "body_encoding",
    ]  # fmt: skip


def too_large(gateway: Gateway, at: str) -> bytes:
    """The first line of the answer to 6 MB."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as one:
        one.sendall(f"POST {at} HTTP/1.1\r\nHost: x\r\nContent-Length: 6000000\r\n\r\n".encode() + bytes(6_000_000))
        return one.recv(65_536).partition(b"\r\n")[0]


def test_a_key_s_device_and_user_count_whatever_the_app_calls_itself(at_desk: Desk) -> None:
    at_desk.log.values.clear()
    headers = {**basic("x", at_desk.phone.key), "X-Limit-U": "somebody", "X-Limit-D": "else"}
    assert at_desk.ask("POST", OWNTRACKS, location(), headers).delivered
    (ping,) = map(decode_ping, at_desk.log.values)
    assert (ping.device, ping.user) == ("mine", "me")


def test_a_large_body_is_read_like_any_other(at_desk: Desk) -> None:
    at_desk.log.values.clear()
    place = {"geometry": {"type": "Point", "coordinates": [8.5, 47.3]}, "properties": {"timestamp": now_s()}}
    body = json.dumps({"locations": [place] * 8000}).encode()
    assert at_desk.ask("POST", f"/v1/clients/overland/{at_desk.phone.key}", body).json == {"result": "ok"}
    assert (len(body) > 1 << 19, len(at_desk.log.values)) == (True, 8000)


def test_gzip_is_understood(gateway: Gateway) -> None:
    phone = gateway.phone()
    body = gzip.compress(location())
    assert gateway.post(f"{OWNTRACKS}/{phone.key}", body, {"Content-Encoding": "gzip"}).delivered
    assert len(gateway.pings(phone.device)) == 1


# -- trouble on our side -----------------------------------------------------------------------------------------------


def kept_by_the_phone(reply: Reply) -> bool:
    """Whether every app keeps its positions and knows when to come again; at a 4xx OwnTracks on iOS deletes them."""
    return reply.status == 503 and int(reply.headers["retry-after"]) >= 1


BODIES = {
    "owntracks": location(),
    "traccar": b"lat=1&lon=2",
    "overland": b'{"_type":"location","lat":47.3,"lon":8.5,"acc":5,"tst":%d}' % (now_s() - 978_307_200),
    "gpslogger": b"lat=1&lon=2&timestamp=%d" % now_s(),
    "homeassistant": b'{"type":"update_location","data":{"gps":[1,2]}}',
    "amazon": b'{"Updates":[{"DeviceId":"x","Position":[1,2],"SampleTime":%d}]}' % now_s(),
}


@pytest.mark.parametrize("name", NAMES)
def test_while_the_log_does_not_answer_every_app_keeps_its_positions(tmp_path: Path, name: str) -> None:
    with desk(tmp_path) as one:
        at = f"/v1/clients/{name}/{one.phone.key}"
        for trouble in (Unavailable("gone"), TimeoutError()):
            one.log.fails = trouble
            assert kept_by_the_phone(one.ask("POST", at, BODIES[name]))
        one.log.fails = None
        assert one.ask("POST", at, BODIES[name]).delivered
        assert len(one.log.values) == 1


@pytest.mark.parametrize("slow", ["key", "device"])
@pytest.mark.parametrize("name", NAMES)
def test_who_sends_too_much_is_told_to_keep_it_never_429(tmp_path: Path, name: str, slow: str) -> None:
    rates = {f"{slow}_rate": 0.01, f"{slow}_burst": 1.0}
    with desk(tmp_path, GatewaySettings(**rates)) as one:
        at = f"/v1/clients/{name}/{one.phone.key}"
        assert one.ask("POST", at, BODIES[name]).delivered
        assert kept_by_the_phone(one.ask("POST", at, BODIES[name]))


def test_after_too_many_wrong_keys_they_are_to_come_later_and_right_ones_go_on(tmp_path: Path) -> None:
    with desk(tmp_path, GatewaySettings(failures_a_minute=2)) as one:
        statuses = [one.ask("POST", f"{OWNTRACKS}/gf_wrong_key").status for _ in range(3)]
        assert statuses == [401, 401, 503]
        assert one.ask("POST", f"{OWNTRACKS}/{one.phone.key}", location()).delivered


def test_a_slow_sender_is_told_to_come_again(tmp_path: Path) -> None:
    with desk(tmp_path, GatewaySettings(body_s=0.01)) as one:
        one.body_s = 60.0
        assert kept_by_the_phone(one.ask("POST", f"{OWNTRACKS}/{one.phone.key}", location()))


@pytest.mark.parametrize("name", NAMES)
def test_missing_consent_is_delivered_and_told_and_nothing_kept(tmp_path: Path, name: str) -> None:
    with desk(tmp_path, GatewaySettings(consent="required")) as one:
        assert one.ask("POST", f"/v1/clients/{name}/{one.phone.key}", BODIES[name]).delivered
        assert one.log.values == []
        told = one.ask("GET", f"/v1/devices/{one.phone.device}/refusals", headers=bearer(one.phone.key)).json
        assert [refusal["reason"] for refusal in told["refusals"]] == ["no_consent"]


# -- what is never said ------------------------------------------------------------------------------------------------


def test_a_key_in_a_path_is_in_nothing_that_the_process_prints(gateway: Gateway) -> None:
    phone = gateway.phone()
    for name in NAMES:
        for key in (phone.key, gateway.reader):
            gateway.post(f"/v1/clients/{name}/{key}", location())
            gateway.ask("DELETE", f"/v1/clients/{name}/{key}")
            gateway.ask("GET", f"/v1/clients/{name}/{key}/nothing")
    gateway.post(f"{OWNTRACKS}/{phone.key[:-1]}_", location())
    for raw in (f"POST {OWNTRACKS}/{phone.key} HTTP/9.9\r\n\r\n", f"{phone.key}\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as one:
            one.sendall(raw.encode())
            one.recv(1000)
    cut = http.client.HTTPConnection("127.0.0.1", gateway.port)
    cut.putrequest("POST", f"{OWNTRACKS}/{phone.key}")
    cut.putheader("Content-Length", "100")
    cut.endheaders(b"{")
    cut.close()
    printed = gateway.output.read_text()
    assert "listening" in printed
    assert not [key for key in (phone.key, gateway.reader, gateway.anyone) if key[14:-1] in printed]


def test_nor_is_it_in_the_log_of_an_error_that_nobody_foresaw(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("ingest.gateway.intake.encode_records", fail)
    with desk(tmp_path) as one:
        with pytest.raises(RuntimeError, match="unforeseen"):
            one.ask("POST", f"{OWNTRACKS}/{one.phone.key}", location())
        assert "unforeseen" in caplog.text
        assert one.phone.key[14:-1] not in caplog.text


def test_no_answer_and_no_refusal_tells_a_place(gateway: Gateway) -> None:
    phone = gateway.phone()
    row = {"DeviceId": "x", "Position": [8.123457, 95.123457], "SampleTime": now_s()}
    reply = gateway.post(f"/v1/clients/amazon/{phone.key}", {"Updates": [row]})
    gateway.post(f"{OWNTRACKS}/{phone.key}", b'{"_type":"location","lat":95.123457,"lon":8.123457,"tst":%d}' % now_s())
    told = gateway.ask("GET", f"/v1/devices/{phone.device}/refusals", headers=bearer(phone.key))
    assert len(told.json["refusals"]) == 2
    assert b"123457" not in reply.body + told.body
