"""Versions: drafts that are checked, then published, and never change again.

The side of administrators, and of the processes that check. Invariants: a version's number is never given again; its
manifest, once set, stays; a version that anybody could have seen in force can't be deleted; what it refers to is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalog import audit
from catalog.audit import Line
from catalog.blobs import refer
from catalog.database import Database
from catalog.errors import Conflict, Missing, Refused
from catalog.job import DONE, OPEN, Job, ending, write_job
from catalog.layer import check_revision, one_layer, touch
from catalog.layer_tables import job, layer, publication, version
from catalog.names import check_name, storable
from catalog.publication import UNSENT
from catalog.version import (
    CHECKED,
    COLUMNS,
    DRAFT,
    Outcome,
    Settings,
    Upload,
    Version,
    one_version,
    set_version,
    settings_text,
    target_of,
    version_of,
)

MOST_COMMENT_BYTES = 4096


class Versions:
    """The versions of all layers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        layer_name: str,
        *,
        base: int | None = None,
        settings: Settings,
        upload: Upload | None = None,
        options: Mapping[str, Any],
        comment: str = "",
        by: str,
        now_ms: int,
    ) -> Version:
        """Make a draft, from a file, or from its base alone. Raises Missing and Refused."""
        check_comment(comment)
        if upload is not None:
            check_name("file", upload.file)
        with self._database.writing() as connection:
            revision = touch(connection, layer_name)
            if base is not None:
                one_version(connection, layer_name, base)
            elif upload is None:
                raise Refused("there is neither a file nor a version to begin with. Upload a file, or name a base.")
            number = _next_number(connection, layer_name)
            file = {} if upload is None else {"file": upload.file, "size": upload.size, "upload": upload.blob}
            refer(connection, None if upload is None else upload.blob)
            connection.execute(
                insert(version).values(
                    layer=layer_name, number=number, state=DRAFT, base=base, settings=settings_text(settings),
                    options=json.dumps(options, sort_keys=True), comment=comment, by=by, created_ms=now_ms,
                    revision=revision, **file,
                )
            )  # fmt: skip
            detail = {"base": base, "comment": comment, **file}
            audit.write(connection, Line(now_ms, by, "version.create", target_of(layer_name, number), detail))
            return one_version(connection, layer_name, number)

    def get(self, layer_name: str, number: int) -> Version:
        """One. Raises Missing."""
        with self._database.reading() as connection:
            one_layer(connection, layer_name)
            return one_version(connection, layer_name, number)

    def change(
        self,
        layer_name: str,
        number: int,
        *,
        settings: Settings | None = None,
        options: Mapping[str, Any] | None = None,
        comment: str | None = None,
        revision: int | None = None,
        by: str,
        now_ms: int,
    ) -> Version:
        """Set what is given; a version whose settings or options change is a draft again, to be checked.

        Raises Missing, Refused, and Conflict where `revision` is not the version's any more, where it has a manifest
        or an open job and more than the comment is to change, and where it was published.
        """
        check_comment(comment or "")
        with self._database.writing() as connection:
            now = touch(connection, layer_name)
            found = one_version(connection, layer_name, number)
            check_revision(_named(found), seen=revision, found=found.revision)
            values: dict[str, object] = {} if comment is None else {"comment": comment}
            if settings is not None or options is not None:
                _check_open(found)
                _check_idle(connection, found)
                values |= _UNCHECKED
                if settings is not None:
                    values["settings"] = settings_text(settings)
                if options is not None:
                    values["options"] = json.dumps(options, sort_keys=True)
            _check_unpublished(found, "changed")
            set_version(connection, layer_name, number, revision=now, **values)
            detail: dict[str, object] = {"set": sorted(set(values) - set(_UNCHECKED)), "comment": comment}
            audit.write(connection, Line(now_ms, by, "version.change", found.target, detail))
            return one_version(connection, layer_name, number)

    def check(
        self, layer_name: str, number: int, outcome: Outcome, *, job: Job | None = None, by: str, now_ms: int
    ) -> Version:
        """Keep what a check has made of a draft; the job, if it was one, is done with it, its result being empty.

        Raises Missing, Refused where a manifest comes without what belongs to it, and Conflict where it has a manifest
        already, and where the job is not its holder's any more: nothing was written.
        """
        _check_outcome(outcome)
        with self._database.writing() as connection:
            revision = touch(connection, layer_name)
            found = one_version(connection, layer_name, number)
            if job is not None and not write_job(connection, job, **ending(DONE, now_ms), result="{}"):
                raise Conflict(f"job {job.id} was cancelled, or another process does it now. Stop.")
            _check_open(found)
            refer(connection, outcome.report, outcome.geometry)
            manifest = None if outcome.manifest is None else json.dumps(outcome.manifest, sort_keys=True)
            counts = outcome.counts
            found_by_it = {
                "regions": counts.regions, "errors": counts.errors, "warnings": counts.warnings, "notes": counts.notes
            }  # fmt: skip
            set_version(
                connection, layer_name, number, state=CHECKED, report=outcome.report, geometry=outcome.geometry,
                manifest=manifest, hash=outcome.hash, checked_ms=now_ms, revision=revision, **found_by_it,
            )  # fmt: skip
            if outcome.settings is not None:
                set_version(connection, layer_name, number, settings=settings_text(outcome.settings))
            detail: dict[str, object] = {**found_by_it, "hash": outcome.hash}
            audit.write(connection, Line(now_ms, by, "version.check", found.target, detail))
            return one_version(connection, layer_name, number)

    def remove(self, layer_name: str, number: int, *, revision: int | None = None, by: str, now_ms: int) -> None:
        """Delete one that was never published, with its jobs; its blobs go when they are swept next.

        Raises Missing, and Conflict where it was published or is about to be, or `revision` is not its any more.
        """
        with self._database.writing() as connection:
            touch(connection, layer_name)
            found = one_version(connection, layer_name, number)
            check_revision(_named(found), seen=revision, found=found.revision)
            _check_unpublished(found, "deleted")
            its = (publication.c.layer == layer_name, publication.c.version == number)
            under_way = publication.c.state.in_(UNSENT)
            if (row := connection.execute(select(publication.c.number).where(*its, under_way)).first()) is not None:
                raise Conflict(f"{_named(found)} is to be published (publication {row.number}). Cancel that first.")
            connection.execute(delete(job).where(job.c.layer == layer_name, job.c.version == number))
            connection.execute(delete(version).where(version.c.layer == layer_name, version.c.number == number))
            audit.write(connection, Line(now_ms, by, "version.delete", found.target, {"state": found.state}))

    def manifest(self, its_hash: str) -> dict[str, Any]:
        """What stands behind the name that a version has everywhere. Raises Missing."""
        asked = select(version.c.manifest).where(version.c.hash == its_hash).limit(1)
        with self._database.reading() as connection:
            found = connection.execute(asked).scalar_one_or_none()
        if found is None:
            raise Missing(f"no version has the hash {its_hash[:80]!r}.")
        manifest: dict[str, Any] = json.loads(found)
        return manifest

    def of_hash(self, its_hash: str) -> list[Version]:
        """The versions of this hash, by layer and number."""
        asked = select(*COLUMNS).where(version.c.hash == its_hash).order_by(version.c.layer, version.c.number)
        with self._database.reading() as connection:
            return [version_of(row) for row in connection.execute(asked).all()]

    def list(self, layer_name: str) -> list[Version]:
        """Those of a layer, the newest first. Raises Missing."""
        asked = select(*COLUMNS).where(version.c.layer == layer_name).order_by(version.c.number.desc())
        with self._database.reading() as connection:
            one_layer(connection, layer_name)
            return [version_of(row) for row in connection.execute(asked).all()]


