"""A call of the catalog that hangs keeps nobody waiting, and no process from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from catalog import Unreachable
from web.calling import called

HANGS = """
import asyncio, time, web.calling
web.calling._WAIT_S = 0.1
async def main():
    try:
        await web.calling.called(time.sleep, 60)
    except web.calling.Unreachable:
        print("unreachable")
asyncio.run(main())
"""


def test_a_call_gives_what_it_gives_off_the_event_loop() -> None:
    def where(more: int) -> tuple[str, int]:
        return threading.current_thread().name, more + 1

    name, number = asyncio.run(called(where, 1))
    assert name.startswith("catalog-")
    assert number == 2


def test_a_call_raises_what_it_raises() -> None:
    def fail() -> None:
        raise Unreachable("gone")

    with pytest.raises(Unreachable, match="gone"):
        asyncio.run(called(fail))


def test_a_process_ends_while_a_call_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.returncode) == ("unreachable\n", 0), done.stderr
