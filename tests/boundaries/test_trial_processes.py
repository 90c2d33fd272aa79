"""The processes of a dry run: none outlives whoever has begun it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def test_a_dry_run_that_is_killed_leaves_no_process_behind(tmp_path):
    with subprocess.Popen([sys.executable, Path(__file__).with_name("trial_tasks.py"), tmp_path]) as program:
        try:
            wait_for(lambda: len(pids(tmp_path)) == 2)
        finally:
            program.kill()
    try:
        wait_for(lambda: not any(map(lives, pids(tmp_path))), most_s=10)
    finally:
        for pid in pids(tmp_path):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def pids(folder: Path) -> list[int]:
    """Who has told that they are at work."""
    return [int(told) for one in folder.glob("*.pid") if (told := one.read_text())]


def lives(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(true, most_s=60.0):
    until_s = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.05)
