"""What workers report: which version of each layer is in force on each partition, and who is there.

Written by workers, read by administrators and by the process that carries publications on; nothing of it is needed to
take pings. It may go back: a log that was made anew has obeyed nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import Row, delete, insert, select

from catalog.database import Database, hold, upsert
from catalog.layer_tables import in_force, worker

GONE_MS = 3_600_000  # a worker not heard of for so long is forgotten
LOADING, READY, FAILED = "loading", "ready", "failed"


@dataclass(frozen=True, slots=True)
class InForce:
    """That a publication is in force on a partition."""

    partition: int
    layer: str
    publication: int
    hash: str  # of the version
    at_ms: int
    worker: str  # who has put it in force


@dataclass(frozen=True, slots=True)
class Loading:
    """How far a worker is with a version."""

    state: str  # LOADING, READY or FAILED
    reason: str | None = None  # why it failed


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, as it was when it was last heard of."""

    id: str
    host: str
    pid: int
    seen_ms: int
    partitions: tuple[int, ...]
    versions: Mapping[str, Loading] = field(default_factory=dict, hash=False)  # by hash


class Fleet:
    """All workers and partitions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_in_force(self, partition: int, reports: Sequence[InForce]) -> None:
        """Keep what is in force on a partition, in place of all that was known of it."""
        with self._database.writing() as connection:
            hold(connection, "layer")  # two workers may report one partition while it changes hands
            connection.execute(delete(in_force).where(in_force.c.partition == partition))
            if reports:
                connection.execute(insert(in_force), [asdict(one) for one in reports])

    def in_force(self, layer_name: str | None = None) -> list[InForce]:
        """What is in force (of a layer), by layer and partition."""
        asked = select(in_force) if layer_name is None else select(in_force).where(in_force.c.layer == layer_name)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(in_force.c.layer, in_force.c.partition)).all()
        return [
            InForce(row.partition, row.layer, row.publication, row.hash, row.at_ms, row.worker) for row in rows
        ]  # fmt: skip

    def seen(self, one: Worker) -> None:
        """Keep what a worker says of itself."""
        versions = {its_hash: asdict(loading) for its_hash, loading in one.versions.items()}
        texts = {"partitions": json.dumps(one.partitions), "versions": json.dumps(versions, sort_keys=True)}
        its: dict[str, object] = {"id": one.id, "host": one.host, "pid": one.pid, "seen_ms": one.seen_ms, **texts}
        with self._database.writing() as connection:
            upsert(connection, worker, its)

    def leave(self, worker_id: str) -> None:
        """Forget a worker that has ended in order."""
        with self._database.writing() as connection:
            connection.execute(delete(worker).where(worker.c.id == worker_id))

    def workers(self) -> list[Worker]:
        """Those that were heard of lately, by host and process."""
        asked = select(worker).order_by(worker.c.host, worker.c.pid, worker.c.id)
        with self._database.reading() as connection:
            return [_worker_of(row) for row in connection.execute(asked).all()]

    def sweep(self, *, now_ms: int) -> int:
        """Forget the workers that were not heard of for an hour; how many."""
        with self._database.writing() as connection:
            return int(connection.execute(delete(worker).where(worker.c.seen_ms <= now_ms - GONE_MS)).rowcount)


def _worker_of(row: Row[tuple[object, ...]]) -> Worker:
    its = row._mapping
    versions = {its_hash: Loading(**loading) for its_hash, loading in json.loads(its["versions"]).items()}
    partitions = tuple(json.loads(its["partitions"]))
    return Worker(its["id"], its["host"], its["pid"], its["seen_ms"], partitions, versions)
