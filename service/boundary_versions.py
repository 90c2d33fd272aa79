"""Versions on a server: made from files and from other versions, looked at, taken away.

Behind `geofence boundaries layers`, `list`, `show`, `export`, `upload`, `change`, `retire`, `delete` and `jobs`.
Invariant: standard output has what was asked for and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from service.bars import bar
from service.boundary_jobs import followed
from service.boundary_server import BoundaryServer, Refused
from service.boundary_tables import (
    job_line,
    layer_lines,
    layer_rows,
    publication_line,
    say,
    say_json,
    version_lines,
    version_rows,
)
from service.complaints import note
from service.source import Unusable

CLEAN, WARNED, WRONG = 0, 1, 2
_NOT_THERE = 404

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to come out of making a version, and where to."""

    wait: bool = True
    cancel: bool = False
    strict: bool = False
    as_json: bool = False
    page: str | None = None


def list_layers(server: BoundaryServer, *, as_json: bool) -> None:
    """All layers, and what is published of them."""
    found = server.get("layers")["layers"]
    say_json(found) if as_json else say(layer_rows(found))


def list_versions(server: BoundaryServer, layer: str, *, as_json: bool) -> None:
    """The versions of a layer."""
    found = server.get("layers", layer, "versions")["versions"]
    say_json(found) if as_json else say(version_rows(found))


def show(server: BoundaryServer, layer: str, number: int | None, *, as_json: bool, page: str | None) -> None:
    """A layer with its publications, or a version with its report."""
    if number is None:
        state = server.get("layers", layer)
        publications = server.get("layers", layer, "publications")["publications"]
        say_json({**state, "publications": publications}) if as_json else say(layer_lines(state, publications))
        return
    found = server.get("layers", layer, "versions", number)
    if as_json:
        say_json(found)
    else:
        say(version_lines(found))
        if found["counts"] is not None:
            say(["", report_text_of(server, layer, number).rstrip()])
    save_page(server, layer, number, page)


def export(server: BoundaryServer, layer: str, number: int | None, out: str) -> None:
    """The regions of a version, the published one unless said, as GeoJSON."""
    which = published(server, layer)["version"] if number is None else number
    regions = server.content("layers", layer, "versions", which, "regions")
    if out == "-":
        sys.stdout.buffer.write(regions)
        sys.stdout.buffer.flush()
        return
    Path(out).write_bytes(regions)
    note(f"version {which} of {layer} is in {out}")


def show_job(server: BoundaryServer, job: str, *, wait: bool, cancel: bool, as_json: bool) -> None:
    """A job; followed to its end, or cancelled."""
    found = server.delete("jobs", job) if cancel else server.get("jobs", job)
    if wait and not cancel:
        found = followed(server, found, f"job {job}", cancel=False)
    say_json(found) if as_json else say([job_line(found)])


def published(server: BoundaryServer, layer: str) -> dict[str, Any]:
    """The publication that is the last one of a layer. Raises Unusable where nothing was published."""
    found = server.get("layers", layer)["published"]
    if found is None:
        raise Unusable(
            f"nothing of layer {layer} was published yet. Say which version; boundaries list {layer} has them."
        )
    return dict(found)


def ensure_layer(server: BoundaryServer, name: str, kind: str, **measures: float) -> None:
    """Make a layer unless it is there. Raises Unusable where it is there and of the other kind."""
    try:
        found = server.get("layers", name)
    except Refused as error:
        if error.status != _NOT_THERE:
            raise
        server.post("layers", body={"name": name, "kind": kind, **measures})
        note(f"layer {name} was made, {kind}")
        return
    if found["kind"] != kind:
        raise Unusable(
            f"layer {name} is of kind {found['kind']}, not {kind}, and a kind never changes. Name another layer."
        )


def sent(server: BoundaryServer, layer: str, file: Path, query: Mapping[str, str]) -> dict[str, Any]:
    """A file as a new version, which is being checked."""
    if not file.is_file():
        raise Unusable(f"{file}: there is no such file. Check the path.")
    size = file.stat().st_size
    with bar(file.name, in_bytes=True) as shown:

        def tell(done: int) -> None:
            if shown is not None:
                shown("sending", done, size)

        where = ("layers", layer, "versions")
        return dict(server.upload(file, *where, query={"file": file.name, **query}, sent=tell))


