"""The one thread that writes: jobs that wait together become one transaction (group commit).

Between the event loop, where jobs come from and are answered, and the file. A transaction is as large as what came
while the one before was being written: small when there is little, large under load. Invariants: a job is answered
only after its transaction is on disk; a job is in one transaction, whole; jobs of one caller keep their order.
"""

from __future__ import annotations

import sqlite3
import threading
from asyncio import AbstractEventLoop, Future
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stream.port import LogError, Record, Unavailable, Unusable
from stream.sqlite import shelf
from stream.sqlite.faults import told
from stream.sqlite.fresh import Row
from stream.sqlite.gate import Gate
from stream.sqlite.tide import Tide

Act = Callable[[sqlite3.Connection], Any]
TRANSACTION_BYTES = 16 << 20
_FOLD_MS = 250  # for which folding waits for readers, as jobs wait for it
_OF_ONE_JOB = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_TOOBIG}  # a smaller one beside it may still go through


@dataclass(slots=True, eq=False)
class Job:
    """Records by partition id, and what to do first in the same transaction.

    `act` may raise LogError, as long as it has not written: then this job alone is refused.
    """

    puts: Sequence[tuple[int, Sequence[Record]]]
    act: Act | None
    size: int
    done: Future[Any]
    apart: bool = False  # `act` needs no transaction, and gets none
    outcome: Any = field(default=None)  # a LogError, or what `act` returned


class Writer:
    """Takes jobs in the event loop, writes them in a thread of its own."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        tide: Tide,
        loop: AbstractEventLoop,
        room: int,
        now: Callable[[], int],
    ) -> None:
        self._connection, self._path, self._tide, self._loop, self._now = connection, path, tide, loop, now
        self._gate = Gate(room)
        self._file = _identity(path)
        self._jobs: list[Job] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"log writer {path.name}", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """What waits to be written."""
        return self._gate.inside

    async def write(self, puts: Sequence[tuple[int, Sequence[Record]]], act: Act | None = None) -> Any:
        """Do a job; returns when it is on disk, what `act` returned. Waits while too much waits to be written."""
        size = sum(sum(map(shelf.size_of, records)) for _, records in puts)
        await self._gate.enter(size)
        return await self._queue(Job(puts, act, size, self._loop.create_future()))

    async def fold(self) -> bool:
        """Fold the -wal file into the main one and empty it; False: a reader keeps it from being emptied, try later."""
        return bool(await self._queue(Job((), _fold, 0, self._loop.create_future(), apart=True)))

    async def _queue(self, job: Job) -> Any:
        with self._wake:
            if self._closing:
                self._gate.leave(job.size)
                raise Unavailable(f"{self._path}: the log has been closed")
            self._jobs.append(job)
            self._wake.notify()
        return await job.done

    def close(self) -> None:
        """Write what waits, then end; to be called off the event loop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._closing:
                    self._wake.wait()
                if not self._jobs:
                    return
                jobs = self._next()
            self._answer(jobs, self._transact(jobs))

    def _next(self) -> list[Job]:
        size = count = 0
        for job in self._jobs:
            size += job.size
            if count and (size > TRANSACTION_BYTES or job.apart):
                break
            count += 1
            if job.apart:
                break
        jobs, self._jobs = self._jobs[:count], self._jobs[count:]
        return jobs

    def _transact(self, jobs: list[Job]) -> dict[int, list[Row]]:
        """All in one transaction, or if one of them may be why that fails, each in its own; what is new."""
        try:
            return self._try(jobs)
        except Exception as error:  # whatever it is, it is the answer to these jobs: the thread has to live
            if len(jobs) > 1 and getattr(error, "sqlite_errorcode", sqlite3.SQLITE_FULL) in _OF_ONE_JOB:
                new: defaultdict[int, list[Row]] = defaultdict(list)
                for job in jobs:
                    for part, rows in self._transact([job]).items():
                        new[part] += rows
                return new
            for job in jobs:
                job.outcome = told(error, self._path) if isinstance(error, sqlite3.Error) else error
            return {}

    def _try(self, jobs: list[Job]) -> dict[int, list[Row]]:
        if jobs[0].apart and jobs[0].act:
            jobs[0].outcome = jobs[0].act(self._connection)
            return {}
        if _identity(self._path) != self._file:
            raise Unusable(
                f"{self._path}: moved, deleted or replaced while in use. Put it back, with its -wal, or restart"
            )
        together: dict[int, list[Record]] = {}
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                try:
                    job.outcome = job.act(self._connection) if job.act else None
                except LogError as refusal:
                    job.outcome = refusal
                    continue
                for part, records in job.puts:
                    together.setdefault(part, []).extend(records)
            now_ms = self._now() if together else 0
            new = {part: shelf.put(self._connection, part, some, now_ms) for part, some in together.items() if some}
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return new

    def _answer(self, jobs: list[Job], new: dict[int, list[Row]]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everyone who could have asked
            self._loop.call_soon_threadsafe(self._tell, jobs, new)

    def _tell(self, jobs: list[Job], new: dict[int, list[Row]]) -> None:
        self._tide.grow(new)
        for job in jobs:
            self._gate.leave(job.size)
            if job.done.done():
                continue
            if isinstance(job.outcome, BaseException):
                job.done.set_exception(job.outcome)
            else:
                job.done.set_result(job.outcome)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _fold(connection: sqlite3.Connection) -> bool:
    lock_ms = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute(f"PRAGMA busy_timeout = {_FOLD_MS}")
    try:
        return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout = {lock_ms}")
