"""One job: long work on a version, done by one process at a time.

Under `jobs`, and `versions`, which ends a check together with what it has found. A lease is a taking's number
(`attempt`) and a deadline. Invariant: what is written under a lease is written only while the job still has its number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from catalog.errors import Missing
from catalog.layer_tables import job

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
OPEN = (WAITING, RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    """One job."""

    id: str
    kind: str  # such as check, dry_run
    layer: str
    version: int
    asked: Mapping[str, Any]
    state: str  # WAITING, RUNNING, DONE, FAILED or CANCELLED
    stage: str  # what is being done, in words
    done: int
    total: int | None  # None: not known yet
    result: Any
    reason: str | None  # why it failed
    by: str
    created_ms: int
    started_ms: int | None  # last
    ended_ms: int | None
    holder: str | None
    leased_until_ms: int
    attempt: int

    @property
    def is_open(self) -> bool:
        """Whether there is something to wait for."""
        return self.state in OPEN


def job_of(row: Row[tuple[object, ...]]) -> Job:
    """What the columns say."""
    its = row._mapping
    return Job(
        its["id"], its["kind"], its["layer"], its["version"], json.loads(its["asked"]), its["state"], its["stage"],
        its["done"], its["total"], None if its["result"] is None else json.loads(its["result"]), its["reason"],
        its["by"], its["created_ms"], its["started_ms"], its["ended_ms"], its["holder"], its["leased_until_ms"],
        its["attempt"],
    )  # fmt: skip


def one_job(connection: Connection, job_id: str) -> Job:
    """One job. Raises Missing."""
    known = job_id.isascii() and job_id.isalnum()
    row = connection.execute(select(job).where(job.c.id == job_id)).one_or_none() if known else None
    if row is None:
        raise Missing(f"there is no job {job_id[:80]!r}. It may have gone with its version, or been replaced by newer.")
    return job_of(row)


def write_job(connection: Connection, held: Job, **values: object) -> bool:
    """Write columns under a lease; False: it is lost, or the job was cancelled or has gone, and nothing was written."""
    done = connection.execute(
        update(job).where(job.c.id == held.id, job.c.state == RUNNING, job.c.attempt == held.attempt).values(**values)
    )
    return bool(done.rowcount)


def ending(state: str, now_ms: int) -> dict[str, object]:
    """The columns of a job that is over."""
    return {"state": state, "ended_ms": now_ms, "holder": None, "leased_until_ms": 0}
