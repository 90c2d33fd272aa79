"""Check that the sample layers are clean, and print what they hold.

    python -m data.check

Reads the files as they are kept, apart from the scripts that made them, and finds every way in which a layer
could mislead: doubled ids, invalid or non-polygonal shapes, coordinates out of range, rings wound wrongly or
running across the 180th meridian, regions of a partition that overlap or whose common borders do not match,
wrong counts, large files. Ends with status 1 if anything is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from rich.console import Console
from rich.table import Table

from data import layers, mending

LARGEST_FILE_BYTES = 6_000_000
LARGEST_TOTAL_BYTES = 15_000_000

OVERLAP_DEG2 = 1e-9
"""About 10 square metres: overlaps under this come of rounding."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a layer must hold: its regions, and those whose borders mending left unlike their neighbours'."""

    regions: int
    kind: str
    unmatched: int = 0


EXPECTED = {
    "us-counties": Expected(regions=3_230, kind="partition", unmatched=3),
    "countries": Expected(regions=254, kind="partition", unmatched=4),
    "provinces": Expected(regions=4_556, kind="partition"),
    "fences": Expected(regions=18, kind="overlay"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is in a layer and what is wrong with it; clean if `problems` is empty."""

    layer: layers.Layer
    file_bytes: int
    vertices: int
    unmatched: int
    problems: tuple[str, ...]


def check(name: str) -> Finding:
    """Check one sample layer."""
    layer = layers.read(name)
    shapes = np.array([f.geometry for f in layer.features])
    file_bytes = layers.path_of(name).stat().st_size
    partition = layer.settings["kind"] == "partition"
    unmatched = int((~shapely.is_empty(shapely.coverage_invalid_edges(shapes))).sum()) if partition else 0
    problems = [*_settings(layer, EXPECTED[name]), *_regions(layer)]
    if partition:
        problems += _overlaps(layer, shapes)
    if unmatched > EXPECTED[name].unmatched:
        problems.append(f"{unmatched} regions have borders unlike their neighbours'")
    if file_bytes > LARGEST_FILE_BYTES:
        problems.append(f"{file_bytes:,} bytes; allowed: {LARGEST_FILE_BYTES:,}")
    return Finding(
        layer=layer,
        file_bytes=file_bytes,
        vertices=int(shapely.get_num_coordinates(shapes).sum()),
        unmatched=unmatched,
        problems=tuple(problems),
    )


def total_bytes() -> int:
    """Return the size of all sample layers together."""
    return sum(path.stat().st_size for path in layers.HERE.glob("*.geojson.gz"))


def _settings(layer: layers.Layer, expected: Expected) -> Iterator[str]:
    settings = layer.settings
    if settings["kind"] != expected.kind:
        yield f"kind is {settings['kind']}; expected: {expected.kind}"
    if expected.kind == "partition" and not 0 <= settings["nearest_within_m"] <= 50_000:
        yield f"nearest_within_m is {settings['nearest_within_m']}; allowed: 0 to 50,000"
    if expected.kind == "overlay" and not settings["dwell_s"] > 0:
        yield f"dwell_s is {settings['dwell_s']}; allowed: more than 0"
    if not (layer.source and layer.licence and layer.script):
        yield "source, licence or script is missing"
    if len(layer.features) != expected.regions:
        yield f"{len(layer.features)} regions; expected: {expected.regions}"
    ids = [f.id for f in layer.features]
    if len(set(ids)) != len(ids):
        yield f"ids that occur twice: {sorted(i for i in set(ids) if ids.count(i) > 1)}"
    if ids != sorted(ids, key=str.encode):
        yield "regions are not sorted by id"


def _regions(layer: layers.Layer) -> Iterator[str]:
    for feature in layer.features:
        shape = feature.geometry
        if not (feature.id and feature.name):
            yield f"{feature.id!r} ({feature.name!r}) lacks an id or a name"
        if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
            yield f"{feature.id} is a {shape.geom_type}, or empty"
        if not shape.is_valid:
            yield f"{feature.id} is invalid: {shapely.is_valid_reason(shape)}"
        for polygon in shapely.get_parts(shape):
            yield from _polygon(feature.id, polygon)


def _polygon(id_: str, polygon: shapely.Polygon) -> Iterator[str]:
    if not polygon.exterior.is_ccw or any(hole.is_ccw for hole in polygon.interiors):
        yield f"{id_} has a ring that is wound the wrong way"
    for ring in (polygon.exterior, *polygon.interiors):
        corners = shapely.get_coordinates(ring)
        if (np.abs(corners) > [180, 90]).any():
            yield f"{id_} leaves [-180, 180] by [-90, 90]"
        if (np.abs(np.diff(corners[:, 0])) > 180).any():
            yield f"{id_} has an edge across the 180th meridian"


def _overlaps(layer: layers.Layer, shapes: np.ndarray) -> Iterator[str]:
    for left, right in mending.overlapping_pairs(shapely.STRtree(shapes)):
        area_deg2 = shapes[left].intersection(shapes[right]).area
        if area_deg2 > OVERLAP_DEG2:
            ids = f"{layer.features[left].id} and {layer.features[right].id}"
            yield f"{ids} share {area_deg2:.1e} square degrees"


def main() -> int:
    """Print a table of all layers, then what is wrong; return the exit status."""
    findings = {name: check(name) for name in EXPECTED}
    table = Table("layer", "kind", box=None, padding=(0, 1))
    for heading in ("regions", "vertices", "bytes", "unmatched", "within", "wrong"):
        table.add_column(heading, justify="right")
    for name, finding in findings.items():
        settings = finding.layer.settings
        counts = (len(finding.layer.features), finding.vertices, finding.file_bytes, finding.unmatched)
        reach = str(settings.get("nearest_within_m", ""))
        table.add_row(name, settings["kind"], *(f"{n:,}" for n in counts), reach, str(len(finding.problems)))
    console = Console(width=100)
    console.print(table)
    console.print(f"{total_bytes():,} bytes in all")
    problems = [f"{name}: {problem}" for name, finding in findings.items() for problem in finding.problems]
    if total_bytes() > LARGEST_TOTAL_BYTES:
        problems.append(f"all layers: {total_bytes():,} bytes; allowed: {LARGEST_TOTAL_BYTES:,}")
    console.print("\n".join(problems) or "All clean.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
