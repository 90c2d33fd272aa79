"""The torture in short: every kind of fault once, on one broker and embedded: docs/torture.md.

Both go on side by side, as each of them mostly waits for sessions to end and brokers to start. That bugs are found is
for `make torture` to show.
"""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNS = ("kafka1", "sqlite")
PATIENCE_S = 400

Done = subprocess.CompletedProcess[str]


def done(name: str) -> Done:
    """A run, when it is over."""
    command = [sys.executable, "-m", "tests.torture", name, "--short", "--seed", "1"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Done]]]:
    """All runs."""
    with ThreadPoolExecutor(len(RUNS)) as lanes:
        yield {name: lanes.submit(done, name) for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
def test_whatever_strikes_nothing_is_lost_doubled_or_wrong(runs: dict[str, Future[Done]], name: str) -> None:
    run = runs[name].result()
    assert run.returncode == 0, run.stdout + run.stderr
