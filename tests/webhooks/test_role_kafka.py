"""`geofence webhooks` on a real Kafka: two of them share the webhooks, one is killed; in long runs the broker, too."""

import asyncio
import signal
from pathlib import Path

from broker import Cluster, running
from receiver import Reply, receiving
from rig import PARTITIONS, crowd, expected, until
from test_role import LONG, start

from catalog import open_catalog, upgrade
from catalog.webhook import Filters
from ingest.topics import CHANGES, topics
from stream.kafka import KafkaSettings, open_kafka
from tests.gateway.one_process import event_record

MANY = 300


def test_a_sender_that_is_killed_is_replaced_and_a_broker_that_is_killed_waited_for(tmp_path: Path) -> None:
    catalog_url = f"sqlite:{tmp_path / 'catalog.db'}"
    upgrade(catalog_url)

    async def story(cluster: Cluster) -> None:
        settings = KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1, session_s=3.0)
        async with open_kafka(settings) as log, receiving() as one, receiving() as other:
            await log.create(topics(PARTITIONS))
            receivers = (one, other)
            with open_catalog(catalog_url) as catalog:
                for receiver in receivers:
                    receiver.reply = lambda _: Reply(late_s=0.005)
                    its = {"marks": [0] * PARTITIONS, "by": "tests", "now_ms": 1}
                    catalog.webhooks.create(url=receiver.url, filters=Filters(), **its)

            async def tell(first: int) -> None:
                events = crowd(first, first + MANY)
                await log.append(CHANGES, [event_record(device, "a", number) for device, number in events])

            roles = [start(tmp_path, "--log", f"kafka://{cluster.bootstrap}") for _ in range(2)]
            await tell(0)
            await until(lambda: all(len(receiver.taken) > 50 for receiver in receivers), 60)
            roles[0].kill()
            await tell(MANY)
            await until(lambda: all(len(receiver.taken) > MANY for receiver in receivers), 60)
            if LONG:
                await asyncio.to_thread(cluster.brokers[0].kill)
                await asyncio.to_thread(cluster.brokers[0].start)
                await asyncio.to_thread(cluster.ready)
            await tell(2 * MANY)
            for receiver in receivers:
                await until(lambda it=receiver: sum(map(len, it.sequences().values())) == 3 * MANY, 60)
                assert receiver.sequences() == expected(0, 3 * MANY)
            roles[1].send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(roles[1].wait, 15) == 0, (tmp_path / "said").read_text()
            roles[0].wait(10)

    with running() as cluster:
        asyncio.run(story(cluster))
