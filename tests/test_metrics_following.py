"""One ping followed through all roles by its id, as processes at debug level; and what no line of them may have."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker import free_ports
from commands import ROOT, layer, run, square

from catalog import open_catalog, upgrade
from catalog.webhook import Filters
from ingest.status import tell
from ingest.topics import CHANGES
from ingest.tracing import digest
from service.log_lines import logging_to_file
from stream.sqlite import open_log

LON, LAT, OUTSIDE = 12.345678, 48.765432, 212.345678
DEVICE, TRACE = "phone-secret-name", "my-trace_1"
WRONG = "gf_wrongwrong_wrongwrongwrong"


@contextmanager
def role(folder: Path, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A role at debug level, its log as JSON in a file of its name; ended in order."""
    command = [sys.executable, "-m", "service.cli", *words, "--log", f"sqlite:{folder / 'log.db'}"]
    told = {"GEOFENCE_LOG_LEVEL": "debug", "GEOFENCE_LOG_FORMAT": "json", **environment}
    with (folder / words[0]).open("w") as said:
        process = subprocess.Popen(command, cwd=ROOT, stderr=said, text=True, env={**os.environ, **told})
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0, (folder / words[0]).read_text()
        finally:
            process.kill()
            process.wait()


@dataclass
class Story:
    """What was answered and what was written."""

    folder: Path
    key: str
    answers: list[httpx.Response]

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def lines(self, name: str, action: str) -> list[dict[str, Any]]:
        every = [json.loads(line) for line in self.text(name).splitlines() if line.startswith("{")]
        return [line for line in every if line["action"] == action]


def pings(now_ms: int) -> list[dict[str, Any]]:
    """One that is told of, one that can't be."""
    one = {"device": DEVICE, "lat": LAT, "time_ms": now_ms - 1000, "accuracy_m": 5}
    return [{**one, "lon": LON}, {**one, "lon": OUTSIDE}]


def through_the_gateway(folder: Path, catalog: str, key: str) -> list[httpx.Response]:
    """A request with an id, one without, one with an id that is none, one with a key that is none."""
    at = f"127.0.0.1:{free_ports(1)[0]}"
    with role(folder, "gateway", "--listen", at, "--catalog", catalog) as process:
        end = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"http://{at}/health/live", timeout=5)
                break
            except httpx.TransportError:
                assert time.monotonic() < end, process.poll()
                time.sleep(0.05)
        now_ms, answers = time.time_ns() // 1_000_000, []
        for bearer, headers in ((key, {"X-Request-Id": TRACE}), (key, {}), (key, {"X-Request-Id": f"{LON} {key}"}),
                                (WRONG, {"X-Request-Id": WRONG})):  # fmt: skip
            every = {"Authorization": f"Bearer {bearer}", **headers}
            answers.append(httpx.post(f"http://{at}/v1/pings", json=pings(now_ms), headers=every, timeout=10))
        answers.append(httpx.post(f"http://{at}/v1/clients/owntracks/{key}", content=b"{}", timeout=10))
        return answers


async def events_in(folder: Path) -> int:
    async with open_log(folder / "log.db", read_only=True) as log:
        return sum(one.end for one in (await log.standing(CHANGES, group="tests")).values())


def to_the_receiver(folder: Path, catalog: str) -> None:
    """The event, to a receiver that is not there."""
    with open_catalog(catalog) as opened:
        its = {"by": "tests", "now_ms": 1, "marks": [0] * 4}
        opened.webhooks.create(url=f"http://127.0.0.1:{free_ports(1)[0]}/hook", filters=Filters(), **its)
    with role(folder, "webhooks", "--catalog", catalog, "--allow-private-addresses"):
        end = time.monotonic() + 20
        while '"delivery"' not in (folder / "webhooks").read_text():
            assert time.monotonic() < end, (folder / "webhooks").read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("followed")
    catalog = f"sqlite:{folder / 'catalog.db'}"
    upgrade(catalog)
    with open_catalog(catalog) as opened:
        key = opened.keys.create(name="k", scopes=("pings:write",), by="t", now_ms=1)[1]
    answers = through_the_gateway(folder, catalog, key)
    (folder / "town.geojson").write_bytes(layer(a=square(12, 48, 1)))
    with role(folder, "worker", "--regions", str(folder / "town.geojson"), "--until-idle") as working:
        working.wait(30)
    assert asyncio.run(events_in(folder)) == 1
    to_the_receiver(folder, catalog)
    return Story(folder, key, answers)


def test_every_answer_has_an_id_the_client_s_own_where_that_is_sane(story: Story) -> None:
    ids = [answer.headers["x-request-id"] for answer in story.answers]
    assert [answer.status_code for answer in story.answers] == [202, 202, 202, 401, 200]
    assert ids[0] == TRACE
    assert len(set(ids)) == 5
    assert not [one for one in ids if WRONG in one or str(LON) in one]


def test_one_ping_is_followed_by_its_id_from_the_request_to_the_delivery(story: Story) -> None:
    [answered] = [line for line in story.lines("gateway", "answered") if line["request"] == TRACE]
    assert (answered["endpoints"], answered["status"]) == ("pings", 202)
    [taken] = story.lines("worker", "taken")
    assert (taken["request"], taken["device"]) == (TRACE, digest(DEVICE))
    [told] = story.lines("worker", "told")
    assert (told["device"], told["partition"]) == (taken["device"], taken["partition"])
    assert story.lines("webhooks", "delivery")[0]["event"] == told["event"]


def test_every_line_has_an_action_and_no_role_writes_a_place_a_key_or_a_name(story: Story) -> None:
    for name in ("gateway", "worker", "webhooks"):
        lines = [line for line in story.text(name).splitlines() if not line.startswith("geofence: ")]
        assert all(json.loads(line)["action"] for line in lines)
        assert [line for line in lines if json.loads(line)["action"] == "engine"] == []
        for secret in (str(LON), str(LAT), str(OUTSIDE), "12.34", "48.76", story.key, WRONG, DEVICE):
            assert secret not in story.text(name)


def test_lines_that_a_full_disk_does_not_take_are_told_once_and_end_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_file(Path("/dev/full"), {}):
        for _ in range(3):
            tell(logging.INFO, "tried")
    assert capsys.readouterr().err == (
        "geofence: /dev/full takes no more lines: No space left on device. Make room; those until then are left out\n"
    )


def test_a_level_or_a_form_that_there_is_not_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, says in (("LEVEL", "debug, info, warning, error"), ("FORMAT", "text, json")):
        with monkeypatch.context() as patched:
            patched.setenv(f"GEOFENCE_LOG_{name}", "loud")
            done = run("webhooks", "--log", f"sqlite:{tmp_path / 'log.db'}", "--catalog", f"sqlite:{tmp_path / 'c.db'}")
        assert done.status == 2
        assert f"GEOFENCE_LOG_{name} is 'loud'; allowed: {says}" in done.err
