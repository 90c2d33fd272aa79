"""Admins with keys of each scope, a gateway with their endpoints, and who does the jobs. Not a test itself."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import msgspec
from stub_ports import Drawn, stub_boundaries

from boundaries.api.ports import Ports
from boundaries.api.settings import BoundarySettings
from boundaries.blob import write_regions
from boundaries.manifest import manifest_of
from boundaries.views import Differences, DryRunResults, Files, Reports, Shapes, Tiles, Told
from catalog import Catalog, open_catalog, upgrade
from catalog.job import Job
from catalog.version import Counts, Outcome, Version
from geofence.region import Region
from geofence.region import Version as CoreVersion
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.topics import topics
from stream.sqlite import open_log

NOW_MS = 1_769_847_302_000
_MEMORY = Path("/dev/shm")  # noqa: S108  # a catalog on a disk waits for it a hundred times in a test
SCOPES = ("boundaries:read", "boundaries:write", "boundaries:publish")


@dataclass
class Clock:
    """What time it is."""

    now_ms: int = NOW_MS


class Office:
    """Where the admins work."""

    def __init__(
        self,
        runner: asyncio.Runner,
        client: httpx.AsyncClient,
        catalog: Catalog,
        drawn: Drawn,
        clock: Clock,
        incoming: Path,
    ) -> None:
        self.runner, self.client, self.catalog, self.drawn, self.clock = runner, client, catalog, drawn, clock
        self.incoming = incoming
        self.keys = {"all": self.key(*SCOPES)}
        self._hashes = itertools.count(1)

    def key(self, *scopes: str, **more: Any) -> str:
        """The text of a new key."""
        return self.catalog.keys.create(name="test", scopes=scopes, by="test", now_ms=NOW_MS, **more)[1]

    def ask(
        self, method: str, path: str, json: Any = None, *, key: str = "", headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:  # fmt: skip
        """One request, by an admin who may do everything unless said."""
        sent = {"Authorization": f"Bearer {key or self.keys['all']}", **(headers or {})}
        asked = self.client.request(method, f"/v1{path}", json=json, headers=sent, **more)
        return self.runner.run(asked)

    def got(self, path: str, **more: Any) -> Any:
        """What is there, as JSON."""
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, layer: str, query: str = "?file=a.geojson", content: bytes = b"{}", **more: Any) -> httpx.Response:
        """A region file, sent."""
        return self.ask("POST", f"/layers/{layer}/versions{query}", content=content, **more)

    def layer(self, name: str = "town", **more: Any) -> str:
        """A new layer."""
        answer = self.ask("POST", "/layers", {"name": name, **more})
        assert answer.status_code == 201, answer.text
        return name

    def checked(self, layer: str, *, errors: int = 0, report: bytes = b'{"findings": []}') -> int:
        """The number of a new version that was checked."""
        made = self.upload(layer).json()
        self.do_check(errors=errors, report=report)
        return int(made["number"])

    def do_check(self, *, errors: int = 0, report: bytes = b'{"findings": []}', drawn: bool = False) -> Version:
        """Do the check that waits. `drawn`: what has errors has shapes that can be looked at."""
        job = self.take("check")
        blob = self.catalog.blobs.put([report], now_ms=NOW_MS)
        name = f"{next(self._hashes):064x}"
        made: dict[str, Any] = {"geometry": blob} if drawn or not errors else {}
        made |= {} if errors else {"manifest": {}, "hash": name}
        outcome = Outcome(counts=Counts(3, errors, 1, 0), report=blob, **made)
        return self.catalog.versions.check(job.layer, job.version, outcome, job=job, by="checker", now_ms=NOW_MS)

    def do_dry_run(self, result: Mapping[str, Any]) -> None:
        """Do the dry run that waits."""
        assert self.catalog.jobs.finish(self.take("dry_run"), result, now_ms=NOW_MS)

    def do_publish(self) -> None:
        """Send what is planned, and have it in force."""
        its = {"now_ms": self.clock.now_ms}
        held = self.catalog.publishing.take("test", lease_s=9, **its)
        assert held
        for step in (self.catalog.publishing.send, self.catalog.publishing.sent, self.catalog.publishing.done):
            assert step(held, **its)

    def publish(self, layer: str, number: int, replaces: int | None, **more: Any) -> httpx.Response:
        """Ask for a publication."""
        body = {"replaces": replaces, "comment": "because", **more}
        return self.ask("POST", f"/layers/{layer}/versions/{number}/publish", body)

    def drawn_version(self, layer: str, regions: Sequence[Region], report: bytes = b"{}", **settings: Any) -> Version:
        """A new version with these regions, checked."""
        query = "".join(f"&{name}={value}" for name, value in settings.items())
        self.upload(layer, f"?file=a{query}")
        job = self.take("check")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "regions.fgb"
            write_regions(regions, path)
            geometry = self.catalog.blobs.put(path, now_ms=NOW_MS)
        made = CoreVersion.of(layer, regions, nearest_within_m=float(settings.get("nearest_within_m", 0)))
        manifest = msgspec.json.decode(manifest_of(made, geometry))
        its: dict[str, Any] = {"geometry": geometry, "manifest": manifest, "hash": made.hash}
        its["report"] = self.catalog.blobs.put([report], now_ms=NOW_MS)
        outcome = Outcome(counts=Counts(len(regions), 0, 0, 0), **its)
        return self.catalog.versions.check(job.layer, job.version, outcome, job=job, by="checker", now_ms=NOW_MS)

    def take(self, kind: str) -> Job:
        """A job that waits."""
        job = self.catalog.jobs.take("test", now_ms=NOW_MS, lease_s=60, kinds=[kind])
        assert job
        return job

    def acts(self) -> list[tuple[str, str]]:
        """What the audit has, the oldest first: what was done to what."""
        return [(line.action, line.target) for line in reversed(self.catalog.audit.lines(most=1000))]


@cache
def _empty() -> bytes:
    """A catalog with nothing in it: made once, as that takes longer than most tests."""
    with TemporaryDirectory() as folder:
        upgrade(f"sqlite:{folder}/catalog.db")
        with closing(sqlite3.connect(f"{folder}/catalog.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (Path(folder) / "catalog.db").read_bytes()


@contextmanager
def office(settings: BoundarySettings | None = None, *, real: bool = False) -> Iterator[Office]:
    """One, with nothing in it. `real`: what draws is what the gateway has; only jobs are for the test to do."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield from _office(Path(folder), settings, real=real)


def _real(catalog: Catalog, drawn: Drawn) -> Ports:
    files, told = Files(catalog), Told()
    views = {"reports": Reports(files, told), "shapes": Shapes(files), "differences": Differences(files, told)}
    return Ports(**views, tiles=Tiles(files), dry_runs=DryRunResults(), workshop=drawn)  # type: ignore[arg-type]


def _office(folder: Path, settings: BoundarySettings | None, *, real: bool) -> Iterator[Office]:
    (folder / "catalog.db").write_bytes(_empty())
    drawn = Drawn()
    with open_catalog(f"sqlite:{folder / 'catalog.db'}") as catalog, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        log = runner.run(stack.enter_async_context(open_log(folder / "log.db")))
        runner.run(log.create(topics(1)))
        more = stub_boundaries(folder, drawn, settings, _real(catalog, drawn) if real else None)
        clock = Clock()
        made = gateway_app(log, catalog, GatewaySettings(), more=[more], now_ms=lambda: clock.now_ms)
        gateway = runner.run(stack.enter_async_context(made))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app), base_url="http://gateway")
        runner.run(stack.enter_async_context(client))
        try:
            yield Office(runner, client, catalog, drawn, clock, folder / "incoming")
        finally:
            runner.run(stack.aclose())
