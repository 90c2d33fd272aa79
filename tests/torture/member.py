"""One worker's process in the hands of who torments it: what it said it owns, and the signals and lines it is sent.

Between `crew`, which keeps several, and the process. Invariant: a process ends with this one, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.broker import tied

ROOT = Path(__file__).parents[2]
_LINE_BYTES = 1 << 20

Hear = Callable[["Member", Mapping[str, Any]], None]


class Member:
    """A process, from its start to its end."""

    def __init__(self, number: int, process: Process, hear: Hear) -> None:
        self.number = number
        self.owned: set[int] = set()  # partitions that it said are restored and running
        self.begun = self.leaving = self.stopped = False
        self.died_at: str | None = None
        self.ended, self.at = asyncio.Event(), asyncio.Event()  # at: it came to a point that was armed
        self._process, self._hear = process, hear
        self._up = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    def __repr__(self) -> str:
        return f"worker {self.number}"

    @property
    def owns(self) -> bool:
        """Whether it has said that it is ready and owns something, and has not been told to go."""
        return bool(self.owned) and not (self.leaving or self.stopped or self.ended.is_set())

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def begin(self, freeze_ms: int | None) -> None:
        """Let it open the log, once it is loaded; its clock may stand still."""
        await self._up.wait()
        self.begun = True
        self.tell(freeze=freeze_ms)

    def tell(self, **command: object) -> None:
        """Send it a line; nothing if it is gone."""
        if self._process.stdin and not self.ended.is_set() and not self._process.stdin.is_closing():
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")

    def arm(self, act: str, points: Sequence[str], visit: int = 1) -> None:
        """Let it die, stop or fail at a visit of one of these points."""
        self.at.clear()
        self.tell(arm={"act": act, "points": points, "visit": visit})

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if not self.ended.is_set():
            self.stopped = number is signal.SIGSTOP or (self.stopped and number is not signal.SIGCONT)
            self.leaving = self.leaving or number is signal.SIGTERM
            self._process.send_signal(number)

    async def kill(self) -> None:
        """Kill -9, and wait for its end."""
        if not self.ended.is_set():
            self._process.kill()
        await self.ended.wait()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            message = msgspec.json.decode(line)
            self._note(message)
            self._hear(self, message)
        await self._process.wait()
        self.owned.clear()
        self.ended.set()
        self._up.set()
        self._hear(self, {"say": "ended", "status": self._process.returncode})

    def _note(self, message: Mapping[str, Any]) -> None:
        said = message["say"]
        if said == "up":
            self._up.set()
        elif said == "at":
            self.died_at = message["point"]
            self.stopped = message["act"] == "stop"
            self.at.set()
        elif said == "state" and message["state"] == "running":
            self.owned.add(message["partition"])
        elif said == "state":
            self.owned.discard(message["partition"])


async def new_member(number: int, hear: Hear, folder: Path, *words: str) -> Member:
    """Start a process; what it says on standard error goes to a file of its own."""
    with (folder / f"worker-{number:03d}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *tied(), sys.executable, "-m", "tests.torture.process", *words,
            stdin=PIPE, stdout=PIPE, stderr=log, cwd=ROOT, limit=_LINE_BYTES,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    return Member(number, process, hear)
