"""`geofence run` as a process: started, asked, measured from outside, ended in order or killed with all it started.

Invariant: what was started is ended, whatever happens; a start is over when every partition runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from catalog import open_catalog
from service.boundary_server import BoundaryServer
from service.home import Home
from service.logs import open_log
from stream.port import Topic
from tests.broker import free_ports, tied

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
_START_S, _END_S, _LOOK_S = 120.0, 40.0, 0.02


@dataclass(frozen=True, slots=True)
class Sample:
    """The process from outside, at one moment."""

    at_s: float
    resident: int  # bytes
    files: int  # open
    log: int  # bytes of the log's file
    wal: int  # and of what is beside it


class Counts:
    """What `/metrics` says: sums over all labels but those that are asked for."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self._samples = [one for family in families for one in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        """Over all samples of a name that have these labels."""
        return float(sum(one.value for one in self._named(name) if labels.items() <= one.labels.items()))

    def by(self, name: str, label: str) -> Mapping[str, float]:
        """The same for each value of a label."""
        found: dict[str, float] = {}
        for one in self._named(name):
            found[one.labels[label]] = found.get(one.labels[label], 0.0) + one.value
        return found

    def _named(self, name: str) -> Iterator[Any]:
        return (one for one in self._samples if one.name == f"geofence_{name}")


class Served:
    """One home, and who serves it just now."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.home, self._variables = Home(folder), variables
        self.port, self._health = free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The key for everything."""
        return self.home.key_file.read_text().strip()

    async def make_topics(self, topics: list[Topic]) -> None:
        """Those of a new log, before the first start."""
        async with open_log(self.home.log_url) as log:
            await log.create(topics)

    def keys(self, many: int) -> list[str]:
        """Keys for all devices."""
        return [self.key_of(None) for _ in range(many)]

    def key_of(self, device: str | None) -> str:
        """A key of an app whose users agreed: the first ping of a device records it."""
        with open_catalog(self.home.catalog_url) as catalog:
            return catalog.keys.create(
                name="an app", scopes=["pings:write"], by="soak", now_ms=1, grants_consent=True, device=device
            )[1]

    def server(self) -> BoundaryServer:
        """To ask and publish by."""
        return BoundaryServer(self.url, self.key)

    async def start(self) -> float:
        """Start it; how many seconds passed until it took pings and every partition ran."""
        begun_s = time.monotonic()
        command = [
            *tied(), sys.executable, "-m", "service.cli", "run", "--home", str(self.home.folder), "--samples", "none",
            "--listen", f"127.0.0.1:{self.port}", "--health", f"127.0.0.1:{self._health}",
        ]  # fmt: skip
        environment = {**os.environ, **self._variables, "PYTHONPATH": str(ROOT)}
        with (self.home.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=said, stderr=said, env=environment, start_new_session=True
            )
        while not await self._running():
            if self.process.poll() is not None or time.monotonic() > begun_s + _START_S:
                raise RuntimeError(f"it has not come up: {(self.home.folder / 'said').read_text()[-2000:]}")
            await asyncio.sleep(_LOOK_S)
        return time.monotonic() - begun_s

    async def _running(self) -> bool:
        with suppress(httpx.TransportError):
            return (await self.counts()).sum("worker_state", state="running") == PARTITIONS
        return False

    async def counts(self) -> Counts:
        """What it counts now."""
        async with httpx.AsyncClient() as client:
            return Counts((await client.get(f"http://127.0.0.1:{self._health}/metrics", timeout=20)).text)

    async def ended(self) -> float:
        """End it by SIGTERM; the seconds that took. Raises RuntimeError where that is not an end in order."""
        begun_s, process = time.monotonic(), self._process
        process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(process.wait, _END_S)
        if status:
            raise RuntimeError(f"its status is {status}: {(self.home.folder / 'said').read_text()[-2000:]}")
        return time.monotonic() - begun_s

    def kill(self) -> None:
        """Kill -9 of it and all that it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def sample(self) -> Sample:
        """What it takes just now."""
        at = Path(f"/proc/{self._process.pid}")
        status = (at / "status").read_text()
        resident = int(status.partition("VmRSS:")[2].split()[0]) * 1024
        log = self.home.folder / "log.db"
        sizes = (path.stat().st_size if path.exists() else 0 for path in (log, log.with_name("log.db-wal")))
        return Sample(time.monotonic(), resident, len(list((at / "fd").iterdir())), *sizes)

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError("it was not started")
        return self.process


@contextmanager
def served(folder: Path, variables: Mapping[str, str]) -> Iterator[Served]:
    """A home whose process ends with the block; `variables`: settings that are other than the defaults."""
    its = Served(folder, variables)
    try:
        yield its
    finally:
        its.kill()
