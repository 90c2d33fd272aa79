"""When a worker that is to stop once all is taken does so: not before, and never never."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from commands import layer, run, square

from ingest.settings import WorkerSettings
from ingest.topics import PINGS
from service.worker import run_worker
from stream.port import Unavailable
from stream.sqlite import SqliteLog, open_log


def test_a_log_that_is_away_for_a_moment_does_not_keep_an_idle_worker_for_ever(
    town: Path, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, told, asked = f"sqlite:{tmp_path / 'log.db'}", SqliteLog.standing, 0
    assert run("append", "--log", url, walk).status == 0

    async def shaky(self, topic, *, group):
        nonlocal asked
        asked += 1
        if asked <= 3:
            raise Unavailable("made up: the broker is away")
        return await told(self, topic, group=group)

    monkeypatch.setattr(SqliteLog, "standing", shaky)
    assert finished(url, town) == 60


def test_what_the_watch_did_not_expect_ends_the_worker_and_is_told(
    town: Path, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("append", "--log", url, walk).status == 0

    async def broken(*_, **__):
        raise RuntimeError("made up: nobody thought of it")

    monkeypatch.setattr("service.worker._is_left", broken)
    with pytest.raises(RuntimeError, match="nobody thought of it"):
        finished(url, town)


def test_an_idle_worker_finishes_the_switch_before_it_stops(town: Path, tmp_path: Path) -> None:
    url, moved = f"sqlite:{tmp_path / 'log.db'}", tmp_path / "moved.geojson"
    moved.write_bytes(layer(a=square(10, 0, 1), b=square(0, 0, 2)))
    regions = ("--regions", town, "--regions", f"town={moved}")
    many, now_ms = 20_000, time.time_ns() // 1_000_000
    ping = {"lon": 0.5, "lat": 0.5, "accuracy_m": 5, "time_ms": now_ms}
    crowd = [json.dumps({"device": f"d{number}", **ping}) for number in range(many)]
    assert run("topics", "create", "--log", url, "--partitions", "1").status == 0
    assert run("append", "--log", url, "-", stdin="\n".join(crowd).encode()).status == 0
    assert run("worker", "--log", url, *regions, "--until-idle").status == 0
    said = run("replay", *regions, "-", stdin=b"{}\n").err
    version = said.split("is in force, ")[1].split()[0]
    order = json.dumps({"kind": "version", "layer": "town", "version": version, "at_ms": now_ms}).encode()
    assert run("append", "--log", url, "-", stdin=order).status == 0
    assert run("worker", "--log", url, *regions, "--until-idle").status == 0
    told = run("tail", "--log", url, "--from", "beginning", "--json", "--no-follow").events
    assert sum(one["data"]["cause"] == "boundary" for one in told) == many


def test_a_worker_that_is_one_too_many_stops_when_the_others_have_taken_all(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}"
    monkeypatch.setattr("service.worker._GIVEN_S", 0.5, raising=False)

    @asynccontextmanager
    async def none(*_, **__):
        async def claims():
            await asyncio.Event().wait()
            yield

        yield claims()

    monkeypatch.setattr(SqliteLog, "claims", none)
    assert finished(url, town) == 0


def finished(url: str, town: Path) -> int:
    """How many pings a worker takes until it stops by itself."""
    from service.fences import from_files
    from service.layers import LayerOptions, load_versions

    async def work() -> int:
        versions = load_versions(LayerOptions((str(town),)))
        async with asyncio.timeout(15):
            await run_worker(url, from_files(versions, "rtree"), WorkerSettings(), until_idle=True)
        async with open_log(url.removeprefix("sqlite:"), read_only=True) as log:
            return sum(one.committed or 0 for one in (await log.standing(PINGS, group=WorkerSettings().group)).values())

    return asyncio.run(work())
