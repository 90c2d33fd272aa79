"""The torture in short: every kind of fault once on each engine, and a bug that it finds. See docs/torture.md.

The runs go on side by side, as each of them mostly waits for sessions to end.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from broker import tied

ROOT = Path(__file__).parents[1]
RUNS = {
    "kafka1": ["kafka1", "--short"],
    "kafka3": ["kafka3", "--short"],
    "sqlite": ["sqlite", "--short"],
    "bug": ["--bug", "important-only", "--short"],
}
PATIENCE_S = 400


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """All runs, started together."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(started(*words)) for name, words in RUNS.items()}


def started(*words: str) -> subprocess.Popen[str]:
    """One run, which ends with this process."""
    command = [*tied(), sys.executable, "-m", "tests.torture", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("name", ["kafka1", "kafka3", "sqlite"])
def test_whatever_strikes_nothing_is_lost_doubled_or_wrong(runs: dict[str, subprocess.Popen[str]], name: str) -> None:
    said, _ = runs[name].communicate(timeout=PATIENCE_S)
    assert runs[name].returncode == 0, said


def test_a_worker_with_a_bug_is_found_out(runs: dict[str, subprocess.Popen[str]]) -> None:
    said, _ = runs["bug"].communicate(timeout=PATIENCE_S)
    assert runs["bug"].returncode == 1, said
    assert "wrong tracks 0," not in said
    assert "wrong tracks" in said
