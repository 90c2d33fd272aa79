"""docs/consume.md: each program of the page, run as it stands and killed, handles every event once."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from broker import Cluster, running, tied
from embedded import Embedded, wait_for
from one_process import event_record
from pages import programs

from geofence.presence import LayerPresence, Presence, Stay
from ingest.topics import CHANGES, PRESENCE, topics
from stream.kafka import KafkaSettings, open_kafka
from stream.port import Record

PROGRAMS = programs("consume.md")
MANY, CUT = 60, 20
_ATTEMPTS = """CREATE TABLE attempts (id TEXT);
CREATE TRIGGER attempt BEFORE INSERT ON handled BEGIN INSERT INTO attempts VALUES (new.id); END"""


class Program:
    """A program of the page, with a database of its own in which each attempt to handle an event is noted."""

    def __init__(self, folder: Path, name: str, **words: str) -> None:
        self.file, self.database = folder / name, folder / "own.db"
        self.file.write_text(PROGRAMS[name])
        self._words = {**os.environ, "DATABASE": str(self.database), **words}

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Meanwhile; ended by kill -9."""
        its = {"env": self._words, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([*tied(), sys.executable, str(self.file)], **its) as process:
            try:
                yield process
            finally:
                process.kill()

    def watch(self) -> None:
        """Note attempts from now on."""
        with sqlite3.connect(self.database) as database:
            database.executescript(_ATTEMPTS)

    def column(self, asked: str) -> list[str]:
        """What a question to the database gives; nothing while there is no such table."""
        try:
            with sqlite3.connect(self.database) as database:
                return [row[0] for row in database.execute(asked)]
        except sqlite3.OperationalError:
            return []

    def has(self, many: int) -> bool:
        """Whether so many events were handled."""
        return len(self.column("SELECT id FROM handled")) >= many


def event(number: int) -> tuple[str, str, int]:
    """One of many, of a few devices."""
    return f"d{number % 7}", "ab"[number % 2], number


@pytest.mark.parametrize("name", ["sse_consumer.py", "page_consumer.py"])
def test_a_program_over_http_that_is_killed_has_handled_every_event_once(
    embedded: type[Embedded], tmp_path: Path, name: str
) -> None:
    gateway = embedded()
    address = f"http://127.0.0.1:{gateway.port}"
    program = Program(tmp_path, name, GEOFENCE=address, KEY=gateway.key("events:read"), PAUSE_S="0.1")
    with program.running():
        wait_for(lambda: program.column("SELECT count(*) FROM handled"))
        program.watch()
        gateway.tell(*map(event, range(CUT)))
        wait_for(lambda: program.has(CUT))
    gateway.tell(*map(event, range(CUT, 2 * CUT)))
    with program.running():
        wait_for(lambda: program.has(2 * CUT))
        gateway.kill()
        gateway.start()
        gateway.tell(*map(event, range(2 * CUT, MANY)))
        wait_for(lambda: program.has(MANY))
    told = [one["id"] for one in gateway.pages("/v1/events?from=beginning", gateway.key("events:read"), limit=500)]
    assert sorted(program.column("SELECT id FROM handled")) == sorted(told)
    assert sorted(program.column("SELECT id FROM attempts")) == sorted(told), "repeated, though positions are kept"


def test_a_stream_without_a_right_ends_the_program_with_the_reason(embedded: type[Embedded], tmp_path: Path) -> None:
    gateway = embedded()
    program = Program(tmp_path, "sse_consumer.py", GEOFENCE=f"http://127.0.0.1:{gateway.port}", KEY="gf_wrong")
    with program.running() as process:
        assert process.wait(20) == 1


@pytest.fixture(scope="module")
def kafka() -> Iterator[Cluster]:
    """A broker with the topics."""
    with running() as cluster:

        async def create() -> None:
            async with open_kafka(_settings(cluster)) as log:
                await log.create(topics(4))

        asyncio.run(create())
        yield cluster


def _settings(cluster: Cluster) -> KafkaSettings:
    return KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1, session_s=3.0)


def _append(cluster: Cluster, topic: str, records: Sequence[Record]) -> None:
    async def append() -> None:
        async with open_kafka(_settings(cluster)) as log:
            await log.append(topic, records)

    asyncio.run(append())


def _abort(cluster: Cluster, record: Record) -> None:
    """Write an event as a worker does that then dies."""

    async def abort() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id="dies")
        await producer.start()
        try:
            await producer.begin_transaction()
            await producer.send_and_wait(CHANGES, record.value, key=record.key, headers=list(record.headers))
            await producer.abort_transaction()
        finally:
            await producer.stop()

    asyncio.run(abort())


def test_a_program_on_kafka_that_is_killed_has_handled_every_event_once(kafka: Cluster, tmp_path: Path) -> None:
    records = [event_record(*event(number)) for number in range(MANY)]
    program = Program(tmp_path, "kafka_consumer.py", KAFKA=kafka.bootstrap)
    with program.running():
        wait_for(lambda: program.column("SELECT count(*) FROM handled"))
        program.watch()
        _append(kafka, CHANGES, records[:CUT])
        wait_for(lambda: program.has(CUT))
    _abort(kafka, event_record("d0", "never", 999))
    _append(kafka, CHANGES, [*records[CUT:], records[0]])
    with program.running():
        wait_for(lambda: program.has(MANY))
        wait_for(lambda: len(program.column("SELECT id FROM attempts")) > MANY)
    ids = sorted(dict(record.headers)["ce_id"].decode() for record in records)
    assert sorted(program.column("SELECT id FROM handled")) == ids
    assert len(program.column("SELECT id FROM attempts")) == MANY + 1, "only what was written twice came twice"
    assert "never" not in program.column("SELECT region FROM handled")


def test_the_view_of_presence_has_what_holds_now(kafka: Cluster, tmp_path: Path) -> None:
    records = [
        presence("one", "a"),
        presence("two", "a"),
        presence("one", "b"),
        presence("three", "a"),
        presence("four"),
    ]
    _append(kafka, PRESENCE, [*records, Record(b"three", None)])
    with Program(tmp_path, "presence_view.py", KAFKA=kafka.bootstrap).running() as process:
        assert process.stdout
        assert json.loads(process.stdout.readline()) == {"a": ["two"], "b": ["one"], "None": ["four"]}
        _append(kafka, PRESENCE, [presence("two", "b")])
        end, seen = time.monotonic() + 20, {}
        while seen != {"b": ["one", "two"], "None": ["four"]}:
            assert time.monotonic() < end
            seen = json.loads(process.stdout.readline())


def presence(device: str, region: str | None = None) -> Record:
    """A device in a region of the layer `town`."""
    now = "2026-01-31T08:00:00.000Z"
    layers = {"town": LayerPresence((Stay(now, region),), 1, "v")}
    return Record(device.encode(), msgspec.json.encode(Presence(device=device, seen=now, layers=layers)))


def test_every_program_of_the_page_is_run_here() -> None:
    assert set(PROGRAMS) == {"kafka_consumer.py", "sse_consumer.py", "page_consumer.py", "presence_view.py"}