def checked(server: BoundaryServer, made: Told, *, cancel: bool = False) -> dict[str, Any]:
    """A version once its check is over."""
    layer, number = made["layer"], made["number"]
    followed(server, made["job"], f"the check of {layer}/{number}", cancel=cancel)
    return dict(server.get("layers", layer, "versions", number))


def upload(server: BoundaryServer, layer: str, file: Path, query: Mapping[str, str], wanted: Wanted) -> int:
    """Send a file, wait for its check, tell the report; the exit status."""
    made = sent(server, layer, file, query)
    note(f"version {made['number']} of {layer} was made")
    return conclude(server, made, wanted)


def derive(server: BoundaryServer, layer: str, body: Mapping[str, Any], wanted: Wanted) -> int:
    """Make a version of another one's regions; the exit status."""
    base = body.get("from") or published(server, layer)["version"]
    made = server.post("layers", layer, "versions", body={**body, "from": base})
    note(f"version {made['number']} of {layer} was made from version {base}")
    return conclude(server, made, wanted)


def retire(server: BoundaryServer, layer: str, regions: Sequence[str], comment: str, wanted: Wanted) -> int:
    """Make a version without some regions, or without any; the exit status. Raises Unusable."""
    base = published(server, layer)["version"]
    body: dict[str, Any] = {"from": base, "comment": comment}
    if not regions:
        return derive(server, layer, {**body, "retire": True}, wanted)
    document = msgspec.json.decode(server.content("layers", layer, "versions", base, "regions"))
    unknown = sorted(set(regions) - {str(one["id"]) for one in document["features"]})
    if unknown:
        raise Unusable(f"version {base} of {layer} has no region {unknown[0]!r}. boundaries export {layer} lists them.")
    return derive(server, layer, {**body, "without": sorted(set(regions))}, wanted)


def conclude(server: BoundaryServer, made: Told, wanted: Wanted) -> int:
    """Wait for the check of what was made, and tell the report; the exit status."""
    layer, number = made["layer"], made["number"]
    if not wanted.wait:
        say_json(made) if wanted.as_json else say([job_line(made["job"])])
        return CLEAN
    found = checked(server, made, cancel=wanted.cancel)
    if wanted.as_json:
        report = server.content("layers", layer, "versions", number, "report")
        say_json({"version": found, "report": msgspec.Raw(report)})
    else:
        say([report_text_of(server, layer, number).rstrip()])
    save_page(server, layer, number, wanted.page)
    counts = found["counts"]
    if counts["errors"]:
        note(f"version {number} of {layer} has errors and can't be published; send it corrected")
        return WRONG
    note(f"to publish it: geofence boundaries publish {layer} {number} --comment TEXT")
    return WARNED if counts["warnings"] and wanted.strict else CLEAN


def report_text_of(server: BoundaryServer, layer: str, number: int) -> str:
    """A version's report as `check` prints it."""
    return server.content("layers", layer, "versions", number, "report", format="text").decode()


def save_page(server: BoundaryServer, layer: str, number: int, path: str | None) -> None:
    """Write a version's report as a page."""
    if path is not None:
        Path(path).write_bytes(server.content("layers", layer, "versions", number, "report", format="html"))


def delete(server: BoundaryServer, layer: str, number: int) -> None:
    """Remove a version that was never published, as it is now."""
    etag = server.look("layers", layer, "versions", number)[1]
    server.delete("layers", layer, "versions", number, etag=etag)
    note(f"version {number} of {layer} is deleted")


def cancel_publication(server: BoundaryServer, layer: str, number: int | None) -> None:
    """Cancel a publication, the one to come unless said."""
    if number is None:
        to_come = server.get("layers", layer)["next"]
        if to_come is None:
            raise Unusable(f"no publication of layer {layer} is to come. To take one back: boundaries rollback {layer}")
        number = to_come["number"]
    note(publication_line(server.delete("layers", layer, "publications", number)))
