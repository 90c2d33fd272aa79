"""A dry run as a program of its own: reads a log and tells what a version would change, writing nothing anywhere.

Started by `dry_runs` as `python -m service.dry_run`, its order on standard input. It says how far it is on standard
output, a JSON object a line; the last has the result. Invariant: it opens the log to read, and ends with who began it.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import Any

import msgspec

from boundaries.confinement import die_with_parent
from boundaries.errors import BoundaryError
from boundaries.shelf import Shelf
from boundaries.trial.running import Plan, Progress, try_out
from geofence.atlas import Atlas
from geofence.region import Version
from ingest.settings import WorkerSettings
from service.source import Unusable
from service.trial_sources import LogPings, LogTracks
from stream.port import LogError


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. Versions by their hashes; all of them are on the shelf."""

    log: str
    shelf: str
    before: str
    after: str
    known: list[str]
    partitions: int
    at_once: bool = True  # whether to ask what changes for devices at rest
    since_ms: int | None  # replay what was received since; None: don't


class Said(msgspec.Struct, omit_defaults=True):
    """A line: how far it is, or the end."""

    stage: str = ""
    done: int = 0
    total: int = 0
    failed: str = ""
    result: Any = None


def shelved(folder: str, version: Version) -> Atlas:
    """The atlas of a version, from the shelf."""
    atlas = Shelf(folder).atlas(version.hash)
    if atlas is None:
        raise BoundaryError(f"version {version.hash[:12]} is not on the shelf {folder} any more. Try again.")
    return atlas


def plan_of(order: Order) -> Plan:
    """The same in the words of who does it."""
    at = {key: _version(order.shelf, key) for key in {order.before, order.after, *order.known}}
    return Plan(
        before=at[order.before],
        after=at[order.after],
        known=tuple(at.values()),
        partitions=order.partitions,
        tracks=LogTracks(order.log) if order.at_once else None,
        pings=None if order.since_ms is None else LogPings(order.log, WorkerSettings().value_bytes, order.since_ms),
        make_atlas=partial(shelved, order.shelf),
    )


def _version(shelf: str, key: str) -> Version:
    found = Shelf(shelf).version(key)
    if found is None:
        raise BoundaryError(f"version {key[:12]} is not on the shelf {shelf} any more. Try again.")
    return found


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def _tell(progress: Progress) -> None:
    stage = f"{progress.rows:,} tracks, {progress.pings:,} pings"
    _say(Said(stage, progress.partitions, progress.of))


def main() -> None:
    """Do what the order says."""
    die_with_parent()
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
        result = try_out(plan_of(order), on_progress=_tell)
    except (BoundaryError, LogError, Unusable) as error:
        _say(Said(failed=str(error)))
    else:
        _say(Said(result=result))


if __name__ == "__main__":
    main()
