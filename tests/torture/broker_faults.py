"""Faults of brokers: killed with -9 and started again; of three, the one that matters killed, or cut off.

Cut off is a broker whose process is stopped for longer than its session with the controller: it answers nobody, its
place is taken by another, and when it wakes up it still believes that it leads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError

from ingest.topics import PINGS
from tests.broker import Broker, Cluster
from tests.torture.scene import Act, Scene
from tests.torture.schedule import Strike
from tests.torture.town import SETTINGS

_WHOLE_S = 60.0
_CUT_OFF_S = 3.5  # its session has 2

Find = Callable[[Cluster, int], Awaitable[Broker]]


async def broker_killed(scene: Scene, strike: Strike, cluster: Cluster) -> None:
    """The only broker, killed and started again a moment later."""
    await scene.crew.settled()
    scene.struck(strike.kind, "the only one", owner=True)
    cluster.brokers[0].kill()
    await asyncio.sleep(strike.length)
    cluster.brokers[0].start()


async def one_killed(scene: Scene, strike: Strike, cluster: Cluster, find: Find) -> None:
    """Of three the one that an owner needs; started again some seconds later."""
    broker, partition = await _needed(scene, strike, cluster, find)
    scene.struck(strike.kind, f"broker {broker.node}, partition {partition}", owner=True)
    broker.kill()
    await asyncio.sleep(2.0 + 3.0 * strike.length)
    broker.start()
    await whole(cluster)


async def one_cut_off(scene: Scene, strike: Strike, cluster: Cluster, find: Find) -> None:
    """Of three the one that an owner needs; it wakes up when it has been replaced."""
    broker, partition = await _needed(scene, strike, cluster, find)
    scene.struck(strike.kind, f"broker {broker.node}, partition {partition}", owner=True)
    broker.pause()
    await asyncio.sleep(_CUT_OFF_S + 3.0 * strike.length)
    broker.go_on()
    await whole(cluster)


def of_one(cluster: Cluster) -> dict[str, Act]:
    """The faults of a single broker, by kind."""
    return {"broker killed": partial(broker_killed, cluster=cluster)}


def of_three(cluster: Cluster) -> dict[str, Act]:
    """The faults of three, by kind."""
    return {
        "leader killed": partial(one_killed, cluster=cluster, find=_leader),
        "coordinator killed": partial(one_killed, cluster=cluster, find=_coordinator),
        "leader cut off": partial(one_cut_off, cluster=cluster, find=_leader),
    }


async def whole(cluster: Cluster) -> None:
    """Wait until every copy of every partition is in sync; not for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_WHOLE_S):
            while not await _is_whole(cluster):
                await asyncio.sleep(0.3)


async def _needed(scene: Scene, strike: Strike, cluster: Cluster, find: Find) -> tuple[Broker, int]:
    """The broker that an owner needs for one of its partitions."""
    await scene.crew.settled()
    while True:
        owner = await scene.crew.owner(strike.draw)
        partition = sorted(owner.owned)[int(strike.length * len(owner.owned))]
        with suppress(KafkaError, TimeoutError, StopIteration):
            return await find(cluster, partition), partition
        await asyncio.sleep(0.2)


async def _leader(cluster: Cluster, partition: int) -> Broker:
    async with _admin(cluster) as admin:
        (topic,) = await admin.describe_topics([PINGS])
    leader = next(one["leader"] for one in topic["partitions"] if one["partition"] == partition)
    return _numbered(cluster, leader)


async def _coordinator(cluster: Cluster, partition: int) -> Broker:
    """The coordinator of a partition's transactions."""
    client = AIOKafkaClient(bootstrap_servers=cluster.bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        name = f"{SETTINGS.group}-{PINGS}-{partition}"
        return _numbered(cluster, await client.coordinator_lookup(CoordinationType.TRANSACTION, name))
    finally:
        await client.close()


async def _is_whole(cluster: Cluster) -> bool:
    try:
        async with asyncio.timeout(8), _admin(cluster) as admin:
            topics = await admin.describe_topics()
    except (KafkaError, OSError, TimeoutError, AttributeError):
        return False
    partitions = [one for topic in topics for one in topic["partitions"]]
    return all(len(one["isr"]) == len(one["replicas"]) and one["leader"] > 0 for one in partitions)


def _numbered(cluster: Cluster, node: int) -> Broker:
    return next(broker for broker in cluster.brokers if broker.node == node)


@asynccontextmanager
async def _admin(cluster: Cluster) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        yield admin
    finally:
        with suppress(Exception):
            await admin.close()
