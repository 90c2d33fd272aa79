"""Opening a log by its URL: which engine, and what its errors say on a command line.

Before every command that has `--log`. Invariant: whatever is wrong with a log ends in `Unusable`, with one clear line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from ingest.topics import PARTITIONS, PARTITIONS_EMBEDDED, PINGS, topics
from service.settings.reading import role_settings
from service.settings.secret import without_password
from service.source import Unusable
from stream import port

T = TypeVar("T")


@asynccontextmanager
async def open_log(url: str, *, read_only: bool = False) -> AsyncIterator[port.Log]:
    """The log at `sqlite:PATH` or `kafka://HOST:PORT[,HOST:PORT...]`. Raises Unusable."""
    scheme, _, place = url.partition(":")
    if scheme == "sqlite" and place:
        from stream.sqlite import Settings
        from stream.sqlite import open_log as open_sqlite

        settings = role_settings("sqlite", Settings)
        async with open_sqlite(place, read_only=read_only, settings=settings) as log:
            yield log
    elif scheme == "kafka" and "@" in place:
        raise Unusable(
            f"--log is {without_password(url)!r}; allowed: kafka://HOST:PORT. Who logs in stands in "
            "GEOFENCE_KAFKA_SASL, GEOFENCE_KAFKA_USERNAME and GEOFENCE_KAFKA_PASSWORD_FILE"
        )
    elif scheme == "kafka" and place.strip("/"):
        from stream.kafka import KafkaSettings, open_kafka

        brokers = role_settings("kafka", KafkaSettings, bootstrap=place.strip("/"))
        async with open_kafka(brokers) as kafka:
            yield kafka
    else:
        raise Unusable(
            f"--log is {without_password(url)!r}; allowed: sqlite:PATH, such as sqlite:var/log.db, or "
            "kafka://HOST:PORT, such as kafka://127.0.0.1:9092"
        )


def default_partitions(url: str) -> int:
    """How many partitions a log gets unless said otherwise."""
    return PARTITIONS_EMBEDDED if url.startswith("sqlite:") else PARTITIONS


async def ensure_topics(log: port.Log, url: str) -> None:
    """Make the topics of an embedded log that is new; those on Kafka are made by who runs it."""
    if not url.startswith("sqlite:"):
        return
    try:
        await log.partitions(PINGS)
    except port.Unusable:
        await log.create(topics(default_partitions(url)))


def run(coroutine: Coroutine[None, None, T], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run to the end. Errors of the log become Unusable; what Kafka's client says of them besides is left out."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(coroutine)
    except port.LogError as error:
        raise Unusable(str(error)) from None


def run_quickly(coroutine: Coroutine[None, None, T]) -> T:
    """The same on uvloop, for who has to do with many connections."""
    import uvloop

    return run(coroutine, uvloop.new_event_loop)
