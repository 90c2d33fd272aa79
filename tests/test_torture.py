"""The torture in short: every kind of fault once on one broker and embedded, and bugs that it finds: docs/torture.md.

Two runs go on side by side, as each of them mostly waits for sessions to end and brokers to start.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNS = {
    "kafka1": ["kafka1", "--short"],
    "sqlite": ["sqlite", "--short"],
    "important-only": ["sqlite", "--bug", "important-only", "--short"],
    "unready": ["sqlite", "--bug", "unready", "--short"],
}
WRONG = {
    "important-only": r"wrong tracks [1-9]",
    "unready": r"is sent, though worker \d+ can't load it|blocked .* it can't be loaded here",
}
PATIENCE_S = 400
SEEDS = ("1", "2", "3", "4")

Done = subprocess.CompletedProcess[str]


def done(words: list[str]) -> Done:
    """A run, when it is over. A bug may lie where few faults do not show it: then other pings and faults are tried."""
    for seed in SEEDS if "--bug" in words else SEEDS[:1]:
        command = [sys.executable, "-m", "tests.torture", *words, "--seed", seed]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
        if run.returncode:
            break
    return run


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Done]]]:
    """All runs, two at a time."""
    with ThreadPoolExecutor(2) as lanes:
        yield {name: lanes.submit(done, words) for name, words in RUNS.items()}


@pytest.mark.parametrize("name", ["kafka1", "sqlite"])
def test_whatever_strikes_nothing_is_lost_doubled_or_wrong(runs: dict[str, Future[Done]], name: str) -> None:
    run = runs[name].result()
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", WRONG)
def test_a_worker_or_a_publisher_with_a_bug_is_found_out(runs: dict[str, Future[Done]], name: str) -> None:
    run = runs[name].result()
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(WRONG[name], run.stdout), run.stdout
