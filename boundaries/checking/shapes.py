"""Single shapes: what is wrong with each feature by itself, and the regions that come of it.

The order of the checks on single shapes, each in a module of its own: names, positions, rings, the seam of the world,
crossings, clutter, winding. Invariant: a region that comes out of here is valid, within the world and wound as
RFC 7946 wants it, and what was not mended has the exact positions of its drawing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from boundaries.checking.clutter import check_clutter
from boundaries.checking.crossing import build_shapes
from boundaries.checking.draft import Draft, drafts_of
from boundaries.checking.finding import Finding, Mend, Source
from boundaries.checking.naming import check_names
from boundaries.checking.positions import check_finite, check_geometries, check_range, check_size
from boundaries.checking.rings import check_rings
from boundaries.checking.seam import cut_at_seam
from boundaries.checking.swapped import check_swapped
from boundaries.drawing import Feature
from geofence.region import Region


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the checks on single shapes give."""

    drafts: tuple[Draft, ...]
    whole: tuple[Finding, ...]  # of the file, no single feature's

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [*self.whole, *(one for draft in self.drafts for one in draft.findings)]


def check_shapes(
    features: Sequence[Feature],
    *,
    source: Source | None = None,
    previous: Sequence[Region] | None = None,
    fix: Collection[str] = frozenset(),
) -> Shapes:
    """Judge every feature by itself. What stands in `fix` is mended where it can be."""
    drafts = drafts_of(features)
    whole = [] if drafts else [Finding(code="no_regions", what="The file has no features.")]
    check_names(drafts)
    check_geometries(drafts)
    whole += check_size(drafts)
    check_finite(drafts)
    whole += check_swapped(drafts, source, previous, fix)
    whole += check_range(drafts)
    check_rings(drafts, fix)
    cut_at_seam(drafts, fix)
    build_shapes(drafts, fix)
    check_clutter(drafts, fix)
    whole += _wind(drafts)
    whole += _tell_heights(drafts)
    return Shapes(tuple(drafts), tuple(whole))


def _wind(drafts: Sequence[Draft]) -> list[Finding]:
    """Turn rings as RFC 7946 wants them."""
    shaped = [draft for draft in drafts if draft.shape is not None]
    shapes = np.array([draft.shape for draft in shaped], dtype=object)
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    hole = np.diff(of_part, prepend=-1) == 0
    turned = np.unique(of_shape[of_part[shapely.is_ccw(rings) == hole]])
    for place, shape in zip(turned.tolist(), shapely.orient_polygons(shapes[turned]).tolist(), strict=True):
        shaped[place].shape = shape
    drawn_so = [shaped[place] for place in turned.tolist() if not shaped[place].recut]
    return _told_once(drawn_so, "winding_turned", "rings that were drawn the other way round")


def _tell_heights(drafts: Sequence[Draft]) -> list[Finding]:
    return _told_once([d for d in drafts if d.feature.drawing.heights], "heights_dropped", "third coordinates")


def _told_once(drafts: Sequence[Draft], code: str, what: str) -> list[Finding]:
    """One note, however many features it is about."""
    if len(drafts) == 1:
        drafts[0].note(code, f"{drafts[0].title} has {what}.", mend=Mend.DONE)
    if len(drafts) < 2:
        return []
    text = f"{len(drafts):,} features have {what}, the first is {drafts[0].label}."
    return [Finding(code=code, what=text, mend=Mend.DONE, figures={"features": float(len(drafts))})]
