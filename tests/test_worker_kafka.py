"""The worker on Kafka: the same runs as on the embedded log, on a real broker that is killed as well."""

import dataclasses
import random
import threading
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from broker import Cluster, running
from runs import SETTINGS, Faults, World
from test_worker import FENCES, GONE, MOVED, POINTS, ROW, script
from test_worker_input import BAD, FINE
from worlds import walk

from geofence.wire_events import decode_event
from stream.kafka import KafkaSettings, open_kafka
from stream.port import Log, Topic


@dataclass
class OnKafka(World):
    """A world whose log is on a broker of its own."""

    bootstrap: str = ""
    patience_s: float = 120.0

    def open(self, *, read_only: bool = False) -> AbstractAsyncContextManager[Log]:
        """The log; whoever only reads needs no leave for it."""
        return open_kafka(KafkaSettings(bootstrap=self.bootstrap, replication=1, min_in_sync=1, session_s=3.0))

    def topics(self) -> Sequence[Topic]:
        """What a script tells of is years old: a broker would drop it at once."""
        return [dataclasses.replace(topic, keep_ms=None) for topic in super().topics()]


@pytest.fixture
def own_broker() -> Cluster:
    """A broker that nobody else uses."""
    with running() as cluster:
        yield cluster


def test_a_run_on_kafka_with_faults_at_every_point_tells_what_its_replay_tells(
    tmp_path: Path, own_broker: Cluster
) -> None:
    settings = dataclasses.replace(SETTINGS, batch_records=7, tick_s=0.2)
    its = OnKafka(tmp_path, [ROW, FENCES], [MOVED, GONE], settings, bootstrap=own_broker.bootstrap)
    its.pour(script())
    faults = Faults(random.Random(7).sample(range(1, 250), 30))
    its.work(faults)
    told = its.check_against_replay(tmp_path)
    assert sum(map(len, told.values())) > 20
    assert [letter.reason for letter in its.letters()] == ["lon_range"]
    assert set(faults.struck) <= set(POINTS)
    assert sum(faults.struck.values()) >= 5


def test_a_broker_that_is_killed_in_the_midst_loses_and_doubles_nothing(tmp_path: Path, own_broker: Cluster) -> None:
    settings = dataclasses.replace(SETTINGS, batch_records=5, tick_s=0.2)
    its = OnKafka(tmp_path, [ROW, FENCES], [MOVED, GONE], settings, bootstrap=own_broker.bootstrap)
    its.pour(script())
    commits, fell = 0, threading.Event()

    def kill_at_the_third_commit(point: str) -> None:
        nonlocal commits
        commits += point == "before commit"
        if commits == 3 and not fell.is_set():
            fell.set()
            own_broker.brokers[0].kill()
            threading.Timer(1.0, own_broker.brokers[0].start).start()

    its.work(kill_at_the_third_commit)
    assert fell.is_set()
    assert its.check_against_replay(tmp_path)


def test_bad_records_of_every_kind_stop_nothing_on_kafka_either(tmp_path: Path, own_broker: Cluster) -> None:
    its = OnKafka(tmp_path, [ROW, FENCES], bootstrap=own_broker.bootstrap)
    steps = walk("A 0 A 60 A 120 B 180 B 240 B 300")
    its.pour([*steps[:3], *FINE.values(), *(record for record, _ in BAD.values()), *steps[3:]])
    its.work()
    assert sorted(letter.reason for letter in its.letters()) == sorted(reason for _, reason in BAD.values())
    assert max(letter.length for letter in its.letters()) > 10_000_000
    told = its.check_against_replay(tmp_path)
    assert [decode_event(line).data.target.id for line in told["d"] if decode_event(line).data.layer == "row"] == [
        "A",
        "B",
    ]
