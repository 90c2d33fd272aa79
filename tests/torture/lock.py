"""A process that keeps everybody else from writing to a SQLite database, and from opening it.

`python -m tests.torture.lock FILE`: says `locked`, and lets go when its standard input ends. It holds a transaction
that writes, and the byte of the file that whoever opens it has to lock for a moment.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.broker import tied

ROOT = Path(__file__).parents[2]
_PENDING_BYTE = 0x40000000  # as SQLite's file format has it


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    """Lock it meanwhile."""
    words = (*tied(), sys.executable, "-m", "tests.torture.lock", str(database))
    process = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, cwd=ROOT)
    assert process.stdin
    assert process.stdout
    try:
        if not await process.stdout.readline():
            raise RuntimeError(f"{database} could not be locked")
        yield
    finally:
        process.stdin.close()
        await process.wait()


def hold(database: str) -> None:
    """Until standard input ends."""
    with sqlite3.connect(database, isolation_level=None, timeout=30.0) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with Path(database).open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, _PENDING_BYTE)
            print("locked", flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    hold(sys.argv[1])
