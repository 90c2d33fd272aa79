"""`geofence doctor` on set-ups that lack something: what it says, what it mends, and that it never waits for long."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from broker import Cluster
from commands import HEADER, ROOT, run

from catalog import open_catalog, upgrade
from catalog.webhook import Filters
from ingest.topics import PINGS, TRACKS, topics
from stream.kafka import KafkaSettings, open_kafka
from stream.port import Record
from stream.sqlite import open_log

NAMES = [topic.name for topic in topics(4)]


PAGE = (ROOT / "docs" / "doctor.md").read_text()


@dataclass(frozen=True)
class Examined:
    """What the doctor said."""

    status: int
    findings: list[dict[str, str]]
    fixed: list[str]

    def of(self, check: str) -> list[tuple[str, str]]:
        """Level and text of a check's lines."""
        return [(one["level"], one["told"]) for one in self.findings if one["check"] == check]

    def commands(self, check: str) -> list[str]:
        """What to run."""
        return [one["command"] for one in self.findings if one["check"] == check]


@dataclass(frozen=True)
class Home:
    """Where a set-up is."""

    folder: Path

    @property
    def log(self) -> str:
        """The log's address."""
        return f"sqlite:{self.folder / 'log.db'}"

    @property
    def catalog(self) -> str:
        """The catalog's address."""
        return f"sqlite:{self.folder / 'catalog.db'}"

    def examined(self, *words: str, log: str = "", catalog: str = "") -> Examined:
        """Have the doctor look at it."""
        where = ("--log", log or self.log, "--catalog", catalog or self.catalog, "--shelf", str(self.folder / "shelf"))
        done = run("doctor", "--json", *where, *words)
        told = json.loads(done.out)
        assert told["status"] == done.status
        assert all(one["remedy"] for one in told["findings"] if one["level"] in ("warning", "error")), told
        return Examined(done.status, told["findings"], told["fixed"])


@pytest.fixture
def bare(tmp_path: Path) -> Home:
    """A set-up of which nothing was made yet."""
    return Home(tmp_path)


@pytest.fixture
def home(bare: Home) -> Home:
    """A log with its topics and a catalog."""
    assert run("topics", "create", "--log", bare.log).status == 0
    upgrade(bare.catalog)
    return bare


def append(home: Home, ago_s: float, devices: int = 20) -> None:
    """Pings of many devices, received a while ago."""
    time_ms = time.time_ns() // 1_000_000 - round(ago_s * 1000)
    path = home.folder / "pings.csv"
    path.write_text(HEADER + "".join(f"d{k},{time_ms},0.5,0.5,10\n" for k in range(devices)))
    assert run("append", "--log", home.log, "--keep-times", path).status == 0


def test_without_a_log_to_look_at_it_does_not_say_that_all_is_well() -> None:
    told = run("doctor")
    assert told.status == 1
    assert "warning  log       it was not said where the log is" in told.lines


def test_what_was_not_made_yet_is_told_and_made_when_asked_for(bare: Home) -> None:
    found = bare.examined()
    assert found.status == 2
    assert found.of("log")[0][0] == found.of("catalog")[0][0] == "error"
    assert found.commands("log") == [f"geofence topics create --log {bare.log}"]
    assert found.commands("catalog") == [f"geofence catalog upgrade --catalog {bare.catalog}"]
    assert found.of("topics") == [("unknown", "needs the log, which is not open: see its line")]
    assert not list(bare.folder.glob("*.db")), "looking makes nothing"
    fixed = bare.examined("--fix")
    assert len(fixed.fixed) == 2
    assert f"topics made: {', '.join(NAMES)}, with 4 partitions" in fixed.fixed
    assert fixed.of("topics") == [("ok", "all 5 are there and as they should be")]
    assert fixed.of("catalog")[0][0] == "ok"
    assert bare.examined("--fix").fixed == []


def test_text_says_what_to_do_below_each_line_and_the_sum_last(home: Home) -> None:
    told = run("doctor", "--log", home.log, "--catalog", home.catalog, "--shelf", home.folder / "shelf")
    assert told.status == 2
    at = told.lines.index("error    workers   no worker reports to the catalog")
    assert told.lines[at + 1].strip().startswith("Start one, or all roles of this home by `geofence run`.")
    assert told.lines[at + 2].strip() == f"$ geofence worker --log {home.log} --catalog {home.catalog}"
    assert told.lines[-1] == "1 error, 0 warnings"


def test_the_page_tells_of_every_check(home: Home) -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert told == list(dict.fromkeys(one["check"] for one in home.examined().findings))


