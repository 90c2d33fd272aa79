"""Servers that refuse, are away, ask to come again, or are none of ours; and waiting for what takes long."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from broker import free_ports
from commands import run
from town_hall import TownHall

from service import boundary_jobs, boundary_server
from service.boundary_jobs import followed, put_in_force
from service.boundary_server import BoundaryServer
from service.source import Unusable

URL = "http://server"
JOB = {"id": "j1", "kind": "check", "layer": "town", "version": 1, "state": "running", "stage": "reading", "done": 1}
PUBLICATION = {"layer": "town", "number": 2, "version": 3, "replaces": 1, "at_ms": 0, "created_ms": 0, "reason": None}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; how long they would have."""
    waited: list[float] = []
    for module in (boundary_server, boundary_jobs):
        monkeypatch.setattr(module.time, "sleep", waited.append)
    return waited


def server(answer: Callable[[httpx.Request], httpx.Response]) -> BoundaryServer:
    return BoundaryServer(URL, "gf_secret", transport=httpx.MockTransport(answer))


def answers(*those: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    """These, one after the other."""
    left = list(those)

    def answer(_: httpx.Request) -> httpx.Response:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return answer


def problem(status: int, **headers: str) -> httpx.Response:
    told = {"title": "Not now", "detail": "Try again."}
    return httpx.Response(
        status, headers={"content-type": "application/problem+json", **headers}, content=json.dumps(told)
    )


def test_who_is_asked_to_come_again_comes_again_when_it_was_said(waits: list[float]) -> None:
    there = server(answers(problem(503, **{"retry-after": "7"}), problem(429), httpx.Response(200, json={"a": 1})))
    assert there.get("layers") == {"a": 1}
    assert waits == [7.0, 1.0]


def test_a_server_that_goes_on_asking_to_come_again_is_told_in_its_own_words(waits: list[float]) -> None:
    with pytest.raises(Unusable, match=r"^Not now: Try again\.$"):
        server(lambda _: problem(503)).post("layers", body={})
    assert len(waits) == 5


def test_a_file_is_sent_again_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "regions.zip"
    path.write_bytes(bytes(range(256)) * 3000)
    bodies, sizes = [], []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return problem(503) if len(bodies) == 1 else httpx.Response(202, json={})

    server(answer).upload(path, "layers", query={"file": "ü"}, sent=sizes.append)
    assert bodies == [path.read_bytes()] * 2
    assert sizes[-1] == 768_000
    assert sizes.count(0) == 2


def test_what_changes_something_is_not_done_twice_where_no_answer_came() -> None:
    asked = []

    def gone(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ReadError("gone")

    with pytest.raises(Unusable, match=r"does not answer: gone\. Check --server"):
        server(gone).post("layers", body={})
    assert len(asked) == 1


def test_what_is_only_looked_at_is_asked_again() -> None:
    assert server(answers(httpx.ConnectError("no"), httpx.Response(200, json=[]))).get("layers") == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(502, html="<p>nginx"), "502 Bad Gateway: This is no answer of geofence"),
        (httpx.Response(200, html="<p>hello"), "200 OK: The answer is no JSON"),
        (httpx.Response(308, headers={"location": "https://other/"}), "sends on to https://other/"),
    ],
)
def test_a_server_that_is_none_of_ours_is_told(answer: httpx.Response, said: str) -> None:
    with pytest.raises(Unusable, match=said) as refused:
        server(answers(answer)).get("layers")
    assert "gf_secret" not in str(refused.value)


def test_names_can_t_leave_their_place_in_a_path() -> None:
    paths = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={})

    server(answer).get("layers", "../keys?x=1", "versions", 1)
    assert paths == [b"/v1/layers/..%2Fkeys%3Fx%3D1/versions/1"]


@pytest.mark.parametrize("cancel", [False, True])
def test_who_stops_waiting_leaves_the_job_or_cancels_it(cancel: bool, capsys: pytest.CaptureFixture[str]) -> None:
    methods = []

    def answer(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        if len(methods) == 2:
            raise KeyboardInterrupt
        return httpx.Response(200, json={**JOB, "total": None})

    with pytest.raises(KeyboardInterrupt):
        followed(server(answer), JOB, "the check of town/1", cancel=cancel)
    assert methods == (["GET", "GET", "DELETE"] if cancel else ["GET", "GET"])
    told = capsys.readouterr().err
    assert ("cancelled" in told) if cancel else ("goes on without you" in told and "boundaries jobs j1" in told)


def test_a_job_that_fails_says_why() -> None:
    there = server(answers(httpx.Response(200, json={**JOB, "state": "failed", "reason": "No such layer."})))
    with pytest.raises(Unusable, match=r"the job has failed\. No such layer\."):
        followed(there, JOB, "the check", cancel=False)


def test_a_publication_that_fails_says_why_and_what_is_in_force() -> None:
    its = {**PUBLICATION, "state": "failed", "reason": "worker w1 can't load it."}
    with pytest.raises(Unusable, match=r"failed\. worker w1 can't load it\. What was in force before still is"):
        put_in_force(server(answers(httpx.Response(200, json=its))), PUBLICATION, within_s=9)


def test_a_publication_that_no_worker_takes_is_left_to_go_on() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        state = {"in_force": []}
        return httpx.Response(
            200, json={**PUBLICATION, "state": "sent"} if "publications" in str(request.url) else state
        )

    with pytest.raises(Unusable, match=r"in force on no partition so far\. It goes on"):
        put_in_force(server(answer), PUBLICATION, within_s=0)


def test_a_server_that_is_away_is_one_line_and_status_2(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text("{}")
    key = tmp_path / "key"
    key.write_text("gf_x\n")
    away = f"http://127.0.0.1:{free_ports(1)[0]}"
    done = run("boundaries", "upload", "town", path, "--server", away, "--key-file", key)
    assert done.status == 2
    assert done.err.startswith(f"geofence: {away} does not answer:")
    assert done.err.count("\n") == 1


def test_a_key_that_is_wrong_or_may_not_is_told_by_the_server(hall: TownHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOFENCE_KEY", "gf_aaaaaaaaaa_bbbbbbbb")
    assert hall.do("layers", status=2).err.startswith("geofence: Not let in: The key is wrong.")
    monkeypatch.setenv("GEOFENCE_KEY", hall.key("boundaries:read"))
    hall.do("layers")
    assert (
        "needs the scope boundaries:write"
        in hall.do("upload", "nobodys", __file__, "--create", "overlay", status=2).err
    )


def test_without_a_server_or_a_key_it_is_said_how_to_name_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEOFENCE_SERVER", "GEOFENCE_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert "--server URL, or GEOFENCE_SERVER" in run("boundaries", "layers").err
    assert "GEOFENCE_KEY has no key" in run("boundaries", "layers", "--server", URL).err
    monkeypatch.setenv("GEOFENCE_KEY", "gf_x")
    assert "allowed: http://HOST:PORT" in run("boundaries", "layers", "--server", "server:80").err
