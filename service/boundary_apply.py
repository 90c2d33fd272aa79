"""`geofence boundaries apply`: a server is made to have what a folder of region files says.

After `plan`. Invariants: nothing is sent while a file has errors; nothing is published before every version is
checked and tried out, and whoever applies has agreed to what that tells; a second time there is nothing to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from service.boundary_plan import Plan, Step, made_plan, plan_lines
from service.boundary_publishing import Intent, Tried, agreed, put, tried
from service.boundary_server import BoundaryServer
from service.boundary_tables import publication_line, say, say_json
from service.boundary_versions import checked, ensure_layer, report_text_of, sent
from service.complaints import note
from service.source import Unusable

ASKED_FROM = 0.01  # of the devices: from there on a number has to be said

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """A version that can be published."""

    layer: str
    number: int
    tried: Tried


def expectations(given: Sequence[str]) -> dict[str, int]:
    """`LAYER=N` as a table. Raises Unusable."""
    found = {}
    for one in given:
        layer, equals, many = one.partition("=")
        if not (layer and equals and many.isascii() and many.isdecimal()):
            raise Unusable(f"--expect is {one!r}; allowed: LAYER=N, such as districts=1204")
        found[layer] = int(many)
    return found


def apply_folder(server: BoundaryServer, folder: str, intent: Intent, expect: Mapping[str, int]) -> None:
    """Upload, check, try out and publish what is different. Raises Unusable where something is against it."""
    plan = made_plan(server, folder)
    if not intent.as_json or plan.wrong:
        say(plan_lines(plan))
    _check(plan, expect)
    ready = [one for step in plan.due if (one := _prepared(server, step, intent)) is not None]
    numbers = _agreements(ready, intent, expect)
    done = [
        put(server, one.layer, one.number, replaces=one.tried.against, expect=numbers[one.layer], intent=intent)
        for one in ready
    ]
    if intent.as_json:
        say_json({"publications": done})


def _check(plan: Plan, expect: Mapping[str, int]) -> None:
    """Refuse before anything is done."""
    if plan.wrong:
        names = ", ".join(step.wanted.name for step in plan.wrong)
        raise Unusable(f"nothing was done: {names} has errors, see above. Correct the files, then apply again.")
    unknown = sorted(set(expect) - {step.wanted.name for step in plan.steps})
    if unknown:
        raise Unusable(f"--expect: the folder has no layer {unknown[0]!r}. Correct the name.")
    for step in plan.due:
        if step.new_version and step.state is not None and step.state["next"] is not None:
            raise Unusable(f"nothing was done: {publication_line(step.state['next'])}. Wait for it, or cancel it.")


def _prepared(server: BoundaryServer, step: Step, intent: Intent) -> Ready | None:
    """The layer as wanted, and a version that is checked and tried out; None: there is nothing to publish."""
    wanted, name = step.wanted, step.wanted.name
    if step.state is None:
        measures = {"tolerance_m": wanted.entry.tolerance_m, "accuracy_m": wanted.entry.accuracy_m}
        ensure_layer(server, name, step.found.summary["kind"], **measures)
    elif step.measures:
        etag = server.look("layers", name)[1]
        server.patch("layers", name, body={key: new for key, (_, new) in step.measures.items()}, etag=etag)
        note(f"layer {name}: {', '.join(f'{key} is {new:g} now' for key, (_, new) in step.measures.items())}")
    if not step.new_version:
        return None
    number = _version(server, step, intent)
    found = tried(server, name, number, intent)
    if not intent.as_json:
        say([f"{name}/{number}", found.text])
    if found.against != step.published:
        raise Unusable(f"layer {name}: version {found.against} was published meanwhile. Look at it, then apply again.")
    return Ready(name, number, found)


def _version(server: BoundaryServer, step: Step, intent: Intent) -> int:
    """A version of the file: one that an earlier try has left, or a new one."""
    name, settings = step.wanted.name, _settings(step)
    left = _left(server, step, settings)
    if left is not None:
        note(f"version {left} of {name} has this file already")
        return left
    query = {**step.wanted.query, **_query(settings), "comment": step.wanted.entry.comment or intent.comment}
    made = sent(server, name, step.wanted.path, query)
    note(f"version {made['number']} of {name} was made")
    found = checked(server, made, cancel=intent.cancel)
    if found["counts"]["errors"]:
        say([report_text_of(server, name, made["number"]).rstrip()])
        raise Unusable(f"nothing was published: version {made['number']} of {name} has errors on the server, see above")
    return int(made["number"])


def _settings(step: Step) -> dict[str, Any]:
    return {"rule": step.wanted.rule.to_table(), **step.found.summary["settings"]}


def _query(settings: Told) -> dict[str, str]:
    """All settings, so that nothing is taken over from the version before."""
    dwell = "none" if settings["dwell_s"] is None else repr(settings["dwell_s"])
    rule = msgspec.json.encode(settings["rule"]).decode()
    return {"rule": rule, "dwell_s": dwell, "nearest_within_m": repr(settings["nearest_within_m"])}


def _left(server: BoundaryServer, step: Step, settings: Told) -> int | None:
    """A version of the same bytes, read in the same way, with the same settings, that waits to be published."""
    if step.state is None:
        return None
    sha256 = hashlib.sha256(step.wanted.path.read_bytes()).hexdigest()
    query = step.wanted.query
    read = {name: query.get(name) for name in ("inner", "id", "name", "crs", "encoding")}
    for one in server.get("layers", step.wanted.name, "versions")["versions"]:
        options = one["options"]
        same = one["settings"] == settings and {name: options.get(name) for name in read} == read
        fixed = bool(options.get("fix")) == step.wanted.entry.fix
        upload = one["upload"]
        if one["state"] == "checked" and one["hash"] and upload and upload["sha256"] == sha256 and same and fixed:
            return int(one["number"])
    return None


def _agreements(ready: Sequence[Ready], intent: Intent, expect: Mapping[str, int]) -> dict[str, int | None]:
    """How many devices to say for each; all are known before the first is published. Raises Abort and Unusable."""
    asked = [one for one in ready if one.tried.share > ASKED_FROM and expect.get(one.layer) != one.tried.affected]
    if intent.yes and asked:
        needed = " ".join(f"--expect {one.layer}={one.tried.affected}" for one in asked)
        raise Unusable(
            f"nothing was published: more than 1 % of the devices get another region. If meant, say {needed}"
        )
    return {
        one.layer: agreed(one.layer, one.number, one.tried, replace(intent, expect=expect.get(one.layer)))
        for one in ready
    }
