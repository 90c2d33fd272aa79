"""One process in the hands of who torments it: what it said it owns, and the signals and lines it is sent.

Between `crew` and `desk`, which keep several, and the process, a worker's or a publisher's, which `nursery` has forked
off. Invariant: every process ends with this one, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from tests.broker import tied

ROOT = Path(__file__).parents[2]
_LINE_BYTES = 1 << 20

Hear = Callable[["Member", Mapping[str, Any]], None]
Ends = Callable[[int], Awaitable[int]]


class Member:
    """A process, from its start to its end."""

    def __init__(
        self, role: str, number: int, lines: StreamReader, writer: StreamWriter, hear: Hear, ends: Ends
    ) -> None:
        self.role, self.number, self.pid = role, number, 0
        self.owned: set[int] = set()  # partitions that it said are restored and running
        self.begun = self.opened = self.leaving = self.stopped = False  # opened: it has the log
        self.died_at: str | None = None
        self.unloaded: str | None = None  # the version that a worker was made to be unable to load
        self.carrying: tuple[str, int] | None = None  # the publication that a publisher carries on
        self.ended, self.at = asyncio.Event(), asyncio.Event()  # at: it came to a point that was armed
        self._lines, self._writer, self._hear, self._ends = lines, writer, hear, ends
        self._up = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    def __repr__(self) -> str:
        return f"{self.role} {self.number}"

    @property
    def owns(self) -> bool:
        """Whether it has said that it is ready and owns something, and has not been told to go."""
        return bool(self.owned) and not (self.leaving or self.stopped or self.ended.is_set())

    async def begin(self, freeze_ms: int | None) -> None:
        """Let it open the log; its clock may stand still."""
        await self._up.wait()
        self.begun = True
        self.tell(freeze=freeze_ms)

    def tell(self, **command: object) -> None:
        """Send it a line; nothing if it is gone."""
        if not self.ended.is_set() and not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(command) + b"\n")

    def arm(self, act: str, points: Sequence[str], visit: int = 1) -> None:
        """Let it die, stop or fail at a visit of one of these points."""
        self.at.clear()
        self.tell(arm={"act": act, "points": points, "visit": visit})

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if not self.ended.is_set():
            self.stopped = number is signal.SIGSTOP or (self.stopped and number is not signal.SIGCONT)
            self.leaving = self.leaving or number is signal.SIGTERM
            self._signal(number)

    async def kill(self) -> None:
        """Kill -9, and wait for its end."""
        if not self.ended.is_set():
            self._signal(signal.SIGKILL)
        await self.ended.wait()

    async def _read(self) -> None:
        with suppress(ConnectionError):
            while line := await self._lines.readline():
                message = msgspec.json.decode(line)
                self._note(message)
                self._hear(self, message)
        self._writer.close()
        self.owned.clear()
        status = await self._ends(self.pid)
        self.ended.set()
        self._up.set()
        self._hear(self, {"say": "ended", "status": status})

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _note(self, message: Mapping[str, Any]) -> None:
        said = message["say"]
        if said == "up":
            self.pid = message["pid"]
            self._up.set()
        elif said == "open":
            self.opened = True
        elif said == "carrying":
            self.carrying = message["layer"], message["number"]
        elif said == "unloadable":
            self.unloaded = message["hash"]
        elif said == "at":
            self.died_at = message["point"]
            self.stopped = message["act"] == "stop"
            self.at.set()
        elif said == "state" and message["state"] == "running":
            self.owned.add(message["partition"])
        elif said == "state":
            self.owned.discard(message["partition"])


class Nursery:
    """The process that forks off others; opened by `nursing`."""

    def __init__(self, process: Process, path: Path) -> None:
        self._process, self._path, self._number = process, path, 0
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def member(self, hear: Hear, role: str = "worker") -> Member:
        """A new process, a worker or a publisher; what it says on standard error goes to a file of its own."""
        self._number += 1
        lines, writer = await asyncio.open_unix_connection(str(self._path), limit=_LINE_BYTES)
        member = Member(role, self._number, lines, writer, hear, self._end)
        member.tell(number=member.number, role=role)
        return member

    async def follow(self) -> None:
        """Hear how processes end."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            message = msgspec.json.decode(line)
            if "pid" in message:
                self._ended(message["pid"]).set_result(message["status"])

    async def _end(self, pid: int) -> int:
        return await self._ended(pid)

    def _ended(self, pid: int) -> asyncio.Future[int]:
        return self._ends.setdefault(pid, asyncio.get_running_loop().create_future())


@asynccontextmanager
async def nursing(folder: Path, *words: str) -> AsyncIterator[Nursery]:
    """Start the process and wait until it has loaded everything."""
    path = folder / "nursery"
    with (folder / "nursery.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *tied(), sys.executable, "-m", "tests.torture.nursery", "--socket", str(path), *words,
            stdin=PIPE, stdout=PIPE, stderr=log, cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    nursery = Nursery(process, path)
    assert process.stdout
    if not await process.stdout.readline():
        raise RuntimeError(f"the nursery did not start; see {folder / 'nursery.log'}")
    following = asyncio.create_task(nursery.follow())
    try:
        yield nursery
    finally:
        following.cancel()
        process.kill()
        await process.wait()
