"""Trying versions out, publishing them, taking them back.

Behind `geofence boundaries dry-run`, `publish` and `rollback`. Invariants: what a version replaces is what was
published when its dry run began, so that what somebody else publishes meanwhile is never undone unseen; nobody's region
changes before a person, or whoever said --yes, has agreed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import msgspec

from boundaries.trial.outcome import Trial
from boundaries.trial.text import trial_text
from service.boundary_jobs import followed, in_force_after_s, put_in_force
from service.boundary_server import BoundaryServer, Refused
from service.boundary_tables import publication_line, say, say_json
from service.boundary_versions import published
from service.complaints import note, printable
from service.source import Unusable

WAIT_S = 120.0
HOURS = 24.0
_NOT_THERE = 404

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """How something is to be published."""

    comment: str
    expect: int | None = None
    at: str | None = None
    yes: bool = False
    replaces: int | None = None  # None: what is published now
    hours: float = HOURS
    wait_s: float = WAIT_S
    wait: bool = True
    cancel: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What a dry run has told."""

    against: int | None  # the version that is published; None: none is
    result: Mapping[str, Any] | None = field(repr=False)

    @property
    def affected(self) -> int:
        """Devices that get another region at once."""
        return 0 if self._at_once is None else int(self._at_once["affected"])

    @property
    def share(self) -> float:
        """Of all that there are."""
        return 0.0 if self._at_once is None else float(self._at_once["share"])

    @property
    def _at_once(self) -> Mapping[str, Any] | None:
        return None if self.result is None else self.result["at_once"]

    @property
    def text(self) -> str:
        """For people."""
        if self.result is None:
            return "Nothing of this layer is published yet, so nobody's region changes at once.\n"
        lines = trial_text(msgspec.convert(self.result, Trial)).splitlines()
        return "".join(f"{printable(line)}\n" for line in lines)


def dry_run(
    server: BoundaryServer, layer: str, number: int, *, hours: float, against: int | None, cancel: bool
) -> Tried:
    """Try a version out in place of the published one, or another."""
    body = {"hours": hours} if against is None else {"hours": hours, "against": against}
    job = server.post("layers", layer, "versions", number, "dry-run", body=body)
    followed(server, job, f"the dry run of {layer}/{number}", cancel=cancel)
    result = server.get("layers", layer, "versions", number, "dry-run")["result"]
    return Tried(job["asked"]["against"], result)


def tried(server: BoundaryServer, layer: str, number: int, intent: Intent) -> Tried:
    """What a dry run against the published version tells: one that there was, or else a new one."""
    now = server.get("layers", layer)["published"]
    if now is None:
        return Tried(None, None)
    try:
        found = server.get("layers", layer, "versions", number, "dry-run")
    except Refused as error:
        if error.status != _NOT_THERE:
            raise
    else:
        if found["job"]["state"] == "done" and found["job"]["asked"].get("against") == now["version"]:
            return Tried(now["version"], found["result"])
    return dry_run(server, layer, number, hours=intent.hours, against=None, cancel=intent.cancel)


def publish(server: BoundaryServer, layer: str, number: int, intent: Intent) -> Told:
    """Try a version out if nobody has, ask, plan it, and see it into force."""
    if intent.replaces is not None:
        _check_replaced(server, layer, intent.replaces)
    found = tried(server, layer, number, intent)
    if not intent.as_json:
        say([found.text.rstrip()])
    expect = agreed(layer, number, found, intent)
    done = put(server, layer, number, replaces=found.against, expect=expect, intent=intent)
    if intent.as_json:
        say_json(done)
    return done


def _check_replaced(server: BoundaryServer, layer: str, replaces: int) -> None:
    """Refuse where another version is published by now than the one that was looked at. Raises Unusable."""
    found = published(server, layer)
    if found["version"] != replaces:
        raise Unusable(
            f"you replace version {replaces}, but {publication_line(found)}. Look at what is new against that."
        )


def agreed(layer: str, number: int, found: Tried, intent: Intent) -> int | None:
    """The number of devices to say: as given, or as a person at a terminal has seen it. Raises Abort and Unusable."""
    if intent.yes:
        return intent.expect
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Unusable("there is no terminal to ask at. If the dry run is as it should be, say --yes.")
    instead = "" if found.against is None else f" in place of {found.against}"
    many = "" if found.result is None else f"; {found.affected:,} devices get another region"
    click.confirm(f"Publish version {number} of {layer}{instead}{many}?", abort=True, err=True)
    return found.affected if intent.expect is None and found.result is not None else intent.expect


def put(
    server: BoundaryServer, layer: str, number: int, *, replaces: int | None, expect: int | None, intent: Intent
) -> Told:
    """Plan a publication, and see it into force unless it is for later."""
    body: dict[str, Any] = {"replaces": replaces, "comment": intent.comment, "expect": expect, "at": intent.at}
    planned = server.post("layers", layer, "versions", number, "publish", body=body)
    note(publication_line(planned))
    if not intent.wait or planned["at_ms"] > planned["created_ms"]:
        return dict(planned)
    done = put_in_force(server, planned, within_s=intent.wait_s)
    note(f"version {number} of {layer} is in force on every partition after {in_force_after_s(done):.2f} s")
    return done


def before(server: BoundaryServer, layer: str) -> int:
    """The version to go back to from the one that is published. Raises Unusable where there is none.

    What was taken back is not gone back to: going back twice goes back by two.
    """
    way: list[int] = []
    for one in reversed(server.get("layers", layer, "publications")["publications"]):
        if one["sent_ms"] is None:
            continue
        if one["version"] in way:
            del way[way.index(one["version"]) :]
        way.append(one["version"])
    if len(way) < 2:
        raise Unusable(
            f"nothing of layer {layer} was published before, so there is nothing to go back to. "
            f"Say --to N, or take its regions out of force: geofence boundaries retire {layer}"
        )
    return way[-2]
