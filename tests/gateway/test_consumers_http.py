"""The consumers in examples/ that speak HTTP: each, killed, handles every event once; deliveries are checked."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from broker import free_ports
from commands import run
from consuming import Program, built, stop
from embedded import Embedded, wait_for

from ingest.webhooks.signature import signed_headers

COUNT = "SELECT count(*) FROM moved"
MANY, CUT = 60, 20
SECRET = "whsec_c2VjcmV0LW9mLXRlc3Rz"  # noqa: S105


def event(number: int) -> tuple[str, str, int]:
    """One of many, of a few devices."""
    return f"d{number % 7}", "ab"[number % 2], number


def program(language: str, name: str, folder: Path, **words: str) -> Program:
    """One of the examples."""
    return Program(built(language, folder)(name), folder / "own.db", words)


def at(gateway: Embedded, key: str) -> dict[str, str]:
    """Where a program finds the gateway."""
    return {"GEOFENCE": f"http://127.0.0.1:{gateway.port}", "KEY": key, "PAUSE_S": "0.1"}


@pytest.mark.parametrize(("language", "name"), [("python", "stream"), ("typescript", "stream"), ("python", "pages")])
def test_a_program_over_http_that_is_killed_has_handled_every_event_once(
    embedded: type[Embedded], tmp_path: Path, language: str, name: str
) -> None:
    gateway = embedded()
    its = program(language, name, tmp_path, **at(gateway, gateway.key("events:read")))
    first, second = its.start(), None
    try:
        gateway.tell(*map(event, range(CUT)))
        its.wait(COUNT, least=CUT)
        first.kill()
        gateway.tell(*map(event, range(CUT, 2 * CUT)))
        second = its.start()
        its.wait(COUNT, least=2 * CUT)
        gateway.kill()
        gateway.start()
        gateway.tell(*map(event, range(2 * CUT, MANY)))
        its.wait(COUNT, least=MANY)
    finally:
        for process in (first, second):
            if process:
                process.kill()
                process.wait()
    told = sorted(
        one["id"] for one in gateway.pages("/v1/events?from=beginning", gateway.key("events:read"), limit=500)
    )
    assert sorted(its.column("SELECT id FROM moved")) == told
    assert sorted(its.column("SELECT id FROM attempts")) == told, "repeated, though positions are kept"
    assert its.column("SELECT count(*) FROM inside") == [7]


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_stream_without_a_right_ends_the_program_with_the_reason(
    gateway_of_module: Embedded, tmp_path: Path, language: str
) -> None:
    its = program(language, "stream", tmp_path, **at(gateway_of_module, "gf_wrong"))
    process = its.start()
    try:
        assert process.wait(40) == 1
    finally:
        process.kill()
    assert "key" in its.said.read_text()


def test_a_receiver_takes_each_delivery_once_and_none_that_is_not_ours(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    its = program("typescript", "webhook", tmp_path, SECRET=SECRET, PORT=str(port))
    process, now_s = its.start(), int(time.time())
    body = run("demo", "events", "--scenario", "move").out.splitlines()[0]

    def deliver(secret: str = SECRET, sent_s: int = now_s, sent: bytes = body) -> int:
        headers = signed_headers([secret], "one", sent_s, body)
        return httpx.post(f"http://127.0.0.1:{port}/hook", content=sent, headers=headers, timeout=20).status_code

    try:
        wait_for(lambda: "listening" in its.said.read_text())
        assert [deliver(), deliver()] == [204, 204]
        assert deliver(secret="whsec_c29tZWJvZHkgZWxzZQ==") == 401
        assert deliver(sent_s=now_s - 3600) == 401
        assert deliver(sent=body.replace(b"west", b"east")) == 401
        assert stop(process) == 0
    finally:
        process.kill()
    assert its.column("SELECT went_to FROM moved") == ["west"]
    assert len(its.column("SELECT id FROM attempts")) == 2
