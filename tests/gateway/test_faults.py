"""Killed under load: what was acknowledged is in the log, and whoever was not is told to come again, at once."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
from broker import Cluster, running
from embedded import wait_for
from served import Served, now_ms, pings_of, started
from test_gateway_health import Health

from ingest.topics import topics
from stream.kafka import KafkaSettings, open_kafka
from stream.sqlite import open_log

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
SENDERS, BATCH = 8, 25
FLOOD = 4000  # pings in a request, of which two fill all room for what waits
ROUNDS = 30 if LONG else 2  # of a gateway that is killed
AWAY_S, FALLS = (20.0, 5) if LONG else (3.5, 1)  # for how long a broker is away, and how often
APPEND_S = 2.0
UNLIMITED = {f"GEOFENCE_GATEWAY_{name}": "1e9" for name in ("KEY_RATE", "KEY_BURST", "DEVICE_RATE", "DEVICE_BURST")}
Ping = tuple[str, int]


@dataclass
class Load:
    """Senders, each with a device of its own, who note what they have sent and what was acknowledged."""

    gateway: Served
    key: str
    name: str
    sent: set[Ping] = field(default_factory=set)
    acknowledged: set[Ping] = field(default_factory=set)
    refused: list[tuple[float, httpx.Response]] = field(default_factory=list)
    longest_s: float = 0.0
    over: bool = False

    async def send(self) -> None:
        """Until it is over, or the gateway is gone."""
        async with httpx.AsyncClient(base_url=f"http://{self.gateway.address}", timeout=30) as client:
            await asyncio.gather(*(self._one(client, f"{self.name}-{number}") for number in range(SENDERS)))

    async def _one(self, client: httpx.AsyncClient, device: str) -> None:
        at, headers = now_ms() - 3_600_000, {"Authorization": f"Bearer {self.key}"}
        while not self.over:
            batch = [(device, at + number) for number in range(BATCH)]
            at += BATCH
            self.sent.update(batch)
            body = [{"device": device, "lon": 1, "lat": 1, "time_ms": time_ms} for _, time_ms in batch]
            began = time.monotonic()
            try:
                answer = await client.post("/v1/pings", json=body, headers=headers)
            except httpx.TransportError:
                return
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            if answer.status_code == 202:
                assert answer.json() == {"accepted": BATCH, "rejected": []}
                self.acknowledged.update(batch)
            else:
                self.refused.append((began, answer))
                await asyncio.sleep(0.05)


def check(found: list[Ping], sent: set[Ping], acknowledged: set[Ping]) -> None:
    """The log has all that was acknowledged, nothing that nobody sent, and each device's pings in order."""
    assert acknowledged <= set(found)
    assert set(found) <= sent
    assert len(found) == len(set(found))
    by_device = defaultdict[str, list[int]](list)
    for device, time_ms in found:
        by_device[device].append(time_ms)
    assert all(times == sorted(times) for times in by_device.values())


async def kill_under_load(load: Load, after: int, after_s: float) -> None:
    sending = asyncio.create_task(load.send())
    async with asyncio.timeout(30):
        while len(load.acknowledged) < after * BATCH:
            await asyncio.sleep(0.001)
    await asyncio.sleep(after_s)
    load.gateway.kill()
    await sending


def test_all_that_was_acknowledged_before_kill_9_is_in_the_log_and_nothing_that_was_not_sent(tmp_path: Path) -> None:
    chance = random.Random(7)
    sent, acknowledged = set[Ping](), set[Ping]()
    for number in range(ROUNDS):
        gateway = started(tmp_path, **UNLIMITED)
        load = Load(gateway, gateway.key(), f"r{number}")
        asyncio.run(kill_under_load(load, chance.randint(1, 100), chance.uniform(0, 0.02)))
        assert not load.refused
        sent |= load.sent
        acknowledged |= load.acknowledged

    async def read() -> list[Ping]:
        async with open_log(tmp_path / "log.db", read_only=True) as log:
            return await pings_of(log)

    check(asyncio.run(read()), sent, acknowledged)