def test_the_page_s_commands_mend_a_bare_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    looked, mended = [run(*line.split()[1:]) for line in re.findall(r"^    (geofence .*)$", PAGE, re.MULTILINE)]
    assert looked.lines[-1] == "2 errors, 0 warnings"
    assert mended.lines[-1] == "1 error, 0 warnings", "nobody works yet"


def test_a_catalog_of_a_newer_release_is_not_touched(home: Home) -> None:
    with closing(sqlite3.connect(home.folder / "catalog.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    found = home.examined("--fix")
    assert "at 9999, which this program does not know" in found.of("catalog")[0][1]
    assert "the catalog was not upgraded" in found.fixed[0]
    with closing(sqlite3.connect(home.folder / "catalog.db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_topics_that_are_otherwise_are_told_and_left_as_they_are(bare: Home) -> None:
    wrong = [replace(topic, partitions=2 if topic.name == TRACKS else 4) for topic in topics(4)][:-1]

    async def make() -> None:
        async with open_log(bare.folder / "log.db") as log:
            await log.create([replace(topic, keep_ms=1000) if topic.name == PINGS else topic for topic in wrong])

    asyncio.run(make())
    found = bare.examined("--fix")
    told = found.of("topics")
    assert ("error", "tracks: partitions is 2, not 4") in told
    assert ("warning", "pings: keep_ms is 1000, not 86400000") in told
    assert len(told) == 2, "the one that was missing was made"
    assert "topics made: pings-rejected, with 4 partitions" in found.fixed


def test_what_nobody_takes_is_told_in_records_and_seconds_and_if_it_will_soon_be_lost(home: Home) -> None:
    append(home, 80_000)
    (stuck, of_stuck), (lost, of_lost) = home.examined().of("lag")
    assert stuck == lost == "error"
    assert of_stuck.startswith("stuck: 20 records, the oldest 80,00"), of_stuck
    assert of_stuck.endswith("s old, on partitions 0, 1, 2, 3; nothing was taken for 2 s")
    assert of_lost.startswith("unread pings are nearly as old as they are kept (24 h): ")


def test_what_is_late_in_an_embedded_log_is_no_reason_to_start_another_worker(home: Home) -> None:
    append(home, 40)
    [late] = [one for one in home.examined().findings if one["check"] == "lag"]
    assert (late["level"], late["command"]) == ("warning", "")
    assert late["told"].startswith("late: 20 records, the oldest 4")
    assert late["remedy"].startswith("Look again in a minute")


def test_what_has_just_come_is_no_lag(home: Home) -> None:
    append(home, 1)
    [(level, told)] = home.examined().of("lag")
    assert (level, told[:11]) == ("ok", "20 records,")


def test_a_clock_that_is_ahead_is_seen_by_its_records(home: Home) -> None:
    append(home, 1)
    assert home.examined().of("clock")[0][0] == "ok"
    append(home, -5)
    assert home.examined().of("clock")[0][0] == "warning"
    append(home, -60)
    level, told = home.examined().of("clock")[0]
    assert level == "error"
    assert told.startswith(("records of pings are 59.", "records of pings are 60."))


def test_a_disk_that_is_nearly_full_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOFENCE_SQLITE_SPARE_BYTES", "0")  # any disk has room for that
    assert home.examined().of("disk")[0][0] in ("ok", "warning")
    monkeypatch.setenv("GEOFENCE_SQLITE_SPARE_BYTES", str(1 << 60))
    level, told = home.examined().of("disk")[0]
    assert level == "error"
    assert told.startswith("nearly full: ")
    assert told.endswith(f"free for log, catalog, shelf ({home.folder})")


def test_a_setting_that_can_not_be_is_told_and_the_rest_looked_at(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOFENCE_WORKER_GROUP", "")
    monkeypatch.setenv("GEOFENCE_GATEWAY_HEADS_S", "1")
    found = home.examined()
    assert [level for level, _ in found.of("settings")] == ["error", "error"]
    assert "did you mean GEOFENCE_GATEWAY_HEAD_S?" in found.of("settings")[0][1]
    assert found.of("topics")[0][0] == "ok"


def test_a_webhook_that_fails_is_late_or_dead_is_told(home: Home) -> None:
    now_ms = time.time_ns() // 1_000_000
    with open_catalog(home.catalog) as catalog:
        made = [
            catalog.webhooks.create(
                url=f"https://{name}.x/", filters=Filters(), marks=[0] * 4, by="test", now_ms=now_ms
            )[0]
            for name in ("fails", "late", "dead")
        ]
        leases = [catalog.deliveries.take(one.id, for_ms=9, now_ms=now_ms) for one in made]
        failed = replace(leases[0].progress, failures=7, failing_since_ms=now_ms - 90_000, last_status=503)
        assert catalog.deliveries.release(leases[0], failed)
        assert catalog.deliveries.die(leases[2], leases[2].progress, "gone", now_ms=now_ms)

    async def tell() -> None:
        async with open_log(home.folder / "log.db") as log:
            await log.append("region-changes", [Record(b"d", b"{}", time_ms=now_ms - 200_000)], partition=1)

    asyncio.run(tell())
    told = sorted(home.examined().of("webhooks"))
    assert [level for level, _ in told] == ["error", "warning", "warning"]
    assert told[0][1].startswith(f"webhook {made[1].id} is 1 records behind, the oldest 20")
    assert (f"webhook {made[2].id} was switched off: gone") in {said for _, said in told}
    assert any(f"webhook {made[0].id} fails since 9" in said and "7 times, last with 503" in said for _, said in told)


@contextmanager
def silence() -> Iterator[str]:
    """An address where somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_nothing_waits_longer_than_it_was_given_for_what_does_not_answer(bare: Home) -> None:
    with silence() as address:
        begun = time.monotonic()
        found = bare.examined(
            "--within", "1", log=f"kafka://{address}", catalog=f"postgresql://me:hush@{address}/geofence"
        )
        assert time.monotonic() - begun < 6
    assert found.of("log") == [("error", f"kafka://{address} did not answer within 1 s")]
    assert found.of("catalog") == [("error", f"postgresql://me:***@{address}/geofence did not answer within 1 s")]
    assert {level for level, _ in found.of("disk")} == {"ok", "unknown"}


def test_a_call_that_never_returns_keeps_neither_the_doctor_nor_its_process() -> None:
    code = """
import asyncio, threading
from service.doctor.waiting import Daemons, within
async def main():
    asyncio.get_running_loop().set_default_executor(Daemons())
    try:
        await within(asyncio.to_thread(threading.Event().wait), 0.2)
    except TimeoutError:
        print("left", flush=True)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stdout) == (0, "left\n"), done.stderr


def test_closed_ports_are_told_at_once(bare: Home) -> None:
    with silence() as address:
        pass
    found = bare.examined(log=f"kafka://{address}", catalog=f"postgresql://me:hush@{address}/geofence")
    assert found.status == 2
    assert found.of("log")[0][0] == found.of("catalog")[0][0] == "error"
    assert "hush" not in str(found)


def test_on_kafka_topics_are_made_and_a_broker_that_stands_still_is_told(
    bare: Home, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REPLICATION", "MIN_IN_SYNC"):
        monkeypatch.setenv(f"GEOFENCE_KAFKA_{name}", "1")
    log, upgraded = f"kafka://{cluster.bootstrap}", upgrade(bare.catalog)
    assert upgraded
    asyncio.run(_prepare(cluster))
    try:
        found = bare.examined(log=log)
        assert ("error", "tracks: partitions is 2, not 16") in found.of("topics")
        assert ("error", "missing: region-changes, presence, pings-rejected") in found.of("topics")
        found = bare.examined("--fix", log=log)
        assert "topics made: region-changes, presence, pings-rejected, with 16 partitions" in found.fixed
        assert found.of("topics") == [("error", "tracks: partitions is 2, not 16")]
        assert found.of("lag") == [("ok", "nothing waits to be taken by geofence-worker")]
        assert ("unknown", "of the log: it lies on other machines") in found.of("disk")
        cluster.brokers[0].pause()
        begun = time.monotonic()
        found = bare.examined("--within", "1", log=log)
        assert time.monotonic() - begun < 8
        assert found.of("log") == [("error", f"{log} did not answer within 1 s")]
    finally:
        cluster.brokers[0].go_on()
        asyncio.run(_remove(cluster))


async def _prepare(cluster: Cluster) -> None:
    """Topics of which one has too few partitions, and three are missing."""
    settings = KafkaSettings(bootstrap=cluster.bootstrap, replication=1, min_in_sync=1)
    async with open_kafka(settings) as log:
        some = [topic for topic in topics(16) if topic.name in (PINGS, TRACKS)]
        await log.create([replace(topic, partitions=2 if topic.name == TRACKS else 16) for topic in some])


async def _remove(cluster: Cluster) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    await admin.delete_topics(NAMES)
    await admin.close()
