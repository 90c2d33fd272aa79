"""All of geofence in one process, for commands that ask a server: catalog, log, worker, gateway, admins' side.

`town_hall.py FOLDER PORT` runs it until standard input ends; `town_hall` starts that and gives keys. Not a test itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from broker import free_ports
from commands import Result
from commands import run as run_command

from boundaries.api.settings import BoundarySettings
from boundaries.loading import Loader
from catalog import open_catalog, upgrade
from ingest.gateway.app import gateway_app, wall_ms
from ingest.gateway.settings import GatewaySettings
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.worker import work
from service.boundaries import boundary_side
from service.explainer import Explainers
from service.fences import from_catalog
from service.http import serving
from service.logs import ensure_topics, open_log

ROOT = Path(__file__).parents[2]


class TownHall:
    """One that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.catalog = folder, f"sqlite:{folder / 'catalog.db'}"
        upgrade(self.catalog)
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin = self.key("admin")
        path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
        words = [sys.executable, __file__, str(folder), str(self.port)]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )
        assert self._process.stdout
        assert self._process.stdout.readline().strip() == "ready"

    @property
    def children(self) -> set[int]:
        """The processes that it has begun and that run."""
        process = str(self._process.pid)
        return set(map(int, (Path("/proc") / process / "task" / process / "children").read_text().split()))

    def key(self, *scopes: str, name: str = "test") -> str:
        """The text of a new key."""
        with open_catalog(self.catalog) as catalog:
            return catalog.keys.create(name=name, scopes=scopes, by="test", now_ms=1)[1]

    def environment(self, key: str = "") -> dict[str, str]:
        """What the command is to find set."""
        return {"GEOFENCE_SERVER": self.url, "GEOFENCE_KEY": key or self.admin}

    def do(self, *words: str | Path, status: int = 0) -> Result:
        """Run `geofence boundaries` here; the environment names this server."""
        done = run_command("boundaries", *words)
        assert done.status == status, done.out.decode() + done.err
        return done

    def ask(self, path: str, body: object = None) -> Any:
        """One request, by an administrator."""
        headers = {"Authorization": f"Bearer {self.admin}"}
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=20)
        assert answer.is_success, answer.text
        return answer.json()

    def ping(self, device: str, *, lon: float, lat: float) -> None:
        """A device that has been somewhere for some minutes."""
        now_ms = time.time_ns() // 1_000_000
        for ago in (180_000, 120_000, 60_000, 1_000):
            its = {"device": device, "lon": lon, "lat": lat, "accuracy_m": 10, "time_ms": now_ms - ago}
            self.ask("/v1/pings", {**its, "source": "gps"})

    def events(self, layer: str, many: int) -> list[dict[str, Any]]:
        """The events of a layer so far, once there are so many."""
        until = time.monotonic() + 20
        while True:
            found = self.ask(f"/v1/events?from=beginning&limit=1000&layer={layer}")["events"]
            if len(found) >= many or time.monotonic() > until:
                return list(found)
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait(5)
            self._process.stdout.close()


@contextmanager
def town_hall(folder: Path) -> Iterator[TownHall]:
    """One, for a while."""
    hall = TownHall(folder)
    try:
        yield hall
    finally:
        hall.stop()


async def serve(folder: Path, port: int) -> None:
    """All parts, until standard input ends."""
    catalog_url, log_url, shelf = f"sqlite:{folder}/catalog.db", f"sqlite:{folder}/log.db", folder / "atlases"
    stop, status, settings = asyncio.Event(), Status(), WorkerSettings()
    with open_catalog(catalog_url) as catalog:
        async with open_log(log_url) as log:
            await ensure_topics(log, log_url)
            async with from_catalog(catalog_url, shelf)(settings, status, stop) as fences:
                working = asyncio.create_task(work(log, fences, settings, status, stop))
                limits = GatewaySettings(explain_s=120.0)
                explainer = Explainers(catalog, Loader(catalog, shelf), log_url, limits, settings)
                side = boundary_side(catalog, log, log_url, shelf, BoundarySettings(), wall_ms)
                async with (
                    side as further,
                    gateway_app(log, catalog, limits, more=[further], explainer=explainer) as gateway,
                    serving(gateway.app, f"127.0.0.1:{port}"),
                ):
                    print("ready", flush=True)
                    await asyncio.to_thread(sys.stdin.read)
                    gateway.end_streams()
                stop.set()
                await working


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
