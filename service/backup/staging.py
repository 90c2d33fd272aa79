"""A folder of its own for what is not finished, beside where it is to go.

Around the making and the putting back of a backup. Invariant: what is left by a process that was killed is removed by
the next one that works in the same place; what another one still works on is left alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

PREFIX = ".geofence-unfinished-"


@contextmanager
def staging(place: Path) -> Iterator[Path]:
    """A new folder in `place`, for its owner alone, gone afterwards. Raises OSError."""
    _sweep(place)
    made, lock = _made(place)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _made(place: Path) -> tuple[Path, int]:
    while True:
        made = Path(mkdtemp(prefix=PREFIX, dir=place))
        lock = os.open(made, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            return made, lock
        os.close(lock)  # somebody took it for a leftover before it was locked


def _sweep(place: Path) -> None:
    for left in place.glob(f"{PREFIX}*"):
        try:
            lock = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
