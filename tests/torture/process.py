"""A process that works as `geofence worker` does, and does what it is told on standard input.

Forked off by `nursery`. It says `up`, waits for the first line, then opens the log and works until SIGTERM, on the
layers that the catalog has published; its states, commits and points go to standard output, a JSON object a line. On
the embedded log, which has one owner, it also appends what it is sent. It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from ingest.status import Status
from ingest.topics import PINGS
from ingest.worker import work
from service.fences import from_catalog
from stream.kafka import open_kafka
from stream.port import Log, LogError, Record
from stream.sqlite import Settings, open_log
from tests.torture.bugs import BUGS
from tests.torture.hooks import Loading, hook_kafka, hook_loading, hook_sqlite
from tests.torture.points import Points, say
from tests.torture.town import SETTINGS, Clock, kafka_settings
from tests.torture.watched import WatchedLog

_LINE_BYTES = 1 << 22


class Append(msgspec.Struct):
    """Records for one partition of `pings`, and a number to answer by."""

    number: int
    partition: int
    records: list[Record]


class Told(logging.Handler):
    """The worker's own log, partitions' states to the parent as well."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        facts = dict(word.partition("=")[::2] for word in record.getMessage().split() if "=" in word)
        action = getattr(record, "action", "")
        if action in ("restoring", "running", "failed", "blocked", "left"):
            say(say="state", state=action, partition=int(facts["partition"]), why=record.getMessage())
        elif action in ("catalog_awaited", "catalog_away"):
            say(say="catalog", state=action)
        sys.stderr.write(f"{record.created:.3f} {record.getMessage()}\n")


class Commands:
    """What the parent says, line by line."""

    def __init__(self, points: Points, loading: Loading) -> None:
        self._points, self._loading = points, loading
        self.appends: asyncio.Queue[Append] = asyncio.Queue()

    async def follow(self, lines: asyncio.StreamReader) -> None:
        """Obey until the parent is gone; then end at once."""
        while line := await lines.readline():
            self._obey(msgspec.json.decode(line))
        os._exit(3)

    def _obey(self, command: Mapping[str, Any]) -> None:
        if "arm" in command:
            self._points.arm(**command["arm"])
        elif "disarm" in command:
            self._points.disarm()
        elif "unloadable" in command:
            self._loading.unloadable = command["unloadable"]
        elif "append" in command:
            self.appends.put_nowait(msgspec.convert(command["append"], Append))

    async def append(self, log: Log) -> None:
        """Append what comes, one after the other, and say what became of it."""
        while True:
            some = await self.appends.get()
            try:
                await log.append(PINGS, some.records, partition=some.partition)
            except LogError as error:
                say(say="refused", number=some.number, why=str(error))
            else:
                say(say="appended", number=some.number)


def opened(given: argparse.Namespace, points: Points) -> AbstractAsyncContextManager[Log]:
    """The log, with its points in place."""
    engine, _, place = given.log.partition(":")
    if engine == "sqlite":
        hook_sqlite(points)
        return open_log(place, settings=Settings(upkeep_s=2.0))
    hook_kafka(points)
    return open_kafka(kafka_settings(place, given.brokers))


def told_of(given: argparse.Namespace) -> asyncio.Event:
    """What is common to all processes: their own log is heard, bugs are in place; set by the signals that end them."""
    told, stop = logging.getLogger("geofence"), asyncio.Event()
    told.addHandler(Told())
    told.setLevel(logging.INFO)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if given.bug:
        BUGS[given.bug]()
    return stop


async def parent() -> asyncio.StreamReader:
    """What the parent says."""
    lines = asyncio.StreamReader(limit=_LINE_BYTES)
    protocol = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return lines


async def main(given: argparse.Namespace) -> None:
    """Work until SIGTERM."""
    stop, clock, points, loading = told_of(given), Clock(given.begun), Points(), Loading()
    hook_loading(points, loading)
    lines = await parent()
    say(say="up", pid=os.getpid())
    clock.last_ms = msgspec.json.decode(await lines.readline() or b"{}").get("freeze") or clock.last_ms
    commands, status = Commands(points, loading), Status()
    async with opened(given, points) as log:
        watched: Any = WatchedLog(log, points)
        helpers = [asyncio.create_task(commands.follow(lines)), asyncio.create_task(commands.append(watched))]
        say(say="open")
        async with from_catalog(given.catalog, Path(given.shelf))(SETTINGS, status, stop) as fences:
            await work(watched, fences, SETTINGS, status, stop, now_ms=clock.now_ms)
        for helper in helpers:
            helper.cancel()


def options() -> argparse.ArgumentParser:
    """What is common to all processes of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True)
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--shelf", required=True)
    parser.add_argument("--begun", type=float, required=True)
    parser.add_argument("--bug", choices=[*BUGS])
    return parser
