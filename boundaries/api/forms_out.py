"""What admins are shown, as types; made from what the catalog has.

Between the endpoints, which write them, and `documents`, which tells of them. Invariant: times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from catalog.job import Job
from catalog.layer import Layer
from catalog.publication import Publication
from catalog.version import Version

T = TypeVar("T")


class PublicationTold(msgspec.Struct):
    """A version on its way into force, or in force."""

    layer: str
    number: int
    version: int
    hash: str
    replaces: int | None
    state: str
    reason: str | None
    by: str
    comment: str
    expect: int | None
    at_ms: int
    created_ms: int
    sent_ms: int | None
    in_force_ms: int | None


class PublicationList(msgspec.Struct):
    """The publications of a layer, the newest first."""

    publications: list[PublicationTold]


class LayerTold(msgspec.Struct):
    """A layer, and what is published of it."""

    name: str
    kind: str
    tolerance_m: float
    accuracy_m: float
    created_ms: int
    published: PublicationTold | None


class LayerList(msgspec.Struct):
    """All layers, by name."""

    layers: list[LayerTold]


class PartitionTold(msgspec.Struct):
    """What is in force on a partition, as its worker has said."""

    partition: int
    publication: int
    version: int | None
    hash: str
    since_ms: int
    worker: str


class WorkerTold(msgspec.Struct):
    """How far a worker is with the newest publication."""

    id: str
    host: str
    pid: int
    seen_ms: int
    partitions: list[int]
    state: str | None
    reason: str | None


class LayerState(LayerTold):
    """The same with what comes next, and what is in force where."""

    next: PublicationTold | None
    in_force: list[PartitionTold]
    workers: list[WorkerTold]


class SettingsTold(msgspec.Struct):
    """What a version decides beside shapes."""

    rule: dict[str, float]
    dwell_s: float | None
    nearest_within_m: float


class UploadTold(msgspec.Struct):
    """The file that a version was made from."""

    file: str
    size: int
    sha256: str


class CountsTold(msgspec.Struct):
    """What its check has found."""

    regions: int
    errors: int
    warnings: int
    notes: int


class JobTold(msgspec.Struct):
    """Long work on a version."""

    id: str
    kind: str
    layer: str
    version: int
    asked: dict[str, Any]
    state: str
    stage: str
    done: int
    total: int | None
    reason: str | None
    by: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None


class VersionTold(msgspec.Struct):
    """A version."""

    layer: str
    number: int
    state: str
    base: int | None
    settings: SettingsTold
    upload: UploadTold | None
    options: dict[str, Any]
    hash: str | None
    counts: CountsTold | None
    comment: str
    by: str
    created_ms: int
    checked_ms: int | None


class VersionState(VersionTold):
    """The same with the job that checks it, or has done so last."""

    job: JobTold | None


class VersionList(msgspec.Struct):
    """The versions of a layer, the newest first."""

    versions: list[VersionTold]


class DryRunTold(msgspec.Struct):
    """The newest dry run of a version; `result` once it is done."""

    job: JobTold
    result: Any


def publication_told(its: Publication) -> PublicationTold:
    """One as it is shown."""
    return _made(PublicationTold, its)


def layer_told(its: Layer, published: Publication | None) -> LayerTold:
    """One as it is shown."""
    shown = None if published is None else publication_told(published)
    return LayerTold(its.name, its.kind, its.tolerance_m, its.accuracy_m, its.created_ms, shown)


def job_told(its: Job) -> JobTold:
    """One as it is shown: without its result, which those may see who may see what it is of."""
    return _made(JobTold, its, asked=dict(its.asked))


def version_told(its: Version) -> VersionTold:
    """One as it is shown."""
    return _made(VersionTold, its, **_parts(its))


def version_state(its: Version, job: Job | None) -> VersionState:
    """One as it is shown by itself."""
    shown = None if job is None else job_told(job)
    return _made(VersionState, its, **_parts(its), job=shown)


def _parts(its: Version) -> dict[str, Any]:
    settings = SettingsTold(dict(its.settings.rule), its.settings.dwell_s, its.settings.nearest_within_m)
    upload = None if its.upload is None else UploadTold(its.upload.file, its.upload.size, its.upload.blob)
    counts = None if its.counts is None else _made(CountsTold, its.counts)
    return {"settings": settings, "upload": upload, "counts": counts, "options": dict(its.options)}


def _made(kind: Callable[..., T], its: object, **more: Any) -> T:
    """A struct with what is given, and else what the other has by the same names."""
    names = kind.__struct_fields__  # type: ignore[attr-defined]
    return kind(**{name: more[name] if name in more else getattr(its, name) for name in names})
