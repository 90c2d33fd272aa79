"""A process that carries publications on, as a gateway's does, and does what it is told on standard input.

Forked off by `nursery`. Its switches have the town's time; all else goes by the machine's clock. On the embedded log,
which has one owner, it has the parent append for it. It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import msgspec

from boundaries.publishing import Publisher
from catalog import Catalog, open_catalog
from geofence.control import Switch
from ingest.control import record_of
from ingest.topics import PINGS
from ingest.worker import wall_ms
from stream.kafka import open_kafka
from stream.port import Record, Unavailable
from tests.torture.points import Points, say
from tests.torture.process import parent, told_of
from tests.torture.town import PARTITIONS, PUBLISHING, Clock, kafka_settings

Append = Callable[[int, Record], Awaitable[None]]


class PointedPublishing:
    """The catalog's side of publishing, with a point before and after each step; says what it has got hold of."""

    def __init__(self, publishing: Any, points: Points) -> None:
        self._publishing, self._points = publishing, points

    def __getattr__(self, name: str) -> Any:
        step = getattr(self._publishing, name)

        def pointed(*given: Any, **more: Any) -> Any:
            self._points.visit(f"before {name}")
            found = step(*given, **more)
            self._points.visit(f"after {name}")
            return found

        return pointed

    def take(self, *given: Any, **more: Any) -> Any:
        """As the catalog's own."""
        held = self._publishing.take(*given, **more)
        if held is not None:
            say(say="carrying", layer=held.layer, number=held.number)
            self._points.visit("after held")
        return held


class Dictated:
    """Appends that the parent does."""

    def __init__(self) -> None:
        self._numbers, self._answers = count(), dict[int, asyncio.Future[None]]()

    async def append(self, partition: int, record: Record) -> None:
        """Append; raises Unavailable if that was refused."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        say(say="order", number=number, partition=partition, record=record)
        await answer

    def answered(self, number: int, why: str | None) -> None:
        """What became of one."""
        answer = self._answers.pop(number)
        if why is None:
            answer.set_result(None)
        else:
            answer.set_exception(Unavailable(why))


async def follow(lines: asyncio.StreamReader, points: Points, dictated: Dictated) -> None:
    """Obey until the parent is gone; then end at once."""
    while line := await lines.readline():
        command = msgspec.json.decode(line)
        if "arm" in command:
            points.arm(**command["arm"])
        elif "disarm" in command:
            points.disarm()
        elif "ordered" in command:
            dictated.answered(command["ordered"], command["why"])
    os._exit(3)


@asynccontextmanager
async def appending(given: argparse.Namespace, dictated: Dictated) -> AsyncIterator[Append]:
    """How it appends."""
    engine, _, place = given.log.partition(":")
    if engine == "sqlite":
        yield dictated.append
        return
    async with open_kafka(kafka_settings(place, given.brokers)) as log:

        async def append(partition: int, record: Record) -> None:
            await log.append(PINGS, [record], partition=partition)

        yield append


async def main(given: argparse.Namespace) -> None:
    """Carry publications on until SIGTERM."""
    stop, clock, points, dictated = told_of(given), Clock(given.begun), Points(), Dictated()
    lines = await parent()
    say(say="up", pid=os.getpid())
    await lines.readline()
    following = asyncio.create_task(follow(lines, points, dictated))
    with open_catalog(given.catalog) as catalog:
        async with appending(given, dictated) as append:
            publishing = asyncio.create_task(_publisher(catalog, append, points, clock).run())
            await stop.wait()
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
    following.cancel()


def _publisher(catalog: Catalog, append: Append, points: Points, clock: Clock) -> Publisher:
    async def order(switch: Switch, partition: int | None) -> None:
        record = record_of(msgspec.structs.replace(switch, at_ms=clock.now_ms()))
        for one in range(PARTITIONS) if partition is None else [partition]:
            points.visit("before order")
            await append(one, record)
            points.visit("after order")

    catalog.publishing = PointedPublishing(catalog.publishing, points)  # type: ignore[assignment]
    return Publisher(catalog, order, PARTITIONS, f"publisher-{os.getpid()}", wall_ms, PUBLISHING)
