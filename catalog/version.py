"""One version of a layer, as the catalog has it.

Under `versions`. Its manifest (which may have a code for each of 100,000 regions) is apart: `Versions.manifest`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from catalog.errors import Missing
from catalog.layer import MOST_NUMBER
from catalog.layer_tables import version

DRAFT, CHECKED, PUBLISHED, SUPERSEDED = "draft", "checked", "published", "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a version decides beside shapes."""

    rule: Mapping[str, Any] = field(default_factory=dict)  # a table, as rules are written
    dwell_s: float | None = None
    nearest_within_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Upload:
    """The file that a version was made from."""

    file: str  # its name
    size: int
    blob: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What a check has found."""

    regions: int
    errors: int
    warnings: int
    notes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check has made of a draft. Without a manifest (errors kept it from being made) it can be checked again;
    its geometry is then only to be looked at.
    """

    counts: Counts
    report: str  # a blob, as `geometry`
    geometry: str | None = None
    manifest: Mapping[str, Any] | None = None
    hash: str | None = None  # what the version is named by everywhere; given with the manifest
    settings: Settings | None = None  # as they are in the manifest, where the file had some to add


@dataclass(frozen=True, slots=True)
class Version:
    """One version."""

    layer: str
    number: int  # in its layer, from 1
    state: str  # DRAFT, CHECKED, PUBLISHED or SUPERSEDED
    base: int | None  # the version that it was made from
    settings: Settings
    upload: Upload | None  # None: made from its base alone
    options: Mapping[str, Any]  # how the file is to be read, or what is to be done to the base
    hash: str | None
    geometry: str | None  # blobs
    report: str | None
    counts: Counts | None  # None: not checked yet
    comment: str
    by: str
    created_ms: int
    checked_ms: int | None
    revision: int

    @property
    def target(self) -> str:
        """How the audit names it."""
        return target_of(self.layer, self.number)


def target_of(layer_name: str, number: int) -> str:
    """How the audit names a version."""
    return f"{layer_name}/{number}"


def version_of(row: Row[tuple[object, ...]]) -> Version:
    """What the columns say."""
    its = row._mapping
    upload = None if its["upload"] is None else Upload(its["file"], its["size"], its["upload"])
    found = (its["regions"], its["errors"], its["warnings"], its["notes"])
    return Version(
        its["layer"], its["number"], its["state"], its["base"], Settings(**json.loads(its["settings"])), upload,
        json.loads(its["options"]), its["hash"], its["geometry"], its["report"],
        None if its["errors"] is None else Counts(*found), its["comment"], its["by"], its["created_ms"],
        its["checked_ms"], its["revision"],
    )  # fmt: skip


def one_version(connection: Connection, layer_name: str, number: int) -> Version:
    """One version. Raises Missing."""
    asked = select(*COLUMNS).where(version.c.layer == layer_name, version.c.number == number)
    row = connection.execute(asked).one_or_none() if 0 < number <= MOST_NUMBER else None
    if row is None:
        raise Missing(
            f"layer {layer_name!r} has no version {number}. GET /v1/layers/{layer_name}/versions lists those it has."
        )
    return version_of(row)


def set_version(connection: Connection, layer_name: str, number: int, **values: object) -> None:
    """Write columns of one."""
    connection.execute(
        update(version).where(version.c.layer == layer_name, version.c.number == number).values(**values)
    )


def settings_text(settings: Settings) -> str:
    """The column."""
    return json.dumps(asdict(settings), sort_keys=True)


COLUMNS = [column for column in version.c if column.name != "manifest"]
