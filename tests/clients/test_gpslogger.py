"""GPSLogger before the real gateway, with the URL of the documentation, filled in as the app does."""

import re
from urllib.parse import quote, urlencode

import pytest
from commands import ROOT
from phones import Gateway, now_s

TEMPLATE = re.search(r"https://HOST(/v1/clients/gpslogger/KEY\S+)", (ROOT / "docs" / "clients.md").read_text())
VALUES = {"LAT": 47.3769, "LON": 8.5417, "ACC": 12.5, "SPD": 3.5, "PROV": "gps", "AID": "a1b2", "BATT": 80, "ALT": ""}


def url(key: str, **more: object) -> str:
    """The documented URL with a key and values in it."""
    assert TEMPLATE
    values = {**VALUES, "TIMESTAMP": now_s() - 5, **more}
    return re.sub(r"%([A-Z]+)", lambda m: quote(str(values[m[1]])), TEMPLATE[1].replace("KEY", key))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_documented_url_is_in_the_log(gateway: Gateway, method: str) -> None:
    phone, now = gateway.phone(), now_s()
    assert gateway.ask(method, url(phone.key, TIMESTAMP=now)).status == 200
    assert gateway.pings(phone.device) == [
        {
            "device": phone.device, "lon": 8.5417, "lat": 47.3769, "time_ms": now * 1000, "accuracy_m": 12.5,
            "source": "gps", "speed_mps": 3.5,
        }
    ]  # fmt: skip


def test_a_body_template_and_an_iso_time_are_understood(gateway: Gateway) -> None:
    phone = gateway.phone()
    body = urlencode({"lat": 1, "lon": 2, "time": "2999-01-01T00:00:00.000Z", "acc": "", "spd": "%SPD"})
    assert gateway.post(f"/v1/clients/gpslogger/{phone.key}", body.encode()).status == 200
    assert gateway.refusals(phone) == [("time_range", "time_ms")]


def test_a_key_for_all_takes_the_android_id(gateway: Gateway) -> None:
    name = gateway.name()
    assert gateway.ask("GET", url(gateway.anyone, AID=name)).delivered
    assert len(gateway.pings(name)) == 1


def test_what_can_never_be_used_is_delivered_and_told_by_its_reason(gateway: Gateway) -> None:
    phone = gateway.phone()
    for more in ({"LAT": ""}, {"LON": 200}, {"TIMESTAMP": ""}, {"TIMESTAMP": now_s() - 30 * 86_400}):
        assert gateway.ask("GET", url(phone.key, **more)).delivered
    assert gateway.ask("POST", f"/v1/clients/gpslogger/{phone.key}", b"\xff\xfe").delivered
    reasons = [("unreadable", ""), ("time_old", "time_ms"), ("malformed", "timestamp"), ("lon_range", "lon")]
    assert gateway.refusals(phone) == [*reasons, ("malformed", "lat")]
