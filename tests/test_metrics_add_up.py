"""What comes in is what comes out: a gateway and a worker on one log, thousands of pings of every kind, all counted."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker import free_ports
from prometheus_client.parser import text_string_to_metric_families
from worlds import PLACES, overlay, partition

from catalog import open_catalog, upgrade
from geofence.hysteresis import BALANCED
from ingest.counting import OUTCOMES_TOLD
from ingest.disk import DiskMetrics
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.health import worker_health
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.topics import PINGS, topics
from ingest.worker import work
from service.fences import fixed_fences
from service.http import serving
from service.metrics_page import measures
from stream.port import Record
from stream.sqlite import SqliteLog, open_log

PARTITIONS, BURST = 3, 600
Samples = dict[tuple[str, ...], float]


@dataclass
class Run:
    """Both roles, and how to ask them."""

    log: SqliteLog
    at: str
    gateway_health: str
    worker_health: str
    headers: dict[str, str]

    async def post(self, pings: object, path: str = "/v1/pings") -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.post(self.at + path, json=pings, headers=self.headers, timeout=20)

    async def put(self, path: str, *, consent: bool) -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.request("PUT" if consent else "DELETE", self.at + path, headers=self.headers)
            assert answer.is_success, answer.text


@asynccontextmanager
async def both(folder: Path) -> AsyncIterator[Run]:
    """A gateway and a worker on one embedded log, each with its health."""
    ports = [f"127.0.0.1:{port}" for port in free_ports(3)]
    url, status, stop, settings = f"sqlite:{folder / 'catalog.db'}", Status(), asyncio.Event(), WorkerSettings()
    upgrade(url)
    rule = replace(BALANCED, ignore_worse_than_m=2000.0)
    versions = [partition(rule=rule), overlay(rule=rule)]
    with open_catalog(url) as catalog:
        key = catalog.keys.create(name="t", scopes=("admin",), by="t", now_ms=1)[1]
        async with open_log(folder / "log.db") as log:
            await log.create(topics(PARTITIONS))
            limits = GatewaySettings(device_rate=0.001, device_burst=BURST)
            working = asyncio.create_task(work(log, fixed_fences(versions, settings, "rtree"), settings, status, stop))
            async with (
                gateway_app(log, catalog, limits) as gateway,
                serving(gateway.app, ports[0]),
                serving(gateway.health, ports[1]),
                serving(worker_health(status, DiskMetrics(folder / "log.db")), ports[2]),
            ):
                yield Run(log, *(f"http://{port}" for port in ports), {"Authorization": f"Bearer {key}"})
            stop.set()
            await working


async def metrics(at: str) -> Samples:
    """Every sample, by its name and the values of its labels."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{at}/metrics", timeout=10)).text
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def total(found: Samples, name: str) -> float:
    return sum(value for key, value in found.items() if key[0] == name)


def walkers(chance: random.Random, now_ms: int) -> list[dict[str, Any]]:
    """Pings as phones send them: good ones, coarse ones, late and repeated ones, jumps; some that can't be."""
    pings: list[dict[str, Any]] = []
    for number in range(60):
        time_ms, place = now_ms - 7_200_000, "A"
        for _ in range(45):
            time_ms += chance.choice((0, 5_000, 60_000, 60_000))
            place = chance.choice(("A", "a", "b", "B", "B", "C", "N", place, place, place, "far"))
            lon, lat = PLACES[place]
            one = {"device": f"d{number}", "lon": lon, "lat": lat, "accuracy_m": chance.choice((10, 30, 200, 9000))}
            back = chance.random() < 0.05
            pings.append({**one, "time_ms": time_ms - (600_000 if back else 0), **chance.choice(ODD)})
    return pings


ODD: list[dict[str, Any]] = [{}] * 40 + [{"lon": 200}, {"time_ms": 5}, {"lat": "north"}, {"device": ""}]


async def others(log: SqliteLog) -> tuple[int, int]:
    """What others than the gateway put into the log: pings, controls; none of which can be used."""
    control = (("kind", b"consent"),)
    pings = [Record(b"x", b"hello"), Record(b"x", None), Record(b"x", b" " * 70_000)]
    pings.append(Record(b"x", json.dumps({"device": "y", "lon": 1, "lat": 1, "time_ms": 1}).encode()))
    await log.append(PINGS, [*pings, Record(b"x", b"no json", control), Record(b"x", b"{}", control)])
    return len(pings), 2


async def caught_up(run: Run, records: int) -> Samples:
    end = time.monotonic() + 20
    while total(found := await metrics(run.worker_health), "geofence_worker_records_total") < records:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.05)
    return found


@dataclass
class Story:
    """What was done, and what was told after it."""

    posted: int
    accepted: int
    rejected: int
    put_off: int
    foreign: tuple[int, int]
    gateway: Samples
    worker: Samples


