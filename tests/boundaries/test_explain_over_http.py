"""`GET /v1/devices/{id}/explain`, by a server whose layers are published: what it says, and what it refuses."""

import asyncio
import io
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from commands import layer, run, square
from matplotlib.image import imread
from town_hall import TownHall

from boundaries.loading import Loader
from catalog import open_catalog
from ingest.gateway.explaining import Question
from ingest.gateway.settings import GatewaySettings
from ingest.settings import WorkerSettings
from service.explainer import Explainers
from web.problem import Problem

PATH = "/v1/devices/stroller/explain"


@pytest.fixture(scope="module")
def stroll(running_hall: TownHall, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The events of a device that has gone from one region of a published layer to the other."""
    file = tmp_path_factory.mktemp("stroll") / "stroll.geojson"
    file.write_bytes(layer(a=square(0, 0, 1), b=square(1, 0, 1)))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in running_hall.environment().items():
            patched.setenv(name, value)
        running_hall.do("upload", "stroll", file, "--create", "partition")
        running_hall.do("publish", "stroll", "1", "--comment", "first", "--yes")
    now_ms = time.time_ns() // 1_000_000
    for k, lon in enumerate(np.linspace(0.99, 1.01, 12)):
        its = {"device": "stroller", "lon": float(lon), "lat": 0.5, "accuracy_m": 10}
        running_hall.ask("/v1/pings", {**its, "time_ms": now_ms - 60_000 * (12 - k), "source": "gps"})
    return running_hall.events("stroll", 2)


def ask(hall: TownHall, path: str, key: str = "", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key or hall.admin}", **more.pop("headers", {})}
    return httpx.get(hall.url + path, headers=headers, timeout=60, **more)


def test_it_says_what_the_command_says(running_hall: TownHall, stroll: list[dict[str, Any]]) -> None:
    folder, event = running_hall.folder, stroll[-1]["id"]
    answered = ask(running_hall, f"{PATH}?event={event}&layer=stroll")
    assert (answered.status_code, answered.headers["cache-control"]) == (200, "no-store")
    found = answered.json()
    assert found["steps"][-1]["told"][-1]["id"] == event
    assert (found["cut_short"], found["notes"]) == ({}, [])
    log, catalog = f"sqlite:{folder / 'log.db'}", f"sqlite:{folder / 'catalog.db'}"
    given = ("stroller", "--log", log, "--catalog", catalog, "--shelf", folder / "atlases", "--layer", "stroll")
    assert json.loads(run("explain", *given, "--event", event, "--json").out) == found
    few = ask(running_hall, f"{PATH}?last=2m&preset=strict&layer=stroll").json()
    assert set(few["presets"]) == {"strict"}
    assert 3 <= len({step["time_ms"] for step in few["steps"]}) <= 5


@pytest.mark.usefixtures("stroll")
def test_it_draws_where_a_picture_is_asked_for(running_hall: TownHall) -> None:
    png = ask(running_hall, f"{PATH}?layer=stroll", headers={"Accept": "image/png"})
    assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
    drawn = imread(io.BytesIO(png.content))[..., :3]
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50
    svg = ask(running_hall, f"{PATH}?layer=stroll&format=svg", headers={"Accept": "application/json"})
    assert (svg.status_code, svg.headers["content-type"]) == (200, "image/svg+xml")
    assert svg.content.startswith(b"<?xml")
    assert b"</svg>" in svg.content


@pytest.mark.usefixtures("stroll")
@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        (f"{PATH}?last=soon", 400, "last is 'soon'; allowed: a whole number and s, m, h or d"),
        (f"{PATH}?at=noon", 400, "at: time is 'noon'"),
        (f"{PATH}?at=2026-01-31T08:15:00Z&last=5m", 400, "at, last and event ask for different parts"),
        (f"{PATH}?layer=moon", 400, "layer is 'moon'; there are "),
        (f"{PATH}?preset=lax", 400, "preset is 'lax'; allowed: "),
        (f"{PATH}?format=gif", 400, "format is 'gif'; allowed: json, svg, png"),
        (f"{PATH}?event={'0' * 300}", 400, "A parameter has 300 characters"),
        ("/v1/devices/nobody/explain", 404, "No track of device 'nobody' is known"),
        ("/v1/devices/a%2Fexplain", 400, "allowed: names that do not end in /explain"),
    ],
)
def test_what_can_not_be_answered_says_why(path: str, status: int, says: str, running_hall: TownHall) -> None:
    answered = ask(running_hall, path)
    assert (answered.status_code, answered.headers["content-type"]) == (status, "application/problem+json")
    assert says in answered.json()["detail"]


@pytest.mark.usefixtures("stroll")
def test_one_at_a_time_is_explained_and_others_are_told_to_come_again(running_hall: TownHall) -> None:
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda _: ask(running_hall, PATH), range(2)))
    assert sorted(one.status_code for one in answers) == [200, 503]
    refused = next(one for one in answers if one.status_code == 503)
    assert int(refused.headers["retry-after"]) > 0
    assert "Another explanation is being made" in refused.json()["detail"]


@pytest.mark.usefixtures("stroll")
@pytest.mark.parametrize(
    ("bound", "says"),
    [
        ({"explain_s": 0.05}, "It took longer than 0.05 s"),
        ({"explain_memory_bytes": 1_000_000}, "can't be explained now"),
    ],
)
def test_what_goes_beyond_its_bounds_is_ended_and_told_to_come_again(
    bound: dict[str, Any], says: str, running_hall: TownHall
) -> None:
    folder = running_hall.folder
    with open_catalog(running_hall.catalog) as catalog:
        settings, loader = GatewaySettings(**bound), Loader(catalog, folder / "atlases")
        explain = Explainers(catalog, loader, f"sqlite:{folder / 'log.db'}", settings, WorkerSettings())
        with pytest.raises(Problem, match=says) as refused:
            asyncio.run(explain(Question(device="stroller", row=None)))
    assert (refused.value.status, int(refused.value.headers["Retry-After"]) > 0) == (503, True)


@pytest.mark.usefixtures("stroll")
def test_a_look_is_noted_before_it_is_shown(running_hall: TownHall) -> None:
    key = running_hall.key("positions:read")
    answered = ask(running_hall, f"{PATH}?event={'0' * 32}", key)
    assert (answered.status_code, answered.json()["title"]) == (404, "Not retained")
    assert "not retained: event 0000" in answered.json()["detail"]
    line = next(one for one in running_hall.ask("/v1/audit")["lines"] if one["action"] == "device.explain")
    assert (line["target"], line["actor"], line["detail"]) == ("stroller", key.split("_")[1], {})


def test_what_was_withdrawn_is_not_explained(running_hall: TownHall) -> None:
    running_hall.ping("leaver", lon=0.3, lat=0.3)
    until = time.monotonic() + 60
    while ask(running_hall, "/v1/devices/leaver").status_code != 200:
        assert time.monotonic() < until
    headers = {"Authorization": f"Bearer {running_hall.admin}"}
    httpx.delete(f"{running_hall.url}/v1/devices/leaver/consent", headers=headers, timeout=20).raise_for_status()
    while ask(running_hall, "/v1/devices/leaver").json()["layers"]:
        assert time.monotonic() < until
    found = ask(running_hall, "/v1/devices/leaver/explain")
    assert (found.status_code, found.json()["title"]) == (404, "Not known")


def test_a_consent_is_said_to_a_server_by_the_command(hall: TownHall) -> None:
    shown = run("consent", "show", "guest", "--json").events
    assert shown == [{"device": "guest", "consent": "nothing", "counts": True}]
    given = run("consent", "give", "guest")
    assert (given.status, given.lines[0].startswith("guest: given, ")) == (0, True), given.err
    assert run("consent", "show", "guest").lines == ["guest: given; its pings are taken"]
    assert json.loads(run("consent", "withdraw", "guest", "--json").out)["consent"] == "withdrawn"
    assert run("consent", "show", "guest").lines == ["guest: withdrawn; its pings are refused"]
    refused = run("consent", "show", "guest", "--server", hall.url.replace("http", "ftp"))
    assert (refused.status, "--server is" in refused.err) == (2, True)


@pytest.mark.usefixtures("stroll")
def test_nobody_is_worked_for_who_has_gone(running_hall: TownHall) -> None:
    head = f"GET {PATH} HTTP/1.1\r\nHost: hall\r\nAuthorization: Bearer {running_hall.admin}\r\n\r\n"
    before, until = running_hall.children, time.monotonic() + 60
    with socket.create_connection(("127.0.0.1", running_hall.port), timeout=60) as asking:
        asking.sendall(head.encode())
        while not (begun := running_hall.children - before):
            assert time.monotonic() < until
            time.sleep(0.01)
        for child in begun:
            os.kill(child, signal.SIGSTOP)  # it would work for as long as it may
    while running_hall.children & begun:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert ask(running_hall, f"{PATH}?layer=stroll").status_code == 200


def test_a_program_that_ends_without_an_answer_is_told_as_that(
    running_hall: TownHall, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_catalog(running_hall.catalog) as catalog:
        loader, log = Loader(catalog, running_hall.folder / "atlases"), f"sqlite:{running_hall.folder / 'log.db'}"
        explain = Explainers(catalog, loader, log, GatewaySettings(), WorkerSettings())
        monkeypatch.setattr("service.explainer.sys.executable", "/bin/true")
        with pytest.raises(Problem, match="ended without an answer") as refused:
            asyncio.run(explain(Question(device="stroller", row=b"x" * 1_000_000)))
    assert refused.value.status == 503
