"""Jobs: long work on versions, asked for by administrators, done by whichever process takes it.

Invariants: one process at a time does a job; one that ends in the midst of it loses its lease, and another one goes on;
whoever lost a lease writes nothing more; work that ends three processes is not tried again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.database import Database, next_change
from catalog.errors import Conflict
from catalog.job import CANCELLED, DONE, FAILED, OPEN, RUNNING, WAITING, Job, ending, job_of, one_job, write_job
from catalog.layer_tables import job
from catalog.names import storable
from catalog.secret import new_id
from catalog.version import one_version, target_of

MOST_DEATHS = 3
KEPT_MS = 7 * 24 * 3_600_000  # for so long a job that is over and not the newest of its kind can be looked at
_DIED = "it ended its process three times"


class Jobs:
    """All jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, kind: str, *, layer: str, version: int, asked: Mapping[str, Any], by: str, now_ms: int) -> Job:
        """Ask for one. Raises Missing, and Conflict where one of this kind is open for this version."""
        with self._database.writing() as connection:
            number = next_change(connection, "layer")
            target = one_version(connection, layer, version).target
            same = (job.c.layer == layer, job.c.version == version, job.c.kind == kind, job.c.state.in_(OPEN))
            if (found := connection.execute(select(job.c.id, job.c.state).where(*same)).first()) is not None:
                raise Conflict(
                    f"job {found.id} ({kind} of version {version} of layer {layer!r}) is {found.state}. "
                    "Wait for it, or cancel it."
                )
            made = new_id()
            connection.execute(
                insert(job).values(
                    id=made, number=number, kind=kind, layer=layer, version=version,
                    asked=json.dumps(asked, sort_keys=True), state=WAITING, stage="", done=0, by=by,
                    created_ms=now_ms, leased_until_ms=0, attempt=0, deaths=0,
                )
            )  # fmt: skip
            audit.write(connection, Line(now_ms, by, "job.create", target, {"job": made, "kind": kind}))
            return one_job(connection, made)

    def get(self, job_id: str) -> Job:
        """One. Raises Missing."""
        with self._database.reading() as connection:
            return one_job(connection, job_id)

    def newest(self, kind: str, *, layer: str, version: int, state: str | None = None) -> Job | None:
        """The newest of a kind of a version, in any state unless said; None: there is none."""
        of = and_(job.c.kind == kind, job.c.layer == layer, job.c.version == version)
        asked = select(job).where(of if state is None else and_(of, job.c.state == state))
        with self._database.reading() as connection:
            row = connection.execute(asked.order_by(job.c.number.desc()).limit(1)).one_or_none()
        return None if row is None else job_of(row)

    def take(self, holder: str, *, now_ms: int, lease_s: float, kinds: Collection[str] | None = None) -> Job | None:
        """The lease of the oldest job that waits, or whose holder has let its lease run out; None: there is none."""
        first = select(job.c.id).where(job.c.state == WAITING)
        if kinds is not None:
            first = first.where(job.c.kind.in_(list(kinds)))
        first = first.order_by(job.c.number).limit(1).with_for_update(skip_locked=True)
        with self._database.writing() as connection:
            _bury(connection, now_ms)
            found = connection.execute(first).scalar_one_or_none()
            if found is None:
                return None
            row = connection.execute(
                update(job)
                .where(job.c.id == found)
                .values(
                    state=RUNNING, holder=holder, leased_until_ms=now_ms + round(lease_s * 1000), started_ms=now_ms,
                    attempt=job.c.attempt + 1, stage="", done=0, total=None,
                )
                .returning(*job.c)
            ).one()  # fmt: skip
        return job_of(row)

    def progress(self, held: Job, *, stage: str, done: int, total: int | None, now_ms: int, lease_s: float) -> bool:
        """Write how far it is, and hold the lease for longer; False: it was cancelled or lost, so stop."""
        until = {"leased_until_ms": now_ms + round(lease_s * 1000)}
        with self._database.writing() as connection:
            return write_job(connection, held, stage=storable(stage), done=done, total=total, **until)

    def finish(self, held: Job, result: Any, *, now_ms: int) -> bool:
        """It is done; False: it was cancelled or lost, and the result was not kept."""
        with self._database.writing() as connection:
            return write_job(connection, held, **ending(DONE, now_ms), result=json.dumps(result, sort_keys=True))

    def fail(self, held: Job, reason: str, *, now_ms: int) -> bool:
        """It can't be done; False: it was cancelled or lost."""
        with self._database.writing() as connection:
            return write_job(connection, held, **ending(FAILED, now_ms), reason=storable(reason))

    def give_back(self, held: Job) -> bool:
        """Let another process do it, as this one is to end; False: it was cancelled or lost."""
        with self._database.writing() as connection:
            return write_job(connection, held, state=WAITING, holder=None, leased_until_ms=0)

    def cancel(self, job_id: str, *, by: str, now_ms: int) -> Job:
        """Stop it, or don't begin it. Raises Missing, and Conflict where it is over."""
        with self._database.writing() as connection:
            next_change(connection, "layer")
            found = one_job(connection, job_id)
            its = update(job).where(job.c.id == job_id, job.c.state.in_(OPEN)).values(**ending(CANCELLED, now_ms))
            if not connection.execute(its).rowcount:
                state = one_job(connection, job_id).state
                raise Conflict(f"job {job_id} is {state}: only one that is waiting or running can be cancelled.")
            target = target_of(found.layer, found.version)
            audit.write(connection, Line(now_ms, by, "job.cancel", target, {"job": job_id, "kind": found.kind}))
            return one_job(connection, job_id)

    def list(self, layer: str, version: int | None = None) -> list[Job]:
        """Those of a layer, or of one version of it, the newest first."""
        asked = select(job).where(job.c.layer == layer)
        if version is not None:
            asked = asked.where(job.c.version == version)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(job.c.number.desc())).all()
        return [job_of(row) for row in rows]

    def sweep(self, *, now_ms: int) -> int:
        """Remove those that have been over for a week; the newest of each kind of a version stays, and the newest
        that was done. How many went.
        """
        whose = (job.c.layer, job.c.version, job.c.kind)
        newest = select(func.max(job.c.number)).group_by(*whose)
        done = newest.where(job.c.state == DONE)
        with self._database.writing() as connection:
            gone = delete(job).where(
                job.c.ended_ms <= now_ms - KEPT_MS, job.c.number.not_in(newest), job.c.number.not_in(done)
            )
            return int(connection.execute(gone).rowcount)


def _bury(connection: Connection, now_ms: int) -> None:
    """Have those whose holders died wait again; those that were too much for too many fail."""
    dead = select(job.c.id).where(job.c.state == RUNNING, job.c.leased_until_ms <= now_ms)
    found = connection.execute(dead.with_for_update(skip_locked=True)).scalars().all()
    if not found:
        return
    enough = job.c.deaths + 1 >= MOST_DEATHS
    connection.execute(
        update(job)
        .where(job.c.id.in_(found))
        .values(
            deaths=job.c.deaths + 1,
            holder=None,
            leased_until_ms=0,
            state=case((enough, FAILED), else_=WAITING),
            reason=case((enough, _DIED), else_=None),
            ended_ms=case((enough, now_ms), else_=None),
        )
    )
