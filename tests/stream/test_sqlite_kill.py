"""kill -9 of a process that appends, commits, compacts: what it acknowledged is there, once, and commits are whole."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from stories import batches, values

from stream.sqlite import open_log

ROUNDS = 25
ROOT = Path(__file__).parents[2]


def killed_after(path: Path, delay_s: float) -> tuple[int, int]:
    """Run the process, kill it; up to where it said it had appended and committed."""
    command = [sys.executable, str(Path(__file__).with_name("writing_process.py")), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay_s)
        assert process.poll() is None, "it ended by itself"
        process.kill()
        said = process.stdout.read().decode().splitlines()
    appended = [int(line[2:]) for line in said if line.startswith("a ")]
    committed = [int(line[2:]) for line in said if line.startswith("c ")]
    return max(appended, default=0), max(committed, default=0)


def test_nothing_acknowledged_is_lost_or_doubled_however_often_it_is_killed(tmp_path: Path) -> None:
    path, dice = tmp_path / "log.db", random.Random(11)
    most_appended = most_committed = 0

    async def look(read_only: bool) -> None:
        async with open_log(path, read_only=read_only) as log:
            there = await values(log, "in")
            assert there == [b"%d" % i for i in range(len(there))]
            assert len(there) >= most_appended
            committed = (await log.standing("in", group="mover"))[0].committed or 0
            assert committed >= most_committed
            assert await values(log, "out") == there[:committed]
            newest = [value for batch in await batches(log, "state") for value in batch.values][-1:]
            assert newest == ([b"%d" % committed] if committed else [])

    for turn in range(ROUNDS):
        appended, committed = killed_after(path, dice.uniform(0, 0.4))
        most_appended, most_committed = max(most_appended, appended), max(most_committed, committed)
        asyncio.run(look(read_only=bool(turn % 2)))
    assert most_committed > 1000
