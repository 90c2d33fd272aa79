"""Region files on this machine: judged apart, as a server would, and told of.

Behind `geofence boundaries check` and whatever else takes files. Invariant: a file is opened in the child alone; what
comes back are a report and regions that can be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boundaries.blob import read_regions, write_regions
from boundaries.checking.finding import Report
from boundaries.errors import BoundaryError
from boundaries.judged import REGIONS, REPORT
from boundaries.sandbox import Outcome, run_and_wait
from boundaries.task import Task
from boundaries.telling.document import report_of
from geofence.region import Region
from service.bars import bar
from service.source import Unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is said of a file: how to read it, what layer it is, what to mend."""

    layer: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    fix: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it."""

    report: Report
    regions: list[Region]
    summary: Mapping[str, Any]


def judged(path: Path, wish: Wish, *, previous: Sequence[Region] | None = None, folder: Path) -> Judged:
    """Judge a file. `folder`: where something can be put meanwhile. Raises Unusable."""
    if not path.is_file():
        raise Unusable(f"{path}: there is no such file. Check the path.")
    arguments: dict[str, Any] = {
        "file": str(path.absolute()),
        "name": path.name,
        "layer": {"name": path.name.split(".")[0], **wish.layer},
        "options": wish.reading,
        "fix": list(wish.fix),
    }
    reads = [path.absolute()]
    if previous is not None:
        before = folder / "previous.fgb"
        write_regions(previous, before)
        arguments["previous"] = str(before)
        reads.append(before)
    task = Task(function="boundaries.judging.judge", arguments=arguments, reads=tuple(reads))
    try:
        with bar(path.name) as progress:
            return run_and_wait(task, _taken, progress)
    except BoundaryError as error:
        raise Unusable(f"{path}: {error}") from None


def _taken(outcome: Outcome) -> Judged:
    report = report_of(outcome.file(REPORT).read_bytes())
    return Judged(report, read_regions(outcome.file(REGIONS)), outcome.value)
