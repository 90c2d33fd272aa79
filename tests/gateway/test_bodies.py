"""Bodies: what is cut short is never taken as whole, and neither one nor all of them together take what they like."""

from __future__ import annotations

import gzip
import os
import socket
import time
from pathlib import Path

import msgspec
import pytest
import zstandard
from served import Served, now_ms, serving

from web.unpacking import NotWhole, TooLarge, unpack

PLAIN = os.urandom(200_000) + b"x" * 300_000


def lines(many: int) -> bytes:
    ping = {"lon": 8.5, "lat": 47.4, "time_ms": now_ms() - 1000}
    return b"\n".join(msgspec.json.encode({**ping, "device": f"cut-{number}"}) for number in range(many))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_several_members_are_one_body_and_any_that_is_cut_short_is_none(pack) -> None:
    encoding, one = pack.__module__.removesuffix("andard"), pack(PLAIN)
    assert unpack(one + pack(b"") + pack(b"tail"), encoding, 1_000_000) == PLAIN + b"tail"
    assert unpack(b"", encoding, 10) == b""
    for cut in (1, 3, 9, len(one) // 2, len(one) - 5):
        for before in (b"", pack(b"first")):
            with pytest.raises(NotWhole):
                unpack(before + one[:-cut], encoding, 1_000_000)
    with pytest.raises(NotWhole):
        unpack(one + b"not packed at all", encoding, 1_000_000)
    with pytest.raises(TooLarge):
        unpack(one, encoding, len(PLAIN) - 1)


def test_members_without_number_cost_no_more_than_their_bytes() -> None:
    began = time.process_time()
    assert unpack(gzip.compress(b"a", 1) * 200_000, "gzip", 1_000_000) == b"a" * 200_000
    assert time.process_time() - began < 10  # about 1; a copy of all the rest for each would be minutes


def test_pings_in_a_body_that_was_cut_short_are_not_taken(gateway: Served) -> None:
    frames = b"".join(zstandard.ZstdCompressor().compress(lines(1) + b"\n" * 200_000) for _ in range(2))
    answer = gateway.post(frames[:-6], gateway.key(), headers={"Content-Encoding": "zstd"})
    assert (answer.status_code, answer.json()["title"]) == (400, "Can't be decompressed")
    assert gateway.records("cut-0") == []


def test_lines_without_number_are_refused_before_they_take_memory(gateway: Served) -> None:
    packed = gzip.compress(lines(1) + b"\n" * 40_000_000 + lines(1))
    answer = gateway.post(packed, gateway.key(), headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["title"]) == (413, "Too many")


def test_who_shows_a_code_alone_may_send_no_more_than_one(gateway: Served) -> None:
    assert gateway.ask("POST", "/v1/enrol", content=b'{"code": "x"' + b" " * 1000 + b"}").status_code == 413
    packed = gateway.ask("POST", "/v1/enrol", content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415


def test_beyond_what_all_bodies_may_take_who_sends_is_told_to_come_again_and_nothing_is_lost(tmp_path: Path) -> None:
    settings = {"GEOFENCE_GATEWAY_BODIES_BYTES": "300000", "GEOFENCE_GATEWAY_BODY_BYTES": "300000"}
    with serving(tmp_path, **settings, GEOFENCE_GATEWAY_PLAIN_BYTES="300000") as gateway:
        key = gateway.key()
        host, port = gateway.address.split(":")
        head = f"POST /v1/pings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 200000\r\n\r\n"
        body = lines(1) + b" " * 150_000
        with socket.create_connection((host, int(port)), 10) as held:
            held.sendall(head.encode() + b" " * 199_000)
            time.sleep(0.3)
            for path in ("/v1/pings", f"/v1/clients/overland/{key}"):
                answer = gateway.ask("POST", path, key, content=body)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), path
            packed = gateway.post(gzip.compress(body), key, headers={"Content-Encoding": "gzip"})
            assert packed.status_code == 503
            held.sendall(b" " * 1000)
            assert held.recv(100).startswith(b"HTTP/1.1 400 ")
        assert [gateway.post(body, key).status_code for _ in "12"] == [202, 202]


def test_a_limit_of_one_body_beyond_that_of_all_stops_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"plain_bytes is 50000000; allowed: up to bodies_bytes, 9000000"),
        serving(tmp_path, GEOFENCE_GATEWAY_BODIES_BYTES="9000000"),
    ):
        raise AssertionError
