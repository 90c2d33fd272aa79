"""Whether there is a shape at all, and whether its positions lie on the world.

Second of the checks. Invariant: afterwards a draft that keeps its polygons has finite positions within three turns of
the world (`seam` brings them home), and no more of them than an atlas can take.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Finding
from boundaries.checking.outlines import Flags, Outlines, outlines_of_rings

REGION_VERTICES = 500_000
FILE_VERTICES = 2_000_000  # an atlas of them takes 20 s and 2 GB to compile
FARTHEST_LON = 540.0
_POLYGONAL = ("Polygon", "MultiPolygon", "GeometryCollection")


def check_geometries(drafts: Sequence[Draft]) -> None:
    """Find features without polygons, and those too detailed."""
    for draft in drafts:
        drawing = draft.feature.drawing
        vertices = sum(len(ring) for polygon in draft.polygons for ring in polygon)
        if not drawing.kind:
            draft.note("geometry_missing", f"{draft.title} has no geometry.")
        elif drawing.others or (drawing.kind not in _POLYGONAL):
            with_polygons = f" with {drawing.others} parts that are no polygons" if draft.polygons else ""
            draft.note(
                "geometry_not_polygon",
                f"{draft.title} is a {drawing.kind}{with_polygons}; allowed: Polygon or MultiPolygon.",
            )
            draft.polygons = []
        elif not draft.polygons:
            draft.note("geometry_empty", f"{draft.title} is a {drawing.kind} without positions.")
        elif vertices > REGION_VERTICES:
            draft.note(
                "too_many_vertices",
                f"{draft.title} has {vertices:,} vertices; allowed: {REGION_VERTICES:,} in a region.",
                vertices=vertices,
            )
            draft.polygons = []


def check_size(drafts: Sequence[Draft]) -> list[Finding]:
    """Whether the file as a whole is too detailed; if so, no shape is looked at."""
    vertices = sum(len(ring) for draft in drafts for polygon in draft.polygons for ring in polygon)
    if vertices <= FILE_VERTICES:
        return []
    for draft in drafts:
        draft.polygons = []
    what = f"The file has {vertices:,} vertices; allowed: {FILE_VERTICES:,}."
    return [Finding(code="too_many_vertices", what=what, figures={"vertices": float(vertices)})]


def check_finite(drafts: Sequence[Draft]) -> None:
    """Find positions that are no numbers."""
    lines = outlines_of_rings([draft.polygons for draft in drafts])
    wrong: Flags = np.asarray((~np.isfinite(lines.lon_lat)).any(axis=1))
    for draft, number, count in _worst(drafts, lines, wrong):
        shown = ", ".join(f"{value:g}" for value in lines.lon_lat[number])
        draft.note(
            "position_not_finite",
            f"{draft.title} has {count:,} positions that are no numbers; the first is ({shown}).",
            positions=count,
        )
        draft.polygons = []


def check_range(drafts: Sequence[Draft]) -> list[Finding]:
    """Find positions off the world: told once if most features have such, else for each."""
    lines = outlines_of_rings([draft.polygons for draft in drafts])
    wrong: Flags = np.asarray((np.abs(lines.lon_lat) > [FARTHEST_LON, 90]).any(axis=1))
    found = list(_worst(drafts, lines, wrong))
    together = len(found) > 1 and 2 * len(found) > sum(bool(draft.polygons) for draft in drafts)
    for draft, number, count in found:
        if not together:
            lon, lat = lines.lon_lat[number]
            draft.note(
                "position_out_of_range",
                f"{draft.title} has {count:,} positions off the world; the first is "
                f"({lon:.10g}, {lat:.10g}); allowed: lon -180 to 180, lat -90 to 90.",
                at=lines.lon_lat[number],
                positions=count,
            )
        draft.polygons = []
    return [_most(lines, len(found))] if together else []


def _most(lines: Outlines, features: int) -> Finding:
    (west, south), (east, north) = lines.lon_lat.min(axis=0), lines.lon_lat.max(axis=0)
    hint = " These look like metres of a projection." if max(-south, north, east, -west) > 1_000 else ""
    what = (
        f"{features:,} features have positions off the world: the file's first numbers run from {west:.10g} to "
        f"{east:.10g}, its second ones from {south:.10g} to {north:.10g}; allowed: lon -180 to 180, "
        f"lat -90 to 90.{hint}"
    )
    return Finding(code="position_out_of_range", what=what, figures={"features": float(features)})


def _worst(drafts: Sequence[Draft], lines: Outlines, wrong: Flags) -> list[tuple[Draft, int, int]]:
    """Of each draft with positions so flagged: the number of the first, and how many there are."""
    numbers = np.flatnonzero(wrong)
    owners, first, count = np.unique(
        lines.feature[np.searchsorted(lines.start, numbers, "right") - 1], return_index=True, return_counts=True
    )
    return [(drafts[o], int(numbers[f]), int(c)) for o, f, c in zip(owners, first, count, strict=True)]
