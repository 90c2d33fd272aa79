"""`geofence boundaries plan`: what a folder of region files would change on a server.

Before `apply`, which does what was planned. Invariants: nothing is written anywhere; layers that the folder does not
name are told of and left alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from boundaries.difference.change import Difference
from boundaries.difference.compare import compare
from boundaries.difference.document import difference_json
from boundaries.difference.text import text_of
from boundaries.telling.text import report_text
from service.boundary_files import Judged, judged
from service.boundary_folder import WantedLayer, read_folder
from service.boundary_server import BoundaryServer
from service.boundary_sides import judged_side, nothing_of, published_side
from service.boundary_tables import publication_line, say, say_json
from service.source import Unusable

SAME, DIFFERENT, WRONG = 0, 1, 2
_MEASURES = ("tolerance_m", "accuracy_m")


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one layer."""

    wanted: WantedLayer
    found: Judged = field(repr=False)
    state: dict[str, Any] | None  # of the layer on the server; None: it is not there
    difference: Difference | None  # None: the file has errors
    measures: dict[str, tuple[float, float]]  # those that are others: before, after

    @property
    def wrong(self) -> bool:
        """Whether the file can't be published."""
        return bool(self.found.summary["errors"])

    @property
    def published(self) -> int | None:
        """The version that is published now."""
        publication = None if self.state is None else self.state["published"]
        return None if publication is None else publication["version"]

    @property
    def new_version(self) -> bool:
        """Whether something is to be published."""
        return self.difference is not None and (self.published is None or not self.difference.nothing)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.wrong or self.new_version or self.measures)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about all."""

    steps: Sequence[Step]
    others: Sequence[str]  # layers of the server that the folder does not name

    @property
    def wrong(self) -> list[Step]:
        """Those whose files have errors."""
        return [step for step in self.steps if step.wrong]

    @property
    def due(self) -> list[Step]:
        """Those that something is to be done about."""
        return [step for step in self.steps if not step.idle]


def plan_folder(server: BoundaryServer, folder: str, *, strict: bool, as_json: bool) -> int:
    """Tell what would change; the exit status."""
    plan = made_plan(server, folder)
    say_json(_document(plan)) if as_json else say(plan_lines(plan))
    if plan.wrong:
        return WRONG
    warned = any(step.found.summary["warnings"] for step in plan.steps)
    return DIFFERENT if plan.due or (strict and warned) else SAME


def made_plan(server: BoundaryServer, folder: str) -> Plan:
    """Judge every file, and compare each with what is published. Raises Unusable."""
    wanted = read_folder(folder)
    there = {one["name"] for one in server.get("layers")["layers"]}
    steps = [_step(server, one, exists=one.name in there) for one in wanted]
    return Plan(steps, sorted(there - {one.name for one in wanted}))


def _step(server: BoundaryServer, wanted: WantedLayer, *, exists: bool) -> Step:
    state = server.get("layers", wanted.name) if exists else None
    publication = None if state is None else state["published"]
    before = None if publication is None else published_side(server, wanted.name, publication["version"])
    with tempfile.TemporaryDirectory(prefix="geofence-") as folder:
        previous = None if before is None else before.regions
        found = judged(wanted.path, wanted.wish, previous=previous, folder=Path(folder))
    after = judged_side(found, wanted.rule)
    if state is not None and state["kind"] != str(after.kind):
        raise Unusable(
            f"layer {wanted.name} is of kind {state['kind']} on the server, and {after.kind} here; "
            "a kind never changes. Correct `kind`, or name another layer."
        )
    difference = None if found.summary["errors"] else compare(before or nothing_of(after.kind), after)
    return Step(wanted, found, state, difference, _measures(wanted, state))


def _measures(wanted: WantedLayer, state: dict[str, Any] | None) -> dict[str, tuple[float, float]]:
    if state is None:
        return {}
    pairs = {name: (float(state[name]), float(getattr(wanted.entry, name))) for name in _MEASURES}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def plan_lines(plan: Plan) -> Iterator[str]:
    """A plan for people."""
    for step in plan.steps:
        yield from (*_told(step), "")
    if plan.others:
        yield f"Left alone, since the folder does not name them: {', '.join(plan.others)}"
    if plan.wrong:
        yield f"{len(plan.wrong)} of {len(plan.steps)} files have errors: correct them first."
        return
    many = len(plan.due)
    yield f"{many} of {len(plan.steps)} layers would change." if many else "Nothing would change."


def _told(step: Step) -> Iterator[str]:
    name, summary = step.wanted.name, step.found.summary
    if step.wrong:
        yield f"{name}: {step.wanted.path} has errors"
        yield from _indented(report_text(step.found.report))
        return
    if step.idle:
        yield f"{name}: as published (version {step.published})"
    elif step.published is None:
        what = "a new layer" if step.state is None else "not published yet"
        yield f"{name}: {what}, {summary['kind']}, {summary['regions']:,} regions"
    else:
        yield f"{name}: instead of version {step.published}"
        if step.difference is not None and step.new_version:
            yield from _indented(text_of(step.difference))
    for measure, (old, new) in step.measures.items():
        yield f"  {measure}: {old:g} → {new:g}"
    if summary["warnings"]:
        yield f"  {summary['warnings']:,} warnings: geofence boundaries check tells them"
    if step.state is not None and step.state["next"] is not None:
        yield f"  under way: {publication_line(step.state['next'])}"


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in text.rstrip().splitlines())


def _document(plan: Plan) -> dict[str, Any]:
    return {"layers": [_entry(step) for step in plan.steps], "others": list(plan.others), "changes": len(plan.due)}


def _entry(step: Step) -> dict[str, Any]:
    kinds = ((step.wrong, "errors"), (step.idle, "none"), (step.published is None, "new"))
    counts = {name: step.found.summary[name] for name in ("regions", "errors", "warnings", "notes")}
    return {
        "layer": step.wanted.name,
        "file": str(step.wanted.path),
        "change": next((word for true, word in kinds if true), "changed"),
        "published": step.published,
        "counts": counts,
        "measures": {name: {"before": old, "after": new} for name, (old, new) in step.measures.items()},
        "difference": None if step.difference is None else msgspec.Raw(difference_json(step.difference)),
    }
