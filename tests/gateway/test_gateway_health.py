"""The gateway's health at an address of its own: live, ready or why not, and what it counts."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
from broker import free_ports
from embedded import wait_for
from prometheus_client.parser import text_string_to_metric_families
from served import Served, now_ms, serving

from catalog.secret import new_id, new_key
from ingest.gateway.counts import Answers, Counted, group_of
from ingest.measure import Histogram


class Health:
    """Where a gateway tells how it is."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_ports(1)[0]}"

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(f"http://{self.address}{path}", timeout=10)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Every sample, by its name and the values of its labels."""
        families = text_string_to_metric_families(self.ask("/metrics").text)
        return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def ping(**more: object) -> dict[str, object]:
    return {"device": "p", "lon": 1, "lat": 1, "time_ms": now_ms() - 1000, **more}


def send(gateway: Served) -> None:
    """Four pings of which two are taken, a wrong key, a body that is none, a path that is none."""
    key = gateway.key()
    gateway.post([ping(), ping(), ping(lon=200), ping(lat="north")], key)
    gateway.post(ping(), "gf_wrong")
    gateway.post(b"hello", key)
    for path in ("/v1/clients/owntracks", "/v1/events", "/nothing/here", "/v1/nothing"):
        gateway.ask("GET", path, key)


def test_what_is_done_is_counted_and_told_without_a_key(tmp_path: Path) -> None:
    health = Health()
    with serving(tmp_path, "--health", health.address) as gateway:
        assert health.ask("/health/live").json() == {"live": True}
        ready = health.ask("/health/ready")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        send(gateway)
        found = health.metrics()
        assert found["geofence_gateway_pings_accepted_total",] == 2
        assert found["geofence_gateway_pings_rejected_total", "lon_range"] == 1
        assert found["geofence_gateway_pings_rejected_total", "malformed"] == 1
        requests = {key[1:]: value for key, value in found.items() if key[0] == "geofence_gateway_requests_total"}
        assert requests["pings", "202"] == requests["pings", "401"] == requests["pings", "400"] == 1
        assert requests["events", "403"] == 1
        assert requests["other", "404"] == 2
        assert found["geofence_gateway_append_seconds_count",] == 1
        assert 0 < found["geofence_gateway_append_seconds_sum",] < 5
        assert found["geofence_gateway_append_seconds_bucket", "+Inf"] == 1
        assert found["geofence_gateway_waiting_bytes",] == found["geofence_gateway_streams",] == 0
        assert found["geofence_gateway_keys",] == 1
        assert found["geofence_gateway_catalog_age_seconds",] < 5
        assert gateway.ask("GET", "/metrics", gateway.key("admin")).status_code == 404


def test_open_streams_are_counted_while_they_are_open_and_those_that_were_not_begun(tmp_path: Path) -> None:
    health = Health()
    with serving(tmp_path, "--health", health.address, GEOFENCE_GATEWAY_STREAMS="1") as gateway:
        headers = {"Authorization": f"Bearer {gateway.key('events:read')}"}
        with httpx.stream("GET", f"http://{gateway.address}/v1/events", headers=headers) as stream:
            assert stream.status_code == 200
            wait_for(lambda: health.metrics()["geofence_gateway_streams",] == 1, 5)
            assert gateway.ask("GET", "/v1/events", headers=headers).status_code == 503
        wait_for(lambda: health.metrics()["geofence_gateway_streams",] == 0, 5)
        found = health.metrics()
        assert found["geofence_gateway_streams_opened_total",] == 1
        assert found["geofence_gateway_streams_cut_total", "too_many"] == 1


def test_a_group_of_endpoints_is_one_of_few_whatever_is_asked() -> None:
    assert group_of("/v1/clients/owntracks/gf_secret") == group_of("/api/webhook/gf_secret") == "clients"
    assert group_of("/v1/devices/a/b/c") == "devices"
    assert {group_of(path) for path in ("", "/", "/v1", "/v1/", "/v1/x", "/x/pings", "//v1/pings")} == {"other"}


def test_an_answer_is_counted_once_by_its_status() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 207, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"", "more_body": True})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    async def nothing(*_: object) -> None:
        pass

    answers = Answers()
    asyncio.run(Counted(app, answers)({"type": "http", "path": "/v1/keys"}, nothing, nothing))  # type: ignore[arg-type]
    assert answers.counts == {("keys", 207): 1}
    assert sum(answers.seconds["keys"].counts) == 1


def test_seconds_are_counted_up_to_the_first_bound_that_they_do_not_pass() -> None:
    seconds = Histogram()
    for value in (0.0, 0.001, 0.0011, 10.0, 99.0):
        seconds.add(value)
    assert (seconds.counts[0], seconds.counts[1], seconds.counts[-2], seconds.counts[-1]) == (2, 1, 1, 1)
    assert seconds.sum == 109.0021


def test_a_gateway_whose_catalog_is_away_says_so_and_goes_on_taking_pings(tmp_path: Path) -> None:
    health = Health()
    with serving(tmp_path, "--health", health.address, GEOFENCE_GATEWAY_READY_S="1.2") as gateway:
        key = gateway.key()
        assert gateway.post(ping(), key).status_code == 202
        gateway.rename_table("change", "away")
        wait_for(lambda: health.ask("/health/ready").status_code == 503, 10)
        told = health.ask("/health/ready").json()
        assert (told["ready"], told["log"]["answers"], told["catalog"]["answers"]) == (False, True, False)
        assert gateway.post(ping(), key).status_code == 202
        new = gateway.post(ping(), new_key(new_id())[0])
        assert (new.status_code, new.headers["retry-after"]) == (503, "5"), "nobody can say yet that it is wrong"
        gateway.rename_table("away", "change")
        wait_for(lambda: health.ask("/health/ready").status_code == 200, 10)


def test_a_gateway_whose_log_takes_nothing_says_so_although_it_can_be_read(tmp_path: Path) -> None:
    health = Health()
    with serving(tmp_path, "--health", health.address, GEOFENCE_SQLITE_LOCK_S="0.2") as gateway:
        key = gateway.key()
        assert gateway.post(ping(), key).status_code == 202
        with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert gateway.post(ping(), key).status_code == 503
            told = health.ask("/health/ready")
            log = told.json()["log"]
            assert (told.status_code, log["answers"], log["takes"]) == (503, True, False)
            assert "another program holds a lock" in log["reason"]
        assert gateway.post(ping(), key).status_code == 202
        told = health.ask("/health/ready")
        assert (told.status_code, told.json()["log"]["takes"], told.json()["log"]["reason"]) == (200, True, None)


def test_a_gateway_that_was_refused_once_is_ready_again_after_a_while_so_that_it_is_tried(tmp_path: Path) -> None:
    health = Health()
    more = {"GEOFENCE_SQLITE_LOCK_S": "0.2", "GEOFENCE_GATEWAY_READY_S": "1.2"}
    with serving(tmp_path, "--health", health.address, **more) as gateway:
        with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert gateway.post(ping(), gateway.key()).status_code == 503
        wait_for(lambda: health.ask("/health/ready").status_code == 200, 20)