@dataclass(frozen=True)
class Behind:
    """A gateway, and the broker behind it."""

    cluster: Cluster
    settings: KafkaSettings
    gateway: Served
    health: Health


@contextmanager
def on_kafka(folder: Path) -> Iterator[Behind]:
    """A broker that nobody else uses, and a gateway on it."""
    with running() as cluster:
        settings = KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1)

        async def create() -> None:
            async with open_kafka(settings) as log:
                await log.create(topics(4))

        asyncio.run(create())
        limits = {"GEOFENCE_GATEWAY_APPEND_S": str(APPEND_S), "GEOFENCE_GATEWAY_WAITING_BYTES": "2000000"}
        limits["GEOFENCE_GATEWAY_READY_S"] = "2"
        health = Health()
        words = ("--health", health.address)
        gateway = started(folder, *words, log=f"kafka://{cluster.bootstrap}", **UNLIMITED, **limits)
        try:
            yield Behind(cluster, settings, gateway, health)
        finally:
            gateway.kill()


def rss(gateway: Served) -> int:
    """Bytes of memory that it has."""
    assert gateway.process
    return int((Path("/proc") / str(gateway.process.pid) / "statm").read_text().split()[1]) * 4096


async def flood(load: Load) -> None:
    """Far more than may wait, while the broker is away: what has no room is told so at once."""
    at, headers = now_ms() - 3_600_000, {"Authorization": f"Bearer {load.key}"}
    batch = [("flood", at + number) for number in range(FLOOD)]
    load.sent.update(batch)
    body = msgspec.json.encode(
        [{"device": device, "lon": 1, "lat": 1, "time_ms": time_ms} for device, time_ms in batch]
    )  # fmt: skip
    async with httpx.AsyncClient(base_url=f"http://{load.gateway.address}", timeout=30) as client:
        answers = await asyncio.gather(*(client.post("/v1/pings", content=body, headers=headers) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {503}
    details = [answer.json()["detail"] for answer in answers]
    assert sum(detail.startswith("Too much waits for the log") for detail in details) >= len(details) - 4


async def broker_falls(its: Behind, load: Load) -> None:
    """The broker is killed while pings come; all are told to come again, until it is back."""
    [broker] = its.cluster.brokers
    before, fell = rss(load.gateway), time.monotonic()
    broker.kill()
    await flood(load)
    await asyncio.sleep(AWAY_S)
    ready = its.health.ask("/health/ready")
    assert (ready.status_code, ready.json()["log"]["answers"], ready.json()["catalog"]["answers"]) == (503, False, True)
    assert rss(load.gateway) - before < 60_000_000
    refused = [answer for began, answer in load.refused if began > fell - APPEND_S]
    assert len(refused) >= SENDERS
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
    broker.start()
    await asyncio.to_thread(its.cluster.ready)
    many = len(load.acknowledged)
    async with asyncio.timeout(60):
        while len(load.acknowledged) < many + 20 * BATCH:
            await asyncio.sleep(0.05)
    await asyncio.to_thread(wait_for, lambda: its.health.ask("/health/ready").status_code == 200, 20)


def test_a_broker_that_is_killed_costs_nothing_that_was_acknowledged_and_all_else_is_told_to_come_again(
    tmp_path: Path,
) -> None:
    with on_kafka(tmp_path) as its:
        load = Load(its.gateway, its.gateway.key(), "s")

        async def story() -> list[Ping]:
            sending = asyncio.create_task(load.send())
            for _ in range(FALLS):
                await asyncio.sleep(1.0)
                await broker_falls(its, load)
            load.over = True
            await sending
            assert load.longest_s < APPEND_S + 3.0  # a machine that is busy answers later
            async with open_kafka(its.settings) as log:
                return await pings_of(log)

        found = asyncio.run(story())
        assert load.acknowledged <= set(found)
        assert set(found) <= load.sent