_UNCHECKED: dict[str, object] = {
    "state": DRAFT, "report": None, "geometry": None, "regions": None, "errors": None, "warnings": None, "notes": None,
    "checked_ms": None,
}  # fmt: skip


def check_comment(comment: str) -> None:
    """Refuse a comment that is too long. Raises Refused."""
    size = len(comment.encode("utf-8", "surrogatepass"))
    if size > MOST_COMMENT_BYTES:
        raise Refused(f"the comment has {size} bytes; allowed: up to {MOST_COMMENT_BYTES}. Shorten it.")
    if comment != storable(comment):
        raise Refused(f"the comment is {comment[:80]!r}; allowed: text without NUL and without halves of letters.")


def _next_number(connection: Connection, layer_name: str) -> int:
    given = update(layer).where(layer.c.name == layer_name).values(next_version=layer.c.next_version + 1)
    return int(connection.execute(given.returning(layer.c.next_version)).scalar_one()) - 1


def _named(found: Version) -> str:
    return f"version {found.number} of layer {found.layer!r}"


def _check_open(found: Version) -> None:
    if found.hash is not None:
        raise Conflict(f"{_named(found)} was checked and does not change any more. Make a new version from it.")


def _check_idle(connection: Connection, found: Version) -> None:
    its = (job.c.layer == found.layer, job.c.version == found.number, job.c.state.in_(OPEN))
    if (row := connection.execute(select(job.c.id, job.c.kind).where(*its)).first()) is not None:
        raise Conflict(f"{_named(found)} has job {row.id} ({row.kind}) under way. Wait for it, or cancel it.")


def _check_unpublished(found: Version, what: str) -> None:
    if found.state not in (DRAFT, CHECKED):
        raise Conflict(f"{_named(found)} is {found.state}: one that was published can't be {what}.")


def _check_outcome(outcome: Outcome) -> None:
    given = outcome.manifest is not None, outcome.hash is not None
    if any(given) and not (all(given) and outcome.geometry is not None):
        raise Refused("a manifest and its hash are given together, with a geometry, or none of them.")
