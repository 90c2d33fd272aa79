"""A backup of a `geofence run` that takes pings all the while, restored into a fresh home that goes on."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
from shapely.geometry import box
from test_run import ROOT, Running, published, run

from boundaries.geojson import geojson_of
from geofence.region import Region
from geofence.wire_events import decode_binary, encode_event
from ingest.dump import dump
from ingest.settings import WorkerSettings
from ingest.topics import CHANGES, PINGS
from service.backup.restoring import restore_backup
from service.home import Home
from service.published import begin_published
from service.replay import ReplayOptions, replay_file
from stream.sqlite import open_log

TOWN = [Region("west", box(0, 0, 0.01, 0.01)), Region("east", box(0.01, 0, 0.02, 0.01))]
DEVICES = [f"d{number}" for number in range(20)]
PATIENCE_S, DAY_MS = 60.0, 86_400_000


class Load:
    """Pings of devices that walk from west to east and back, posted all the time by a thread."""

    def __init__(self, running: Running, from_ms: int) -> None:
        self.acknowledged: set[tuple[str, int]] = set()
        self._running, self._now_ms, self._stop = running, from_ms, threading.Event()
        self._thread = threading.Thread(target=self._post)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def more(self) -> None:
        """Wait until some more was acknowledged."""
        want = len(self.acknowledged) + 5 * len(DEVICES)
        until(lambda: len(self.acknowledged) >= want or not self._thread.is_alive())

    def _post(self) -> None:
        name, _, value = self._running.environment()["AUTH"].partition(": ")
        with httpx.Client(base_url=self._running.url, headers={name: value}, timeout=30) as client:
            while not self._stop.wait(0.1):
                self._now_ms += 60_000
                east = self._now_ms // 180_000 % 2
                pings = [
                    {"device": device, "lon": 0.004 + 0.012 * east, "lat": 0.0002 + 0.0004 * place, "accuracy_m": 5,
                     "time_ms": self._now_ms}
                    for place, device in enumerate(DEVICES)
                ]  # fmt: skip
                answer = client.post("/v1/pings", json=pings)
                assert answer.json() == {"accepted": len(pings), "rejected": []}, answer.text
                self.acknowledged |= {(ping["device"], ping["time_ms"]) for ping in pings}  # type: ignore[misc]


def until(true: Callable[[], Any]) -> None:
    """Wait for it."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def geofence(*words: str | Path) -> dict[str, Any]:
    """A command's JSON."""
    line = [sys.executable, "-m", "service.cli", *map(str, words), "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _held(log_file: Path) -> tuple[list[list[bytes]], dict[str, list[bytes]], bool]:
    """The input of each partition as lines, the events by device, and whether all of the input is taken."""
    lines, events = [], defaultdict[str, list[bytes]](list)
    async with open_log(log_file, read_only=True) as log:
        for partition in range(await log.partitions(PINGS)):
            parts = dump(log, partition, value_bytes=65_536)
            lines.append([line + b"\n" async for part in parts for line in part.lines])
            async for batch in log.read(CHANGES, partition, to_end=True):
                for headers, value in zip(batch.headers, batch.values, strict=True):
                    event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
                    events[event.subject].append(encode_event(event))
        standing = await log.standing(PINGS, group=WorkerSettings().group)
    return lines, dict(events), all((one.committed or 0) >= one.end for one in standing.values())


def judge(home: Path, folder: Path) -> tuple[set[tuple[str, int]], dict[str, list[bytes]]]:
    """That the events of a home are those of a replay of its input, each once; its pings, and its events."""
    lines, told, taken = asyncio.run(_held(home / "log.db"))
    assert taken
    expected, pings = defaultdict[str, list[bytes]](list), set()
    for partition, some in enumerate(lines):
        file, out = folder / f"{home.name}-{partition}.ndjson", io.BytesIO()
        file.write_bytes(b"".join(some) or b"\n")
        begin = begin_published(f"sqlite:{home / 'catalog.db'}", str(home / "atlases"))
        replay_file(str(file), begin, out, ReplayOptions("required", "geofence", until="2099-01-01"))
        for line in out.getvalue().splitlines():
            expected[msgspec.json.decode(line)["subject"]].append(line)
        records = [msgspec.json.decode(line) for line in some]
        pings |= {(one["device"], one["time_ms"]) for one in records if "lon" in one}
    assert told == dict(expected)
    return pings, told


def test_restored_from_amid_the_load_it_has_all_that_was_acknowledged_and_goes_on(tmp_path: Path) -> None:
    town, begun_ms, made = tmp_path / "town.geojson", time.time_ns() // 1_000_000, []
    town.write_bytes(geojson_of(TOWN))
    with run(tmp_path / "home") as running, Load(running, begun_ms - 5 * DAY_MS) as load, ThreadPoolExecutor() as pool:
        load.more()
        publishing = pool.submit(asyncio.run, published(running, town))
        for number in range(2):
            before = set(load.acknowledged)
            made.append((before, geofence("backup", "--home", running.home, tmp_path / f"{number}.tar.zst")))
            assert publishing.result() == {"town": 2}
            load.more()
    for number, (before, told) in enumerate(made):
        again = tmp_path / f"again-{number}"
        restore_backup(Path(told["file"]), Home(again), lambda *_: None)
        assert before <= pings_in(again), "something acknowledged is not in the backup"
    with run(again) as running:
        reader = running.ask("GET", "/v1/events?from=now&limit=1")["next"]
        with Load(running, begun_ms - 2 * DAY_MS) as load:
            until(lambda: running.ask("GET", f"/v1/events?after={reader}&limit=1")["events"])
        until(lambda: asyncio.run(_held(again / "log.db"))[2])
    pings, events = judge(again, tmp_path)
    assert before | load.acknowledged <= pings
    assert set(events) == set(DEVICES)


def pings_in(home: Path) -> set[tuple[str, int]]:
    """The pings of a home's log."""
    lines, *_ = asyncio.run(_held(home / "log.db"))
    records = [msgspec.json.decode(line) for some in lines for line in some]
    return {(one["device"], one["time_ms"]) for one in records if "lon" in one}
