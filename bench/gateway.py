"""The gateway under load on both engines, beside the same server with an application that only reads the body.

Each server is a process of its own, and so is the load. Throughput is per CPU-second of the server's process, in turns;
latency is from when a request was due to its answer, at half of what the server held. Budgets: 100,000 pings a second
in batches of 100; 3,000 requests a second of one ping.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench.figures import Figure
from bench.http_load import Found
from bench.worker import LogOf
from catalog import open_catalog, upgrade
from tests.broker import free_ports, tied

ROUNDS, SECONDS, CONNECTIONS, KEYS = 3, 6.0, 32, 100
BATCH, BATCH_BUDGET, SINGLE_BUDGET = 100, 100_000.0, 3_000.0
_START_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up."""

    name: str
    address: str
    pid: int

    def cpu_s(self) -> float:
        """What its process has used of the processor."""
        its = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(its[11]) + int(its[12])) / _TICKS


def figures() -> Iterator[Figure]:
    """All of them."""
    os.environ |= {"GEOFENCE_KAFKA_REPLICATION": "1", "GEOFENCE_KAFKA_MIN_IN_SYNC": "1"}
    with LogOf("kafka") as on_kafka, LogOf("embedded") as in_file, tempfile.TemporaryDirectory() as folder:
        keys = _keys(f"sqlite:{folder}/catalog.db")
        gateway = (sys.executable, "-m", "service.cli", "gateway", "--catalog", f"sqlite:{folder}/catalog.db")
        with (
            _serving("baseline", (sys.executable, "-m", "bench.body_reader")) as baseline,
            _serving("embedded", (*gateway, "--log", in_file, "--listen")) as embedded,
            _serving("Kafka", (*gateway, "--log", on_kafka, "--listen")) as kafka,
        ):
            for pings, budget in ((BATCH, BATCH_BUDGET), (1, SINGLE_BUDGET)):
                yield from _throughput((baseline, embedded, kafka), pings, keys, budget)


def _throughput(servers: Sequence[Server], pings: int, keys: Sequence[str], budget: float) -> Iterator[Figure]:
    """As much as each can take, in turns; then half of that."""
    rates: dict[str, list[float]] = {server.name: [] for server in servers}
    held: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(ROUNDS):
        for server in servers:
            before = server.cpu_s()
            found = _load(server, pings, 0.0, keys)
            rates[server.name].append(found.requests * pings / (server.cpu_s() - before))
            held[server.name].append(found.requests / found.wall_s)
    baseline, *gateways = servers
    what, unit = (f"batches of {pings}", "pings/CPU-s") if pings > 1 else ("one ping a request", "requests/CPU-s")
    for server in gateways:
        ours, bare = float(np.median(rates[server.name])), float(np.median(rates[baseline.name]))
        yield Figure("gateway", f"{server.name}, {what}", ours, unit, budget=budget)
        yield Figure("gateway", f"{server.name}, {what}", ours, unit, "only reads the body", bare)
        half = float(np.median(held[server.name])) / 2
        runs = [_load(server, pings, half, keys) for _ in range(ROUNDS)]
        for name in ("p50_ms", "p99_ms"):
            case = f"{server.name}, {what}, {half:,.0f} requests/s: {name.removesuffix('_ms')}"
            yield Figure("gateway", case, float(np.median([getattr(run, name) for run in runs])), "ms")


def _load(server: Server, pings: int, rate: float, keys: Sequence[str]) -> Found:
    numbers = (pings, CONNECTIONS, SECONDS, rate)
    command = (sys.executable, "-m", "bench.http_load", server.address, *map(str, numbers))
    done = subprocess.run(command, input="\n".join(keys).encode(), stdout=subprocess.PIPE, timeout=120, check=True)
    found = msgspec.json.decode(done.stdout, type=Found)
    if set(found.statuses) != {"202"}:
        raise RuntimeError(f"{server.name} answered {found.statuses}")
    return found


def _keys(catalog_url: str) -> list[str]:
    """More than one, as each has a rate of its own."""
    upgrade(catalog_url)
    with open_catalog(catalog_url) as catalog:
        create, now_ms = catalog.keys.create, time.time_ns() // 1_000_000
        return [create(name="bench", scopes=("pings:write",), by="bench", now_ms=now_ms)[1] for _ in range(KEYS)]


@contextmanager
def _serving(name: str, command: Sequence[str]) -> Iterator[Server]:
    """Start a server; the address is its last word."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    process = subprocess.Popen((*tied(), *command, address), stderr=subprocess.DEVNULL)
    try:
        _await(address)
        yield Server(name, address, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _await(address: str) -> None:
    late = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/health/live", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > late:
                raise
            time.sleep(0.1)
