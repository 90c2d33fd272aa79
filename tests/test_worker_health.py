"""A worker's health over HTTP, asked of the real process: live at once, ready when restored, stuck partitions named."""

import json
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from broker import free_ports
from commands import ROOT, run

from ingest.metrics import MEASURES


@pytest.fixture
def log(tmp_path: Path, walk: Path) -> str:
    url = f"sqlite:{tmp_path / 'log.db'}"
    assert run("topics", "create", "--log", url, "--partitions", "2").status == 0
    assert run("append", "--log", url, walk).status == 0
    return url


@contextmanager
def working(*arguments: object) -> Iterator[str]:
    """A worker; where it answers."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    words = [sys.executable, "-m", "service.cli", "worker", "--health", address, *map(str, arguments)]
    with Popen(words, stderr=PIPE, text=True, cwd=ROOT) as worker:
        try:
            yield f"http://{address}"
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(10) == 0, worker.stderr.read() if worker.stderr else ""
        finally:
            worker.kill()


def ask(url: str) -> tuple[int, str]:
    """Status and body, once somebody answers."""
    end = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_a_worker_is_ready_once_its_partitions_run_and_counts_what_it_does(log: str, town: Path) -> None:
    with working("--log", log, "--regions", town) as at:
        assert ask(f"{at}/health/live") == (200, '{"live":true}')
        end = time.monotonic() + 20
        while (found := ask(f"{at}/health/ready"))[0] != 200 and time.monotonic() < end:
            time.sleep(0.05)
        told = json.loads(found[1])
        assert [(one["partition"], one["state"]) for one in told["partitions"]] == [(0, "running"), (1, "running")]
        assert [one["layers"]["town"]["publication"] for one in told["partitions"]] == [0, 0]
        while "geofence_worker_pings_total" not in (text := ask(f"{at}/metrics")[1]) or total(text, "pings") < 60:
            assert time.monotonic() < end, text
            time.sleep(0.05)
        for one in MEASURES:
            assert f"# TYPE {one.exposed} {one.kind}" in text
        assert 'geofence_worker_state{partition="0",state="running"} 1.0' in text
        assert total(text, "events") == 4
        assert 'step="commit"' in text
        assert 'geofence_worker_publication{layer="town",partition="1"} 0.0' in text


def test_a_blocked_partition_is_named_and_the_worker_not_ready(log: str, town: Path, tmp_path: Path) -> None:
    switch = tmp_path / "switch.ndjson"
    switch.write_text('{"kind": "version", "layer": "town", "version": "nobody has it", "at_ms": 1893456000000}\n')
    assert run("append", "--log", log, switch).status == 0
    with working("--log", log, "--regions", town) as at:
        end = time.monotonic() + 20
        while "UnknownVersion" not in (found := ask(f"{at}/health/ready"))[1] and time.monotonic() < end:
            time.sleep(0.05)
        assert found[0] == 503
        one = json.loads(found[1])["partitions"][0]
        assert one["state"] == "blocked"
        assert "nobody has" in one["reason"]


@pytest.mark.parametrize("given", ["127.0.0.1", ":8081", "127.0.0.1:0", "[::1]:65536", "localhost:http"])
def test_what_is_no_address_is_one_line_that_names_the_option(given: str, log: str, town: Path) -> None:
    done = run("worker", "--log", log, "--regions", town, "--health", given)
    assert f"'--health': '{given}' is no address; allowed: HOST:PORT" in done.err
    assert (done.status, done.err.count("\n")) == (2, 1)


def total(text: str, name: str) -> float:
    """A counter over all partitions."""
    lines = [line for line in text.splitlines() if line.startswith(f"geofence_worker_{name}_total{{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
