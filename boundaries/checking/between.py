"""Regions beside each other, and beside the version before: what `check` asks once each region is valid by itself.

The list of these checks; each is a module beside this one. Invariant: findings come in the same order whatever order
the regions had: by check, then by region in the byte order of ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from boundaries.checking.before import compare_with
from boundaries.checking.finding import Finding
from boundaries.checking.gaps import find_gaps
from boundaries.checking.measure import MOST
from boundaries.checking.narrow import find_narrow
from boundaries.checking.overlaps import find_overlaps
from boundaries.layer import LayerSettings
from geofence.region import Kind, Region

Progress = Callable[[str, float], None]  # what is done just now, and how much of it, 0 to 1


def check_between(
    regions: Sequence[Region],
    settings: LayerSettings,
    previous: Sequence[Region] | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Every finding about valid regions with unique ids; `previous`: those of the version that is in force."""

    def on(what: str) -> Callable[[float], None]:
        return lambda share: progress(what, share) if progress else None

    ordered = in_order(regions)
    ids, shapes = [region.id for region in ordered], np.array([region.geometry for region in ordered], object)
    checks: list[list[Finding]] = []
    if settings.kind is Kind.PARTITION and ordered:
        checks.append(find_overlaps(ids, shapes, settings.tolerance_m, on("overlaps")))
        checks.append(find_gaps(ids, shapes, settings.tolerance_m, settings.nearest_within_m, on("gaps")))
    if ordered:
        checks.append(find_narrow(ids, shapes, settings.rule, settings.accuracy_m, settings.nearest_within_m))
        on("widths")(1.0)
    if previous is not None:
        checks.append(compare_with(in_order(previous), ordered))
        on("the version before")(1.0)
    return [finding for found in checks for finding in _bounded(found)]


def _bounded(found: list[Finding]) -> list[Finding]:
    """The findings of one check; the last says so if it stopped looking."""
    if len(found) < MOST:
        return found
    last = found[-1]
    return [*found[:-1], replace(last, what=f"{last.what} After {MOST:,} of them no more were looked for.")]


def in_order(regions: Sequence[Region]) -> list[Region]:
    """The regions in the byte order of their ids, as a version has them."""
    return sorted(regions, key=lambda region: region.id.encode("utf-8", "surrogatepass"))
