"""Region files over real HTTP to the real gateway: slow ones, broken ones, none that costs pings their place."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from served import Served, now_ms, serving

BODY_S = 1.0
SETTINGS = {"GEOFENCE_GATEWAY_BODY_S": str(BODY_S), "GEOFENCE_GATEWAY_BODY_BYTES": "100000",
            "GEOFENCE_GATEWAY_PLAIN_BYTES": "100000", "GEOFENCE_GATEWAY_BODIES_BYTES": "100000"}  # fmt: skip
STRETCH = bytes(1 << 16)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("files"), **SETTINGS) as one:
        assert one.ask("POST", "/v1/layers", admin(one), json={"name": "town"}).status_code == 201
        yield one


def admin(gateway: Served) -> str:
    return gateway.key("boundaries:read", "boundaries:write")


def begun(gateway: Served, size: int) -> socket.socket:
    """A connection on which a file of so many bytes is about to be sent."""
    host, _, port = gateway.address.partition(":")
    connection = socket.create_connection((host, int(port)), 20)
    head = (
        "POST /v1/layers/town/versions?file=a.geojson HTTP/1.1", "Host: x", "Connection: close",
        f"Authorization: Bearer {admin(gateway)}", f"Content-Length: {size}", "", "",
    )  # fmt: skip
    connection.sendall("\r\n".join(head).encode())
    return connection


def versions(gateway: Served) -> list[dict[str, object]]:
    found: list[dict[str, object]] = gateway.ask("GET", "/v1/layers/town/versions", admin(gateway)).json()["versions"]
    return found


def test_a_large_file_may_take_longer_than_other_bodies_and_pings_go_on_meanwhile(gateway: Served) -> None:
    many, key = 24, gateway.key()
    with begun(gateway, many * len(STRETCH)) as connection:
        began = time.monotonic()
        for number in range(many):
            connection.sendall(STRETCH)
            if number % 6 == 0:
                ping = {"device": "phone", "lon": 1, "lat": 1, "time_ms": now_ms() - 1000}
                assert gateway.post(ping, key).status_code == 202
            time.sleep(3 * BODY_S / many)
        head, _, body = b"".join(iter(lambda: connection.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert time.monotonic() - began > 3 * BODY_S
    assert head.startswith(b"HTTP/1.1 202 "), head
    made = json.loads(body)
    assert made["upload"]["size"] == many * len(STRETCH) > 10 * int(SETTINGS["GEOFENCE_GATEWAY_BODIES_BYTES"])
    assert b"location: /v1/jobs/" + made["job"]["id"].encode() in head.lower()
    assert gateway.ask("GET", f"/v1/jobs/{made['job']['id']}", admin(gateway)).json()["kind"] == "check"


def test_a_file_whose_sender_goes_is_no_version(gateway: Served) -> None:
    before = versions(gateway)
    with begun(gateway, 4 * len(STRETCH)) as connection:
        connection.sendall(STRETCH * 3)
        time.sleep(0.2)
    time.sleep(0.3)
    assert versions(gateway) == before


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(gateway: Served) -> None:
    with begun(gateway, 200_000_001) as connection:
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"200000000" in answer


def test_who_may_not_write_is_refused_before_the_file_is_sent(gateway: Served) -> None:
    answer = gateway.ask("POST", "/v1/layers/town/versions?file=a", gateway.key("boundaries:read"), content=b"{}")
    assert answer.status_code == 403
