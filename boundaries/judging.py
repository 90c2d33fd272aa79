"""A region file from its bytes to its report and its regions: what is done with it in a child process.

Run by `sandbox`, for the command line and for the jobs of a server alike. The report and the regions are left as files
in the child's folder. Invariant: where there are no errors, what is left as regions can be published as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from boundaries.blob import read_regions, write_regions
from boundaries.checking.check import EVERY_CODE, Checked, check
from boundaries.checking.finding import Finding, Report, Source
from boundaries.checking.mends import feature_of
from boundaries.drawing import Feature
from boundaries.judged import ALL, REGIONS, REPORT
from boundaries.layer import LayerSettings
from boundaries.reading.apart import read_confined
from boundaries.reading.options import Progress
from boundaries.telling.document import report_json
from boundaries.telling.verdict import verdict_of
from geofence.geojson import Settings
from geofence.region import Kind
from geofence.rule import Rule


def judge(
    *,
    folder: Path,
    progress: Progress,
    file: str,
    name: str,
    layer: Mapping[str, Any],
    options: Mapping[str, Any],
    previous: str | None = None,
    fix: Sequence[str] = (),
) -> dict[str, Any]:
    """Read and check a file; what is worth knowing at once, the rest as files in the folder.

    `name`: the file's, as its owner knows it. `previous`: the regions of the version before, as a blob.
    """
    reading = read_confined(file, dict(options), progress)
    source = replace(reading.source, file=name)
    return _judged(folder, progress, reading.features, _settings(layer, reading.settings), source, reading.findings,
                   previous, fix)  # fmt: skip


def judge_regions(
    *,
    folder: Path,
    progress: Progress,
    file: str,
    layer: Mapping[str, Any],
    without: Sequence[str] = (),
    retire: bool = False,
    previous: str | None = None,
    fix: Sequence[str] = (),
) -> dict[str, Any]:
    """The same for the regions of an earlier version, without some of them; or without any, to retire the layer."""
    if retire:
        its = _settings(layer, Settings())
        report = Report(layer=its.name, kind=str(its.kind), source=None, features=0, regions=0, vertices=0, findings=())
        return _left(folder, Checked(report, ()), its)
    left = [region for region in read_regions(Path(file)) if region.id not in set(without)]
    features = [feature_of(region, row) for row, region in enumerate(left)]
    return _judged(folder, progress, features, _settings(layer, Settings()), None, (), previous, fix)


def _judged(
    folder: Path,
    progress: Progress,
    features: Sequence[Feature],
    settings: LayerSettings,
    source: Source | None,
    found: Sequence[Finding],
    previous: str | None,
    fix: Sequence[str],
) -> dict[str, Any]:
    before = None if previous is None else read_regions(Path(previous))
    codes = EVERY_CODE if ALL in fix else frozenset(fix)

    def tell(stage: str, share: float) -> None:
        progress(stage, round(100 * share), 100)

    checked = check(source, features, settings, found=found, previous=before, fix=codes, progress=tell)
    return _left(folder, checked, settings)


def _left(folder: Path, checked: Checked, settings: LayerSettings) -> dict[str, Any]:
    """Write report and regions; a summary."""
    (folder / REPORT).write_bytes(report_json(checked.report))
    write_regions(checked.regions, folder / REGIONS)
    verdict = verdict_of(checked.report)
    counts = {"errors": verdict.errors, "warnings": verdict.warnings, "notes": verdict.notes}
    decided = {"dwell_s": settings.dwell_s, "nearest_within_m": settings.nearest_within_m}
    return {"regions": len(checked.regions), **counts, "kind": str(settings.kind), "settings": decided}


def _settings(layer: Mapping[str, Any], file: Settings) -> LayerSettings:
    """What is said of the layer; else what its file says of it, else as layers are."""
    given = {name: value for name, value in layer.items() if value is not None}
    kind = Kind(given.get("kind") or file.kind or Kind.PARTITION)
    its: dict[str, Any] = {"name": given.get("name") or file.layer or "layer", "kind": kind}
    for setting in ("tolerance_m", "accuracy_m"):
        if setting in given:
            its[setting] = given[setting]
    if given.get("rule"):
        its["rule"] = Rule.from_table(given["rule"])
    if kind is Kind.OVERLAY:
        its["dwell_s"] = given.get("dwell_s", file.dwell_s)
    else:
        its["nearest_within_m"] = given.get("nearest_within_m", file.nearest_within_m) or 0.0
    return LayerSettings(**its)
