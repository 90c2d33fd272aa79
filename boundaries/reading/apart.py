"""Reading a file from a stranger: in the sandbox, with the drivers that it needs and no others.

`read_apart` is what others call; `read_confined` is for functions that run in the sandbox and do more than read.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from boundaries.reading.drivers import only_ours
from boundaries.reading.kept import from_bytes, to_bytes
from boundaries.reading.options import Progress, Reading, ReadOptions
from boundaries.reading.read import read
from boundaries.sandbox import Outcome, run
from boundaries.task import Limits, Task

_KEPT = "reading.msgpack"


async def read_apart(
    path: Path,
    options: ReadOptions | None = None,
    on_progress: Progress | None = None,
    cancel: asyncio.Event | None = None,
    limits: Limits | None = None,
) -> Reading:
    """`read`, in a child process. Raises Unreadable, Undecided and Stopped."""
    task = Task(
        function=f"{__name__}.read_into",
        arguments={"path": str(path.absolute()), "options": asdict(options or ReadOptions())},
        reads=(path,),
        limits=limits or Limits(),
    )
    return await run(task, _take, on_progress, cancel)


def read_confined(path: str, options: dict[str, Any], progress: Progress) -> Reading:
    """`read`, in the sandbox; `options` as `dataclasses.asdict` gives them."""
    only_ours()
    return read(Path(path), msgspec.convert(options, ReadOptions), progress)


def read_into(folder: Path, progress: Progress, path: str, options: dict[str, Any]) -> None:
    """The task of `read_apart`: the reading goes into the folder."""
    (folder / _KEPT).write_bytes(to_bytes(read_confined(path, options, progress)))


def _take(outcome: Outcome) -> Reading:
    return from_bytes(outcome.file(_KEPT).read_bytes())
