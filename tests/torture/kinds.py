"""The kinds of faults by engine: how often each comes, at which points, and what it does."""

from __future__ import annotations

from collections.abc import Mapping

from tests.torture import publishing_faults
from tests.torture import worker_faults as of
from tests.torture.points import (
    KAFKA_COMMITTING,
    KAFKA_TAKING,
    LOADING,
    PUBLISHING,
    SQLITE_APPENDING,
    SQLITE_COMMITTING,
    SQLITE_TAKING,
    SWEEPING,
)
from tests.torture.scene import Act
from tests.torture.schedule import Kind

KAFKA_WORKERS = 3

ACTS: Mapping[str, Act] = {
    "kill -9 at random": of.killed,
    "kill -9 twice": of.killed_twice,
    "kill -9 committing": of.killed_at,
    "kill -9 appending": of.killed_at,
    "kill -9 taking": of.killed_taking,
    "kill -9 amid a switch": of.killed_switching,
    "kill -9 loading": of.killed_loading,
    "error at a point": of.failed_at,
    "zombie": of.stopped,
    "zombie in a transaction": of.stopped_at,
    "zombie amid a take-over": of.overtaken,
    "worker added": of.added,
    "SIGTERM": of.removed,
    "rolling restart": of.restarted_in_turn,
    "publisher killed": publishing_faults.publisher_killed,
    "publisher error": publishing_faults.publisher_failed,
    "publisher zombie": publishing_faults.publisher_stopped,
    "version not loadable": publishing_faults.unloadable,
    "catalog locked": publishing_faults.catalog_locked,
}

_FAILING = ("before send", "after answer", "before commit", "after commit", "before seen", "after grip commit")
_WRITING = ("after send", "before order", "after order", "before sent")  # to the log, which another does meanwhile
_OPEN = ("after begin", "after answer", "before offsets", "after offsets", "before commit")
_LATE = ("before commit", "after offsets")

KAFKA_ONE: Mapping[str, Kind] = {
    "kill -9 at random": Kind(2),
    "kill -9 committing": Kind(6, KAFKA_COMMITTING, 5),
    "kill -9 taking": Kind(3, KAFKA_TAKING),
    "kill -9 amid a switch": Kind(2, SWEEPING, 12),
    "kill -9 loading": Kind(1, LOADING),
    "error at a point": Kind(3, _FAILING, 3),
    "zombie": Kind(2),
    "zombie in a transaction": Kind(2, _OPEN, 3),
    "zombie amid a take-over": Kind(2, _LATE, 3),
    "broker killed": Kind(3),
    "worker added": Kind(2),
    "SIGTERM": Kind(2),
    "rolling restart": Kind(1),
    "publisher killed": Kind(3, PUBLISHING, 3),
    "publisher error": Kind(1, PUBLISHING, 3, short=False),
    "publisher zombie": Kind(2, _WRITING, 3),
    "version not loadable": Kind(1),
    "catalog locked": Kind(1, short=False),
}
KAFKA_THREE: Mapping[str, Kind] = {
    "leader killed": Kind(3),
    "coordinator killed": Kind(2),
    "leader cut off": Kind(3),
    "kill -9 at random": Kind(1, short=False),
    "kill -9 committing": Kind(2, KAFKA_COMMITTING, 5, short=False),
    "kill -9 amid a switch": Kind(1, SWEEPING, 12, short=False),
    "zombie in a transaction": Kind(1, _OPEN, 3, short=False),
    "publisher killed": Kind(2, PUBLISHING, 3, short=False),
    "publisher zombie": Kind(1, _WRITING, 3, short=False),
}
SQLITE: Mapping[str, Kind] = {
    "kill -9 at random": Kind(4),
    "kill -9 twice": Kind(2),
    "kill -9 committing": Kind(6, SQLITE_COMMITTING, 20),
    "kill -9 appending": Kind(1, SQLITE_APPENDING, 10),
    "kill -9 taking": Kind(3, SQLITE_TAKING),
    "kill -9 amid a switch": Kind(2, SWEEPING, 12),
    "kill -9 loading": Kind(1, LOADING),
    "error at a point": Kind(1, ("before grip commit", "after grip commit"), 5),
    "SIGTERM": Kind(1),
    "disk full": Kind(2),
    "publisher killed": Kind(4, PUBLISHING, 3),
    "publisher error": Kind(1, PUBLISHING, 3),
    "publisher zombie": Kind(2, _WRITING, 3),
    "version not loadable": Kind(1),
    "catalog locked": Kind(1),
}
# What finds each bug.
OF_BUGS: Mapping[str, Mapping[str, Kind]] = {
    "reuse": {"error at a point": Kind(4, ("after commit",), 3), "broker killed": Kind(1)},
    "offsets-first": {"zombie amid a take-over": Kind(1, _LATE, 3)},
    "id-per-worker": {"zombie in a transaction": Kind(1, _OPEN, 3), "zombie amid a take-over": Kind(1, _LATE, 3)},
    "important-only": {"kill -9 at random": Kind(1)},
    "any-number": {"publisher zombie": Kind(1, ("after order",), 2)},
    "unready": {"version not loadable": Kind(1)},
    "sent-first": {"publisher killed": Kind(1, ("before order",), 3)},
}
