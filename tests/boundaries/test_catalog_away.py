"""The catalog's database, a real PostgreSQL, is stopped or silent: workers go on, and one that starts waits for it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from office import Office, office
from test_publishing import DEVICES, EAST, WEST, pings

from catalog import open_catalog, upgrade
from ingest.topics import topics
from stream.sqlite import open_log
from tests.catalog.databases import OwnServer

Story = Callable[[Office], Awaitable[None]]

# Threads that waited for a server that did not answer let their connections go when they end, and some end late.
pytestmark = pytest.mark.filterwarnings("ignore:.*BaseConnection.__del__:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A server of its own."""
    own = OwnServer()
    yield own
    own.remove()
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # here, not in a test of others


@pytest.fixture
def url(server: OwnServer) -> str:
    """A catalog that is up to date."""
    its = server.database()
    upgrade(its)
    return its


def run(folder: Path, url: str, story: Story) -> None:
    """Tell a story in an office."""

    async def told() -> None:
        with open_catalog(url) as catalog:
            async with office(folder, url, catalog) as its:
                await story(its)

    asyncio.run(told())


@pytest.mark.parametrize(("away", "back"), [("stop", "start"), ("pause", "go_on")])
def test_workers_run_on_while_it_is_away_and_versions_are_published_once_it_is_back(
    tmp_path: Path, server: OwnServer, url: str, away: str, back: str
) -> None:
    async def story(its: Office) -> None:
        async with its.working(), its.publishing():
            await its.publish(its.draft(WEST))
            east = its.draft(EAST)
            getattr(server, away)()
            try:
                await its.send(pings(its))
                await its.taken()
                assert len(await its.events()) == len(DEVICES)
            finally:
                getattr(server, back)()
            assert (await its.publish(east)).state == "in_force"
            await its.taken()
            assert sum(event.data.cause == "boundary" for event in await its.events()) == len(DEVICES)

    run(tmp_path, url, story)


def test_a_worker_that_starts_while_it_is_away_waits_and_says_so_and_goes_on_once_it_is_back(
    tmp_path: Path, server: OwnServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "geofence.worker")

    async def story(its: Office) -> None:
        async with its.publishing():
            async with its.working():
                await its.publish(its.draft(WEST))
            server.stop()
            starting = asyncio.create_task(_work_until_told(its))
            try:
                await its.send(pings(its))
                await its.until(lambda: "catalog_awaited" in caplog.text)
                assert not its.status.held
                assert not await its.events()
            finally:
                server.start()
            await starting
            assert len(await its.events()) == len(DEVICES)

    run(tmp_path, url, story)


async def _work_until_told(its: Office) -> None:
    async with its.working():
        await its.until(lambda: bool(its.status.held))
        await its.taken()


def test_a_worker_ends_in_order_while_it_does_not_answer(tmp_path: Path, server: OwnServer, url: str) -> None:
    log = f"sqlite:{tmp_path}/log.db"
    asyncio.run(_make_log(tmp_path / "log.db"))
    words = ("worker", "--log", log, "--catalog", url, "--shelf", str(tmp_path / "atlases"))
    said = tmp_path / "said"
    with said.open("wb") as file:
        worker = subprocess.Popen([sys.executable, "-m", "service.cli", *words], stderr=file)
    try:
        _until(lambda: b"running" in said.read_bytes())
        server.pause()
        time.sleep(0.5)
        begun = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0, said.read_text()
        assert time.monotonic() - begun < 6.0
    finally:
        server.go_on()
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        worker.wait()


async def _make_log(path: Path) -> None:
    async with open_log(path) as log:
        await log.create(topics(1))


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
