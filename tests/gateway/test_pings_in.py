"""Pings over HTTP: what is accepted is in the log, every other is listed with its reason, nothing costs the rest."""

from __future__ import annotations

import gzip
import json
import time
from itertools import count

import httpx
import pytest
import zstandard
from served import Served, now_ms

HOUR_MS = 3_600_000
SOON, LATELY = "at most 5 min after it was received", "at most 604800 s before it is received"
_number = count()


@pytest.fixture
def device() -> str:
    """A name that nobody else has."""
    return f"phone-{next(_number)}"


@pytest.fixture(scope="session")
def key(gateway: Served) -> str:
    """A key of no device in particular."""
    return gateway.key()


def ping(device: str, **more: object) -> dict[str, object]:
    return {"device": device, "lon": 8.5, "lat": 47.4, "time_ms": now_ms() - 1000, "accuracy_m": 12, **more}


def test_what_is_accepted_is_in_the_log_at_the_time_it_was_received(gateway: Served, key: str, device: str) -> None:
    before = now_ms()
    answer = gateway.post(ping(device, source="gps", user="u", speed_mps=1.5, mock=True, battery=0.5), key)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    [(record, time_ms)] = gateway.records(device)
    assert before <= time_ms <= now_ms()
    assert record["received_ms"] == time_ms
    assert {"source": "gps", "user": "u", "speed_mps": 1.5, "mock": True, "accuracy_m": 12.0}.items() <= record.items()
    assert "battery" not in record


FORMS = {
    "an array": lambda pings: json.dumps(pings).encode(),
    "an array over lines": lambda pings: json.dumps(pings, indent=2).encode(),
    "one a line": lambda pings: "\n".join(map(json.dumps, pings)).encode() + b"\r\n\r\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_every_form_and_encoding_brings_the_same(
    gateway: Served, key: str, device: str, form: str, encoding: str
) -> None:
    pack = {"identity": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[encoding]
    body = FORMS[form]([ping(device, lon=number) for number in range(5)])
    answer = gateway.post(pack(body), key, headers={"Content-Encoding": encoding})
    assert answer.json() == {"accepted": 5, "rejected": []}
    assert [record["lon"] for record, _ in gateway.records(device)] == [0, 1, 2, 3, 4]


def test_one_object_over_several_lines_is_one_ping(gateway: Served, key: str, device: str) -> None:
    assert gateway.post(json.dumps(ping(device), indent=1).encode(), key).json()["accepted"] == 1


BAD = {
    "lon": (ping("", lon=200), "lon", 200.0, "lon_range", "-180 to 180 degrees"),
    "text": (ping("", lat="47"), "lat", '"47"', "malformed", "a number, -90 to 90 degrees"),
    "missing": ({"lon": 1, "lat": 1}, "device", None, "malformed", "text in UTF-8, 1 to 256 bytes"),
    "source": (ping("", source="sonar"), "source", None, "malformed", None),
    "future": (ping("", time_ms=now_ms() + HOUR_MS), "time_ms", ..., "time_future", SOON),
    "old": (ping("", time_ms=now_ms() - 200 * HOUR_MS), "time_ms", ..., "time_old", LATELY),
    "seconds": (ping("", time_ms=1_760_000_000), "time_ms", 1_760_000_000, "time_old", ...),
    "newer": (ping("", v=2), "", None, "version_newer", ...),
    "no object": ([1], "", None, "malformed", ...),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_ping_is_listed_with_its_reason_and_costs_the_others_nothing(
    gateway: Served, key: str, device: str, name: str
) -> None:
    bad, field, value, reason, allowed = BAD[name]
    if isinstance(bad, dict) and "device" in bad:
        bad = {**bad, "device": device}
    answer = gateway.post([ping(device), bad, ping(device)], key)
    assert answer.status_code == 202
    [one] = answer.json()["rejected"]
    assert answer.json()["accepted"] == 2
    assert (one["index"], one["reason"]) == (1, reason)
    if name != "source":
        assert one["field"] == field
        assert value is ... or one["value"] == value
    assert allowed in (..., None) or one["allowed"] == allowed
    assert len(gateway.records(device)) == 2


def test_pings_are_appended_oldest_first_whatever_their_order_in_the_request(
    gateway: Served, key: str, device: str
) -> None:
    now = now_ms()
    gateway.post([ping(device, time_ms=now - ago) for ago in (1000, 5000, 3000, 4000, 2000)], key)
    times = [record["time_ms"] for record, _ in gateway.records(device)]
    assert times == sorted(times)


@pytest.mark.parametrize("body", [b"", b"hello", b"[1,", b'"text"', b"[" * 100_000, b"\xff\xfe[\x00"])
def test_a_body_without_pings_is_one_clear_answer(gateway: Served, key: str, body: bytes) -> None:
    answer = gateway.post(body, key)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "allowed: a ping as a JSON object" in answer.json()["detail"]


def test_a_body_that_is_too_large_or_a_bomb_is_cut_off_early(gateway: Served, key: str) -> None:
    assert gateway.post(b"[" + b" " * 5_000_001, key).status_code == 413
    began = time.monotonic()
    bomb = gzip.compress(gzip.compress(b" " * 500_000_000))
    for packed in (gzip.decompress(bomb), zstandard.compress(b" " * 200_000_000)):
        encoding = "gzip" if packed[:2] == b"\x1f\x8b" else "zstd"
        answer = gateway.post(packed, key, headers={"Content-Encoding": encoding})
        assert answer.status_code == 413
        assert "decompressed" in answer.json()["detail"]
    assert time.monotonic() - began < 20


def test_pieces_without_number_are_refused_before_they_take_memory(gateway: Served, key: str) -> None:
    packed = gzip.compress(b"[" + b"1," * 20_000_000 + b"1]")
    answer = gateway.post(packed, key, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert "more than 10000 pings" in answer.json()["detail"]


def test_what_can_not_be_decompressed_is_told(gateway: Served, key: str) -> None:
    for encoding, body, status in (
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(b"[]")[:-3], 400),
        ("zstd", b"no zstd", 400),
        ("br", b"[]", 415),
    ):
        answer = gateway.post(body, key, headers={"Content-Encoding": encoding})
        assert answer.status_code == status, (encoding, answer.text)


def test_a_body_of_unknown_length_is_bounded_too(gateway: Served, key: str) -> None:
    def long():
        for _ in range(2000):
            yield b" " * 65_536

    try:
        status = gateway.ask("POST", "/v1/pings", key, content=long()).status_code
    except httpx.TransportError:
        status = 413  # it was answered and hung up on
    assert status == 413


def test_a_batch_that_is_sent_twice_is_accepted_twice(gateway: Served, key: str, device: str) -> None:
    batch = [ping(device, lon=number) for number in range(3)]
    assert gateway.post(batch, key).json() == gateway.post(batch, key).json() == {"accepted": 3, "rejected": []}
