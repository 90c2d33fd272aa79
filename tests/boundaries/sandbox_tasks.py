"""What children of the sandbox are asked to do in tests: mostly what they should not."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boundaries.errors import Undecided, Unreadable

Progress = Callable[[str, int, int], None]


def double(folder: Path, progress: Progress, number: int) -> int:
    for done in range(3):
        progress(f"stage {done}", done, 3)
    return 2 * number


def write(folder: Path, progress: Progress, name: str, text: str) -> None:
    (folder / name).write_text(text)


def refuse(folder: Path, progress: Progress) -> None:
    raise Unreadable("It is a picture.")


def ask(folder: Path, progress: Progress) -> None:
    raise Undecided("Which layer?", "layer", ("one", "two"))


def fail(folder: Path, progress: Progress) -> None:
    raise RuntimeError("a bug of ours")


def hog(folder: Path, progress: Progress) -> int:
    return len(bytearray(3 * 1024**3))


def spin(folder: Path, progress: Progress) -> None:
    while True:
        pass


def hang(folder: Path, progress: Progress) -> None:
    (folder / "here").touch()
    progress("hanging", 0, 0)
    time.sleep(600)


def die(folder: Path, progress: Progress, number: int) -> None:
    os.kill(os.getpid(), number)


def leave(folder: Path, progress: Progress) -> None:
    os._exit(0)


def babble(folder: Path, progress: Progress, text: str, times: int) -> None:
    """Write to the pipe itself, as only a child that has been taken over would."""
    for place in range(3, 20):
        try:
            os.write(place, text.encode() * times)
        except OSError:
            continue
    time.sleep(600)


def swell(folder: Path, progress: Progress) -> None:
    with (folder / "large").open("wb") as large:
        for _ in range(10):
            large.write(bytes(1024**2))


def link(folder: Path, progress: Progress, target: str) -> None:
    (folder / "out.txt").symlink_to(target)


def peek(folder: Path, progress: Progress, path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        return type(error).__name__


def scribble(folder: Path, progress: Progress, path: str) -> str:
    try:
        Path(path).write_text("was here")
    except OSError as error:
        return type(error).__name__
    return "written"


def call(folder: Path, progress: Progress, port: int) -> str:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


def surroundings(folder: Path, progress: Progress) -> dict[str, Any]:
    print("this goes nowhere")
    return {
        "environment": sorted(os.environ),
        "cwd": str(Path.cwd()),
        "folder": str(folder),
        "session": os.getsid(0) == os.getpid(),
        "stopped": signal.getsignal(signal.SIGINT) is None,
        "modules": "numpy" in sys.modules,
    }


def compute(folder: Path, progress: Progress) -> list[int]:
    """How often a compiled function of the core was found compiled, and how often it had to be compiled."""
    import numpy as np

    from geofence.evidence import caps_m
    from geofence.rule import Rule

    column = np.array([10.0])
    caps_m(column, column / 20, Rule().packed()[0])
    stats: Any = getattr(caps_m, "stats")  # noqa: B009
    return [sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]
