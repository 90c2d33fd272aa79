"""Pages, texts and maps of reports and differences: made in a child process, as they take seconds of processor time.

Run by `sandbox` for `views`. What is told is left as a file in the child's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boundaries.blob import read_regions
from boundaries.difference.compare import compare
from boundaries.difference.document import difference_json
from boundaries.difference.page import difference_page
from boundaries.difference.places import difference_places
from boundaries.difference.side import Side
from boundaries.difference.text import text_of
from boundaries.manifest import Manifest, read_manifest
from boundaries.reading.options import Progress
from boundaries.telling.document import report_of
from boundaries.telling.page import report_page
from boundaries.telling.places import report_places
from boundaries.telling.text import report_text
from geofence.rule import Rule

TOLD = "told"


def tell_report(*, folder: Path, progress: Progress, report: str, regions: str | None, form: str) -> None:
    """A report as text, geojson or html."""
    progress("drawing", 0, 1)
    its = report_of(Path(report).read_bytes())
    if form == "html":
        told = report_page(its, [] if regions is None else read_regions(Path(regions))).encode()
    else:
        told = report_text(its).encode() if form == "text" else report_places(its)
    (folder / TOLD).write_bytes(told)


def tell_difference(
    *, folder: Path, progress: Progress, old: dict[str, str], new: dict[str, str], layer: str, form: str
) -> None:
    """What is different, as json, text, geojson or html. Each side: the files of its manifest and its regions."""
    progress("comparing", 0, 1)
    before, after = _side(old), _side(new)
    found = compare(before, after)
    if form == "html":
        told = difference_page(found, before, after, layer=layer).encode()
    elif form == "text":
        told = text_of(found).encode()
    else:
        told = difference_places(found) if form == "geojson" else difference_json(found)
    (folder / TOLD).write_bytes(told)


def _side(files: dict[str, Any]) -> Side:
    manifest: Manifest = read_manifest(Path(files["manifest"]).read_bytes())
    return Side(
        regions=read_regions(Path(files["regions"])),
        kind=manifest.kind,
        rule=Rule.from_table(manifest.rule),
        dwell_s=manifest.dwell_s,
        nearest_within_m=manifest.nearest_within_m,
    )
