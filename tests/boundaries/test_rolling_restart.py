"""Three workers on Kafka are restarted one after the other, and with each a version is published."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from broker import running as brokers
from office import QUICKLY, Office, running
from test_publishing import DEVICES, EAST, WEST, pings

from boundaries.publishing import Publisher
from catalog import Catalog, open_catalog, upgrade
from ingest.control import order
from ingest.settings import WorkerSettings
from ingest.status import Status
from ingest.topics import topics
from ingest.worker import wall_ms, work
from service.fences import from_catalog
from stream.kafka import KafkaSettings, open_kafka

# Kafka's client leaves a connection open that it is closed while making.
pytestmark = pytest.mark.filterwarnings("ignore:.*AIOKafkaConnection.__del__:pytest.PytestUnraisableExceptionWarning")

PARTITIONS = 6
SETTINGS = WorkerSettings(sweep_devices=3, backoff_s=0.05, backoff_most_s=0.2)


class Restarted:
    """A worker that can be ended in order and started again."""

    def __init__(self, its: Office, kafka: KafkaSettings) -> None:
        self._its, self._kafka = its, kafka
        self.status, self._stop = Status(), asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin as a new process would."""
        self.status, self._stop = Status(), asyncio.Event()
        self._working = asyncio.create_task(self._work())

    async def end(self) -> None:
        """As SIGTERM does."""
        self._stop.set()
        assert self._working
        await self._working

    async def _work(self) -> None:
        layers = from_catalog(self._its.url, self._its.folder / "atlases")
        async with open_kafka(self._kafka) as log, layers(SETTINGS, self.status, self._stop) as fences:
            await work(log, fences, SETTINGS, self.status, self._stop)


def test_versions_published_in_a_rolling_restart_move_every_resting_device_once(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/catalog/catalog.db"
    upgrade(url)
    with brokers() as cluster, open_catalog(url) as catalog:
        kafka = KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1, session_s=3.0, rebalance_s=2.0)
        asyncio.run(_story(tmp_path, url, catalog, kafka))


async def _story(folder: Path, url: str, catalog: Catalog, kafka: KafkaSettings) -> None:
    async with open_kafka(kafka) as log:
        await log.create(topics(PARTITIONS))
        its = Office(folder, url, catalog, log)
        publisher = Publisher(catalog, partial(order, log), PARTITIONS, "test", wall_ms, QUICKLY)
        async with running(publisher.run()), _three(its, kafka) as workers:
            versions = [its.draft(WEST), its.draft(EAST)]
            await its.publish(versions[0])
            await its.send(pings(its))
            await its.until(lambda: _first_fixes(workers) == len(DEVICES))
            for turn, worker in enumerate(workers, 1):
                publishing = asyncio.create_task(its.publish(versions[turn % 2]))
                await worker.end()
                worker.start()
                await its.until(lambda: _all_run(workers))
                assert (await publishing).state == "in_force"
        told = Counter(
            (event.data.cause, event.data.target.id) for event in await its.events() if event.data.target
        )  # fmt: skip
        assert told == {
            ("first_fix", "a"): len(DEVICES), ("boundary", "b"): 2 * len(DEVICES), ("boundary", "a"): len(DEVICES)
        }  # fmt: skip


@asynccontextmanager
async def _three(its: Office, kafka: KafkaSettings) -> AsyncIterator[list[Restarted]]:
    workers = [Restarted(its, kafka) for _ in range(3)]
    for worker in workers:
        worker.start()
    await its.until(lambda: _all_run(workers))
    try:
        yield workers
    finally:
        for worker in workers:
            with suppress(asyncio.CancelledError):
                await worker.end()


def _all_run(workers: list[Restarted]) -> bool:
    held = [one.partition for worker in workers if worker.status.running for one in worker.status.held]
    return sorted(held) == list(range(PARTITIONS)) and all(worker.status.running for worker in workers)


def _first_fixes(workers: list[Restarted]) -> int:
    return sum(one.counts["events"] for worker in workers for one in worker.status.held)
