"""Work on files from strangers, in a child process with limits and a folder of its own.

Everything that opens an uploaded file runs here: reading, checking, tiles. The child gets a function's dotted path and
JSON arguments; the function is called with them and `folder` and `progress`, writes what is large into its folder and
returns what is small as JSON. Invariants: whatever the child does, the parent gets an `Outcome` or a BoundaryError, in
bounded time; the child and its folder are gone when `run` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from boundaries.errors import Stopped, Undecided, Unreadable
from boundaries.sandboxed import RESULT, Progress
from boundaries.task import Task, environment, order_of

T = TypeVar("T")

LINE_BYTES = 64 * 1024
SAID_BYTES = 4 * 1024 * 1024  # of all lines together: hours of progress
RESULT_BYTES = 64 * 1024 * 1024
TAIL_BYTES = 8 * 1024  # of what the child says of its own faults


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function gave; `folder` is there only as long as the one who takes the outcome is at it."""

    value: Any
    folder: Path

    def file(self, name: str) -> Path:
        """One of the files that the function wrote. Raises Unreadable where it is none: a link could lead anywhere."""
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            raise _rubbish()
        return path


class _Line(msgspec.Struct):
    """One line of the child: progress, done or failed."""

    stage: str = ""
    done: int | bool = 0
    total: int = 0
    failed: str = ""
    message: str = ""
    option: str = ""
    choices: tuple[str, ...] = ()


_read_line = msgspec.json.Decoder(_Line).decode


async def run(
    task: Task,
    take: Callable[[Outcome], T],
    on_progress: Progress | None = None,
    cancel: asyncio.Event | None = None,
) -> T:
    """What `take` makes of the outcome, in a thread, while the child's folder is still there.

    Raises Unreadable or Undecided as the function did, and Stopped where it used up a limit, crashed or was cancelled.
    """
    folder = Path(tempfile.mkdtemp(prefix="geofence-"))
    try:
        async with _child(task, folder) as child:
            await _followed(child, task, on_progress, cancel)
        return await asyncio.to_thread(_taken, folder, take)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


def run_and_wait(task: Task, take: Callable[[Outcome], T], on_progress: Progress | None = None) -> T:
    """`run`, where there is no event loop."""
    return asyncio.run(run(task, take, on_progress))


@contextlib.asynccontextmanager
async def _child(task: Task, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with (folder / "faults.txt").open("wb") as faults:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-s", "-m", "boundaries.sandboxed"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=faults,
            cwd=folder,
            env=environment(folder),
            start_new_session=True,
            limit=LINE_BYTES,
        )
    try:
        if child.stdin is not None:
            with contextlib.suppress(ConnectionError):
                child.stdin.write(order_of(task))
                await child.stdin.drain()
                child.stdin.close()
        yield child
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


async def _followed(
    child: asyncio.subprocess.Process, task: Task, on_progress: Progress | None, cancel: asyncio.Event | None
) -> None:
    """Return when the child says that it is done."""
    last = asyncio.ensure_future(_last_line(child, on_progress))
    cancelled = asyncio.ensure_future(cancel.wait()) if cancel else None
    waiting = [one for one in (last, cancelled) if one is not None]
    try:
        done, _ = await asyncio.wait(waiting, timeout=task.limits.wall_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            if not one.done():
                one.cancel()
    if last not in done:
        if cancelled in done:
            raise Stopped("It was cancelled.")
        raise Stopped(f"It took longer than {task.limits.wall_s:g} s and was stopped. Try a smaller or simpler file.")
    line = last.result()
    if line is None:
        raise await _death(child, task)
    if line.done is not True:
        raise _failure(line, task)


async def _last_line(child: asyncio.subprocess.Process, on_progress: Progress | None) -> _Line | None:
    """Done or failed; None: it ended without a word."""
    said = 0
    while child.stdout is not None:
        try:
            raw = await child.stdout.readline()
        except ValueError:
            raise _rubbish() from None
        if not raw:
            break
        said += len(raw)
        line = _line(raw)
        if line is None or said > SAID_BYTES:
            raise _rubbish()
        if line.failed or line.done is True:
            return line
        if on_progress is not None:
            on_progress(line.stage, int(line.done), line.total)
    return None


def _line(raw: bytes) -> _Line | None:
    try:
        return _read_line(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _rubbish() -> Unreadable:
    return Unreadable("The program that reads the file went wrong and was stopped. Export the file again and retry.")


async def _death(child: asyncio.subprocess.Process, task: Task) -> Stopped | Unreadable:
    """What the end of a child that said nothing means."""
    code = await child.wait()
    if code == -signal.SIGXCPU:
        return Stopped(f"It took more than {task.limits.cpu_s} s of computing and was stopped. Try a smaller file.")
    if code == -signal.SIGKILL:
        return Stopped("It was killed from outside, as happens when the machine's memory is used up. Try again.")
    if code < 0:
        name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
        return Unreadable(f"The program that reads the file crashed ({name}). Export the file again and retry.")
    return Unreadable("The program that reads the file ended without a result. Export the file again and retry.")


def _failure(line: _Line, task: Task) -> Stopped | Undecided | Unreadable:
    if line.failed == "undecided":
        return Undecided(line.message, line.option, line.choices)
    if line.failed == "unreadable":
        return Unreadable(line.message)
    if line.failed == "memory":
        most = task.limits.memory_bytes // 1024**2
        return Stopped(f"It needed more than {most} MB of memory and was stopped. Try a smaller or simpler file.")
    if line.failed == "fault":
        return Stopped(f"The work failed by a fault of this program ({line.message}). Please report it.")
    return Stopped(line.message)


def _taken(folder: Path, take: Callable[[Outcome], T]) -> T:
    result = Outcome(None, folder).file(RESULT)
    if result.stat().st_size > RESULT_BYTES:
        raise _rubbish()
    try:
        value = json.loads(result.read_bytes())
    except (ValueError, RecursionError):
        raise _rubbish() from None
    return take(Outcome(value, folder))
