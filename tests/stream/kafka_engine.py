"""The contract suite's engine on Kafka: names of its own on the broker that all tests share."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from itertools import count

from broker import Cluster

from stream.kafka import KafkaSettings, open_kafka
from stream.port import Log

_number = count()


class Kafka:
    """Topics and groups that are told from those of other tests by a number."""

    name = "kafka"

    def __init__(self, cluster: Cluster) -> None:
        self._settings = KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1, session_s=3.0)
        self._suffix = f"-{next(_number)}"

    def open(self) -> AbstractAsyncContextManager[Log]:
        return open_kafka(self._settings)

    def named(self, topic: str) -> str:
        return topic + self._suffix

    async def settle(self, log: Log) -> None:
        raise AssertionError("Kafka's brokers keep house when they please; see test_kafka_upkeep")
