"""The consumers in examples/ that speak HTTP: each, killed, handles every event once; deliveries are checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
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


WAYS = [("python", "stream"), ("python", "pages"), ("typescript", "stream")]


@pytest.fixture(scope="module")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], dict[tuple[str, str], Program]]]:
    """The ids of all events, and the programs that were killed while a gateway told of them, which was killed, too."""
    gateway, its = Embedded(tmp_path_factory.mktemp("told")), dict[tuple[str, str], Program]()
    for way in WAYS:
        with suppress(pytest.skip.Exception):
            its[way] = program(*way, tmp_path_factory.mktemp("own"), **at(gateway, gateway.key("events:read")))
    running = []
    try:
        for begin, end in ((0, CUT), (CUT, 2 * CUT)):
            running = [one.start() for one in its.values()]
            gateway.tell(*map(event, range(begin, end)))
            for one, process in zip(its.values(), running, strict=True):
                one.wait(COUNT, least=end)
                if begin == 0:
                    process.kill()
                    process.wait()
        gateway.kill()
        gateway.start()
        gateway.tell(*map(event, range(2 * CUT, MANY)))
        for one in its.values():
            one.wait(COUNT, least=MANY)
        told = gateway.pages("/v1/events?from=beginning", gateway.key("events:read"), limit=500)
        yield sorted(one["id"] for one in told), its
    finally:
        for process in running:
            process.kill()
            process.wait()
        gateway.stop()


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_program_over_http_that_is_killed_has_handled_every_event_once(
    handled: tuple[list[str], dict[tuple[str, str], Program]], way: tuple[str, str]
) -> None:
    told, programs = handled
    if way not in programs:
        pytest.skip("no Node or no packages; `make test` fetches them, and says why if it can't")
    assert sorted(programs[way].column("SELECT id FROM moved")) == told
    assert sorted(programs[way].column("SELECT id FROM attempts")) == told, "repeated, though positions are kept"
    assert programs[way].column("SELECT count(*) FROM inside") == [7]


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_stream_without_a_right_ends_the_program_with_the_reason(
    gateway_of_module: Embedded, tmp_path: Path, language: str
) -> None:
    its = program(language, "stream", tmp_path, **at(gateway_of_module, "gf_wrong"))
    process = its.start()
    try:
        assert process.wait(90) == 1
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
