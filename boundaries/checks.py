"""The job `check`: a draft's file is judged apart, and what came of it kept with the version.

A handler of `workshop`. Invariants: codes are given to regions once there are no errors, and never before; the version
gets its manifest and hash in the transaction that ends the job.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from boundaries.blob import read_regions
from boundaries.fetching import fetch
from boundaries.judged import ALL, REGIONS, REPORT
from boundaries.loading import Loader
from boundaries.manifest import manifest_of
from boundaries.sandbox import Outcome as Apart
from boundaries.sandbox import run
from boundaries.task import Task
from boundaries.workshop import Progress
from catalog import Catalog
from catalog.job import Job
from catalog.layer import Layer
from catalog.version import Counts, Outcome, Settings, Version
from geofence.library import UnknownVersion
from geofence.region import Kind
from geofence.region import Version as CoreVersion
from geofence.rule import Rule
from web.calling import called

_log = logging.getLogger("geofence.boundaries")
CHECK = "check"
_READING = {"inner": "layer", "crs": "crs", "encoding": "encoding", "id": "id", "name": "name"}


class Checks:
    """Does checks."""

    def __init__(self, catalog: Catalog, loader: Loader, now_ms: Callable[[], int]) -> None:
        self._catalog, self._loader, self._now_ms = catalog, loader, now_ms

    async def __call__(self, job: Job, progress: Progress) -> None:
        """Check a draft; raises BoundaryError where its file can't be read at all."""
        version = await called(self._catalog.versions.get, job.layer, job.version)
        layer = await called(self._catalog.layers.get, job.layer)
        with tempfile.TemporaryDirectory(prefix="geofence-") as name:
            place = Path(name)
            task = await self._task(version, layer, place)
            apart = place / "apart"
            apart.mkdir()
            summary = await run(task, lambda done: _taken(done, apart), progress)
            outcome = await asyncio.to_thread(self._outcome, version, layer, summary, apart)
            if outcome.manifest is not None:
                progress("compiling", 0, 1)
                await self._compile(outcome, apart / REGIONS)
            its: dict[str, Any] = {"job": job, "by": job.by, "now_ms": self._now_ms()}
            await called(partial(self._catalog.versions.check, version.layer, version.number, outcome, **its))

    async def _compile(self, outcome: Outcome, regions: Path) -> None:
        """Have it compiled on this machine already when it is published; workers elsewhere do it themselves."""
        try:
            await self._loader.compile(msgspec.json.encode(outcome.manifest), regions)
        except (UnknownVersion, OSError) as error:
            _log.warning("not compiled ahead: %s", error, extra={"action": "not_compiled_ahead"})

    async def _task(self, version: Version, layer: Layer, place: Path) -> Task:
        """What is to be done apart, its files fetched."""
        options, file = version.options, place / "file"
        its: dict[str, Any] = {"layer": _said(version, layer), "fix": [ALL] if options.get("fix") else []}
        if version.upload is not None:
            await fetch(self._catalog, version.upload.blob, file)
            function = "boundaries.judging.judge"
            reading = {ours: options.get(theirs) for theirs, ours in _READING.items()}
            its |= {"name": version.upload.file, "options": reading}
        else:
            base = await called(self._catalog.versions.get, version.layer, version.base or 0)
            await fetch(self._catalog, base.geometry or "", file)
            function = "boundaries.judging.judge_regions"
            its |= {"without": options.get("without", []), "retire": options.get("retire", False)}
        before = await called(self._catalog.publications.last, version.layer)
        if before is not None:
            published = await called(self._catalog.versions.get, version.layer, before.version)
            its["previous"] = await fetch(self._catalog, published.geometry or "", place / "previous")
        return Task(function=function, arguments={"file": str(file), **its}, reads=tuple(place.iterdir()))

    def _outcome(self, version: Version, layer: Layer, summary: dict[str, Any], apart: Path) -> Outcome:
        """What is kept of it."""
        now_ms = self._now_ms()
        counts = Counts(summary["regions"], summary["errors"], summary["warnings"], summary["notes"])
        report = self._catalog.blobs.put(apart / REPORT, now_ms=now_ms)
        geometry = self._catalog.blobs.put(apart / REGIONS, now_ms=now_ms)
        if counts.errors:
            return Outcome(counts=counts, report=report, geometry=geometry)
        regions = read_regions(apart / REGIONS)
        codes = self._catalog.codes.give(layer.name, (region.id for region in regions))
        made = CoreVersion.of(
            layer.name,
            regions,
            kind=Kind(layer.kind),
            rule=Rule.from_table(version.settings.rule),
            codes=codes,
            **summary["settings"],
        )
        decided = Settings(rule=made.rule.to_table(), dwell_s=made.dwell_s, nearest_within_m=made.nearest_within_m)
        manifest = msgspec.json.decode(manifest_of(made, geometry))
        return Outcome(counts=counts, report=report, geometry=geometry, manifest=manifest, hash=made.hash,
                       settings=decided)  # fmt: skip


def _said(version: Version, layer: Layer) -> dict[str, Any]:
    """What the child has to know of the layer; what nobody has said yet, the file may say."""
    settings, said = version.settings, version.options.get("said", ())
    its = {"dwell_s": settings.dwell_s, "nearest_within_m": settings.nearest_within_m}
    return {
        "name": layer.name,
        "kind": layer.kind,
        "tolerance_m": layer.tolerance_m,
        "accuracy_m": layer.accuracy_m,
        "rule": dict(settings.rule),
        **{name: value for name, value in its.items() if version.base is not None or name in said},
    }


def _taken(done: Apart, place: Path) -> dict[str, Any]:
    """The summary; the files come along."""
    for name in (REPORT, REGIONS):
        done.file(name).rename(place / name)
    summary: dict[str, Any] = done.value
    return summary