async def tell(folder: Path) -> Story:
    chance, now_ms = random.Random(7), time.time_ns() // 1_000_000
    posted = accepted = rejected = 0
    async with both(folder) as run:
        await run.put("/v1/devices/d1/consent", consent=True)
        await run.put("/v1/devices/d2/consent", consent=False)
        pings = walkers(chance, now_ms)
        for begin in range(0, len(pings), 150):
            some = pings[begin : begin + 150]
            posted += len(some)
            answer = await run.post(some)
            accepted += answer.json()["accepted"]
            rejected += len(answer.json()["rejected"])
        greedy = [{"device": "greedy", "lon": 0.005, "lat": 0.005, "time_ms": now_ms - one} for one in range(BURST)]
        assert [(await run.post(greedy)).status_code for _ in range(2)] == [202, 429]
        posted, accepted = posted + 2 * len(greedy), accepted + len(greedy)
        unfit = {"locations": [{"type": "Feature"}, {}], "device_id": "o"}
        assert (await run.post(unfit, "/v1/clients/overland")).json() == {"result": "ok"}
        posted, rejected = posted + 2, rejected + 2
        foreign = await others(run.log)
        without = json.dumps({"device": "d2", "lon": 0, "lat": 0, "time_ms": now_ms}).encode()
        await run.log.append(PINGS, [Record(b"d2", without)] * 5)
        worker = await caught_up(run, accepted + sum(foreign) + 5 + 2)
        return Story(posted, accepted, rejected, len(greedy), foreign, await metrics(run.gateway_health), worker)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(tell(tmp_path_factory.mktemp("run")))


def test_every_ping_that_was_posted_is_accepted_rejected_or_put_off(story: Story) -> None:
    found = {name: total(story.gateway, f"geofence_gateway_pings_{name}_total") for name in
             ("received", "accepted", "rejected", "put_off")}  # fmt: skip
    assert found["received"] == found["accepted"] + found["rejected"] + found["put_off"] == story.posted
    assert (found["accepted"], found["rejected"], found["put_off"]) == (story.accepted, story.rejected, story.put_off)
    assert min(story.accepted, story.rejected) > 50


def test_every_record_of_the_log_is_a_control_or_a_ping(story: Story) -> None:
    counts = {name: total(story.worker, f"geofence_worker_{name}_total") for name in ("records", "controls", "pings")}
    foreign_pings, foreign_controls = story.foreign
    assert counts["controls"] == 2 + foreign_controls
    assert counts["pings"] == story.accepted + foreign_pings + 5
    assert counts["records"] == counts["controls"] + counts["pings"]


def test_in_each_layer_the_outcomes_add_up_to_the_pings_and_all_outcomes_were_met(story: Story) -> None:
    pings = Counter({key[1]: value for key, value in story.worker.items() if key[0] == "geofence_worker_pings_total"})
    sums, met = Counter[tuple[str, str]](), dict.fromkeys(OUTCOMES_TOLD, 0.0)
    for key, value in story.worker.items():
        if key[0] == "geofence_worker_outcomes_total":
            named = dict(zip(("partition", "layer", "outcome"), sorted_labels(key), strict=True))
            sums[named["partition"], named["layer"]] += int(value)
            met[named["outcome"]] += value
    assert dict(sums) == {(partition, layer): many for partition, many in pings.items() for layer in ("row", "fences")}
    assert not [outcome for outcome, many in met.items() if not many]
    assert met["no_consent"] == 2 * 5
    assert met["dead_letter"] == 2 * story.foreign[0]


def sorted_labels(key: tuple[str, ...]) -> tuple[str, str, str]:
    """Partition, layer and outcome, however the labels are ordered in the text."""
    partition = next(one for one in key[1:] if one.isdigit())
    layer = next(one for one in key[1:] if one in ("row", "fences"))
    return partition, layer, next(one for one in key[1:] if one in OUTCOMES_TOLD)


def test_what_is_told_beside_them_is_of_the_same_run(story: Story) -> None:
    events = total(story.worker, "geofence_worker_events_total")
    confirmed = total(story.worker, "geofence_worker_confirmation_seconds_count")
    assert 0 < confirmed <= events
    assert total(story.worker, "geofence_worker_latency_seconds_count") == confirmed
    assert total(story.worker, "geofence_worker_latency_seconds_sum") / confirmed < 10
    assert total(story.worker, "geofence_worker_batch_records_sum") == total(
        story.worker, "geofence_worker_records_total"
    )
    assert total(story.worker, "geofence_worker_restored_ratio") == PARTITIONS
    assert total(story.worker, "geofence_worker_version_info") == 2 * PARTITIONS
    assert total(story.worker, "geofence_disk_free_bytes") > 0
    assert total(story.worker, "geofence_disk_log_bytes") > 10_000
    assert total(story.worker, "process_resident_memory_bytes") > 10_000_000
    assert total(story.gateway, "geofence_gateway_answer_seconds_count") == total(
        story.gateway, "geofence_gateway_requests_total"
    )


def test_all_that_is_told_is_in_the_tables_and_no_label_names_anybody(story: Story) -> None:
    known = {f"{one.name}{end}" for one in measures() for end in ("", "_total", "_bucket", "_count", "_sum")}
    for found in (story.gateway, story.worker):
        ours = [key for key in found if key[0].startswith("geofence_")]
        assert {key[0] for key in ours} <= known
        assert not [key for key in ours if any(label in ("d1", "greedy", "x", "t") or "gf_" in label for label in key)]
