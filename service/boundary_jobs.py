"""Waiting for a server: for jobs until they are over, for publications until they are in force.

Behind the commands that begin something. Invariants: what was begun goes on when nobody waits any more, unless it was
asked to be cancelled; a server that is away for a while is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from service.bars import bar
from service.boundary_server import BoundaryServer
from service.complaints import note
from service.source import Unusable

AWAY_S = 60.0  # for which a server may be away while it is waited for
_LOOK_S, _SELDOM_S = 0.1, 1.0
_OPEN = ("waiting", "running")
_SILENT_S = 10.0  # after which it is told that no worker has said anything

Told = Mapping[str, Any]


def followed(server: BoundaryServer, job: Told, what: str, *, cancel: bool) -> Told:
    """A job that is done. Raises Unusable where it has failed or was cancelled."""
    found = job
    try:
        with bar(what) as shown:
            look_s = _LOOK_S
            while found["state"] in _OPEN:
                time.sleep(look_s)
                look_s = min(look_s * 1.2, _SELDOM_S)
                found = server.get("jobs", job["id"], patience_s=AWAY_S)
                if shown is not None:
                    shown(found["stage"], found["done"], found["total"])
    except KeyboardInterrupt:
        _leave(server, job, what, cancel=cancel)
        raise
    if found["state"] != "done":
        why = found["reason"] or "No reason was given."
        raise Unusable(f"{what}: the job has {found['state']}. {why}".replace("has cancelled", "was cancelled"))
    return found


def _leave(server: BoundaryServer, job: Told, what: str, *, cancel: bool) -> None:
    if cancel:
        server.delete("jobs", job["id"])
        note(f"{what}: cancelled")
        return
    note(f"{what} goes on without you. To see it: geofence boundaries jobs {job['id']} (--cancel stops it)")


def put_in_force(server: BoundaryServer, publication: Told, *, within_s: float) -> Told:
    """A publication that is in force on every partition, told as it comes. Raises Unusable where it does not."""
    layer, number = publication["layer"], publication["number"]
    try:
        return _watched(server, layer, number, time.monotonic() + within_s)
    except KeyboardInterrupt:
        note(f"publication {number} goes on without you. To see it: geofence boundaries show {layer}")
        raise


def _watched(server: BoundaryServer, layer: str, number: int, until: float) -> Told:
    told: set[int] = set()
    begun, silent = time.monotonic(), False
    while True:
        found = server.get("layers", layer, "publications", number, patience_s=AWAY_S)
        if found["state"] in ("failed", "cancelled"):
            before = "What was in force before still is" if found["replaces"] else "Nothing is in force"
            raise Unusable(f"publication {number} of {layer}: {found['state']}. {found['reason'] or ''} {before}.")
        _tell_partitions(server.get("layers", layer, patience_s=AWAY_S), found, told)
        if found["state"] == "in_force":
            return dict(found)
        now = time.monotonic()
        if now >= until:
            seen = "in force on " + ", ".join(map(str, sorted(told))) if told else "in force on no partition"
            raise Unusable(
                f"publication {number} of {layer} is {found['state']}, {seen} so far. It goes on; do workers run? "
                f"geofence boundaries show {layer} tells."
            )
        if not (told or silent) and now - begun > _SILENT_S:
            silent = True
            note("no worker has said yet that it is in force; it comes into force as workers come to it")
        time.sleep(_LOOK_S)


def _tell_partitions(state: Told, publication: Told, told: set[int]) -> None:
    """Say of each partition once that it has the version."""
    for one in state["in_force"]:
        if one["publication"] == publication["number"] and one["partition"] not in told:
            told.add(one["partition"])
            after_s = max(0, one["since_ms"] - max(publication["at_ms"], publication["created_ms"])) / 1000
            note(f"partition {one['partition']}: in force after {after_s:.2f} s ({one['worker']})")


def in_force_after_s(publication: Told) -> float:
    """Seconds from when it was due until it was in force everywhere."""
    due_ms = max(publication["at_ms"], publication["created_ms"])
    return float(max(0, (publication["in_force_ms"] or due_ms) - due_ms) / 1000)
