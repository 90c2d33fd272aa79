"""Layers, versions, publications and jobs as people read them: tables and lines of text.

Between what a server tells and standard output. Invariant: what strangers wrote never moves the cursor.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from geofence.instant import text_of
from service.complaints import printable

Told = Mapping[str, Any]
_LONGEST = 48  # characters of a comment in a table


def say(lines: Iterable[str]) -> None:
    """Lines on standard output."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def say_json(value: object) -> None:
    """A value as JSON on standard output."""
    say([msgspec.json.format(msgspec.json.encode(value), indent=2).decode()])


def when(time_ms: int | None) -> str:
    """A moment, to the second."""
    return "-" if time_ms is None else f"{text_of(time_ms)[:19]}Z"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, none: str) -> Iterator[str]:
    """Columns as wide as they need be, numbers to the right; `none` where there are no rows."""
    if not rows:
        yield none
        return
    cells = [[printable(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row] for row in rows]
    wide = [max(len(row[k]) for row in (heads, *cells)) for k in range(len(heads))]
    right = [all(isinstance(row[k], int) for row in rows) for k in range(len(heads))]
    for row in (heads, *cells):
        parts = (one.rjust(size) if to else one.ljust(size) for one, size, to in zip(row, wide, right, strict=True))
        yield "  ".join(parts).rstrip()


def layer_rows(layers: Sequence[Told]) -> Iterator[str]:
    """Layers, one a line."""
    rows = [(one["name"], one["kind"], *_published(one["published"])) for one in layers]
    heads = ("layer", "kind", "published", "state", "in force", "by", "comment")
    return table(
        heads, rows, none="There are no layers. To make one: geofence boundaries upload NAME FILE --create KIND"
    )


def version_rows(versions: Sequence[Told]) -> Iterator[str]:
    """Versions, one a line."""
    rows: list[tuple[object, ...]] = [
        (one["number"], one["state"], *_counts(one["counts"]), when(one["created_ms"]), one["by"], _file(one),
         _cut(one["comment"]))
        for one in versions
    ]  # fmt: skip
    heads = ("version", "state", "regions", "errors", "warnings", "made", "by", "from", "comment")
    return table(heads, rows, none="There are no versions. To make one: geofence boundaries upload LAYER FILE")


def layer_lines(its: Told, publications: Sequence[Told]) -> Iterator[str]:
    """All of a layer."""
    yield f"{its['name']}: {its['kind']}, tolerance {its['tolerance_m']:g} m, accuracy {its['accuracy_m']:g} m"
    if its["next"] is not None:
        yield f"to come: {publication_line(its['next'])}"
    yield from ("", "publications")
    rows: list[tuple[object, ...]] = [
        (one["number"], one["version"], one["state"], when(one["at_ms"]), when(one["in_force_ms"]), one["by"],
         _cut(one["comment"] if one["reason"] is None else one["reason"]))
        for one in publications
    ]  # fmt: skip
    heads = ("number", "version", "state", "due", "in force", "by", "comment")
    yield from table(heads, rows, none="Nothing was published yet.")
    yield from ("", "in force")
    rows = [(one["partition"], one["version"] or "-", when(one["since_ms"]), one["worker"]) for one in its["in_force"]]
    yield from table(("partition", "version", "since", "worker"), rows, none="On no partition, as far as workers say.")
    bad = [one for one in its["workers"] if one["state"] == "failed"]
    for one in bad:
        yield f"worker {printable(one['id'])} can't load it: {printable(one['reason'] or '')}"


def version_lines(its: Told) -> Iterator[str]:
    """All of a version but its report."""
    yield f"{its['layer']}/{its['number']}: {its['state']}, made {when(its['created_ms'])} by {printable(its['by'])}"
    if its["comment"]:
        yield f"  comment: {printable(its['comment'])}"
    upload, settings = its["upload"], its["settings"]
    if upload is not None:
        yield f"  from {printable(upload['file'])}, {upload['size']:,} bytes, sha256 {upload['sha256'][:16]}..."
    if its["base"] is not None:
        yield f"  follows version {its['base']}"
    rule = ", ".join(f"{name} {value:g}" for name, value in settings["rule"].items())
    yield f"  rule: {rule}"
    dwell = "none" if settings["dwell_s"] is None else f"{settings['dwell_s']:g} s"
    yield f"  dwell: {dwell}; nearest within {settings['nearest_within_m']:g} m"
    if its["hash"]:
        yield f"  hash: {its['hash']}"
    counts = its["counts"]
    if counts is not None:
        yield "  " + ", ".join(f"{counts[name]:,} {name}" for name in ("regions", "errors", "warnings", "notes"))
    if its["job"] is not None and its["job"]["state"] != "done":
        yield f"  check: {job_line(its['job'])}"


def job_line(its: Told) -> str:
    """A job in one line."""
    of = f" {its['done']:,} of {its['total']:,}" if its["total"] else ""
    stage = f", {its['stage']}{of}" if its["state"] == "running" else ""
    why = f": {its['reason']}" if its["reason"] else ""
    what = its["kind"].replace("_", " ")
    return printable(f"job {its['id']} ({what} of {its['layer']}/{its['version']}) is {its['state']}{stage}{why}")


def publication_line(its: Told) -> str:
    """A publication in one line."""
    of = f"publication {its['number']} of {its['layer']}: version {its['version']}"
    instead = "" if its["replaces"] is None else f" in place of {its['replaces']}"
    return printable(f"{of}{instead}, {its['state']}, due {when(its['at_ms'])}, by {its['by']}")


def _published(its: Told | None) -> tuple[object, ...]:
    if its is None:
        return ("-", "-", "-", "-", "")
    return its["version"], its["state"], when(its["in_force_ms"]), its["by"], _cut(its["comment"])


def _counts(its: Told | None) -> tuple[object, ...]:
    return ("-", "-", "-") if its is None else (its["regions"], its["errors"], its["warnings"])


def _file(its: Told) -> str:
    return f"version {its['base']}" if its["upload"] is None else str(its["upload"]["file"])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
