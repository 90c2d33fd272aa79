"""The whole way on Kafka, each role a process: pings in by HTTP, a worker, events out to a reader that is dropped."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broker import Cluster, free_ports, running, tied
from embedded import wait_for
from http_client import Gateway, Stream
from test_where import IN_A, IN_B, TOWN

from catalog import open_catalog, upgrade
from geofence.wire_events import decode_binary
from ingest.topics import CHANGES, topics
from stream.kafka import KafkaSettings, open_kafka

DEVICES, LEGS = 12, 6


class Roles:
    """A worker and a gateway on a broker."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder, self.log = folder, f"kafka://{cluster.bootstrap}"
        self.settings = KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1, session_s=3.0)
        self.catalog = f"sqlite:{folder / 'catalog.db'}"
        upgrade(self.catalog)
        (folder / "town.geojson").write_bytes(TOWN)
        self.gateway = Gateway(free_ports(1)[0])
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str) -> None:
        """Start `worker` or `gateway`."""
        words = {
            "worker": ["--regions", str(self.folder / "town.geojson")],
            "gateway": ["--catalog", self.catalog, "--listen", f"127.0.0.1:{self.gateway.port}"],
        }[role]
        command = [*tied(), sys.executable, "-m", "service.cli", role, "--log", self.log, *words]
        with (self.folder / f"{role}.err").open("ab") as err:
            self._running[role] = subprocess.Popen(command, stderr=err, env={**os.environ, "PYTHONPATH": "."})
        if role == "gateway":
            wait_for(self._answers, 60)

    def _answers(self) -> bool:
        try:
            return self.gateway.ask("/health/live", "").status == 200
        except OSError:
            return False

    def kill(self, role: str) -> None:
        """Kill -9."""
        one = self._running.pop(role)
        one.kill()
        one.wait(10)

    def stop(self) -> None:
        """End all of them in order."""
        for one in self._running.values():
            one.terminate()
        for one in self._running.values():
            one.wait(20)

    def key(self, *scopes: str) -> str:
        """A new key."""
        with open_catalog(self.catalog) as catalog:
            return catalog.keys.create(name="test", scopes=scopes, by="test", now_ms=1)[1]

    def create_topics(self) -> None:
        """Four partitions each."""

        async def create() -> None:
            async with open_kafka(self.settings) as log:
                await log.create(topics(4))

        asyncio.run(create())

    async def told(self) -> dict[str, list[str]]:
        """What is on the topic: by device, the ids of its events in order."""
        found = defaultdict[str, list[str]](list)
        async with open_kafka(self.settings) as log:
            for partition in range(4):
                async for batch in log.read(CHANGES, partition, to_end=True):
                    for headers, value in zip(batch.headers, batch.values, strict=True):
                        event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
                        found[event.subject].append(event.id)
        return dict(found)


@pytest.fixture
def roles(tmp_path: Path) -> Iterator[Roles]:
    """On a broker that nobody else uses, with a worker and a gateway."""
    with running() as cluster:
        its = Roles(tmp_path, cluster)
        its.create_topics()
        its.start("worker")
        its.start("gateway")
        yield its
        its.stop()


def leg(number: int) -> list[dict[str, Any]]:
    """Every device goes to the other square and stays for six minutes."""
    begin = time.time_ns() // 1_000_000 - 86_400_000 + number * 1_200_000
    lon = (IN_A, IN_B)[number % 2]
    return [
        {"device": f"d{device}", "lon": lon, "lat": 0.5, "accuracy_m": 10, "time_ms": begin + 60_000 * minute}
        for minute in range(6)
        for device in range(DEVICES)
    ]


def in_order(events: list[Any]) -> dict[str, list[str]]:
    """By device, the ids of its events in the order in which they came."""
    found = defaultdict[str, list[str]](list)
    for event in events:
        found[event["subject"]].append(event["id"])
    return dict(found)


def test_a_reader_that_is_dropped_and_a_gateway_that_is_killed_cost_no_event_and_double_none(roles: Roles) -> None:
    chance, many = random.Random(5), DEVICES * LEGS
    reading, writing = roles.key("events:read"), roles.key("pings:write")

    async def story() -> None:
        got: list[Any] = []
        stream = await Stream.open(roles.gateway.port, "/v1/events", reading)
        for number in range(LEGS):
            answer = await asyncio.to_thread(roles.gateway.ask, "/v1/pings", writing, method="POST", body=leg(number))
            assert answer.body["accepted"] == 6 * DEVICES
            got += await stream.take(chance.randint(1, DEVICES - 1))
            if number in (1, 4):
                roles.kill("gateway")
                got += await stream.take(many)  # what was under way
                stream.close()
                await asyncio.to_thread(roles.start, "gateway")
            stream.close()
            stream = await Stream.open(roles.gateway.port, "/v1/events", reading, after=stream.last_id)
        got += await stream.take(many - len(got))
        stream.close()
        told = await roles.told()
        assert sum(map(len, told.values())) == many
        assert in_order([one.data for one in got]) == told
        pages = await asyncio.to_thread(roles.gateway.pages, "/v1/events?from=beginning", reading)
        assert in_order(pages) == told

    asyncio.run(story())
    where = roles.gateway.ask("/v1/devices/d0", roles.key("devices:read"))
    assert where.body["layers"]["town"]["regions"][0]["id"] == "b"
    assert int(where.headers["geofence-age-ms"]) < 5000
