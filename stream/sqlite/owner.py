"""One owning process for a file: a lock beside it that dies with its holder and says who that is.

Invariant: of two processes that want to write, one does; the other is told the first one's number and since when.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from stream.port import Unavailable, Unusable

_held: set[int] = set()


def _forget() -> None:
    """In a process that was forked off: it holds no lock, or it could outlive the owner with it."""
    for file in _held:
        os.close(file)
    _held.clear()


os.register_at_fork(after_in_child=_forget)


class Owner:
    """The lock in this process's hands."""

    def __init__(self, log: Path) -> None:
        """Take it. Raises Unavailable if somebody has it, Unusable if there can be no lock."""
        self._path = log.with_name(log.name + ".owner")
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unusable(
                f"{self._path}: the log's lock can't be made: {error.strerror}. The folder has to exist and be writable"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            who = os.pread(self._file, 200, 0).decode(errors="replace").strip() or "a process that has just begun"
            os.close(self._file)
            raise Unavailable(
                f"{log}: owned by {who}. One process writes a log; stop that one first, or open this for reading"
            ) from error
        _held.add(self._file)
        self._sign()

    def release(self) -> None:
        """Give it up."""
        _held.discard(self._file)
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        os.close(self._file)  # closing drops the lock; the file stays, or two could each lock their own

    def _sign(self) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(OSError):  # on a full disk the lock holds, only without a name
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"process {os.getpid()} since {since}\n".encode(), 0)
