"""Whether rings are closed and enclose anything.

Third of the checks, on rings as drawn. Invariant: afterwards every ring of a draft is closed and has three positions
that are not in line; a ring that was open is closed here to go on with, which is a mend only if it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import shapely

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Mend
from boundaries.checking.outlines import outlines_of_rings
from boundaries.drawing import Ring
from boundaries.ground import lengths_m, ring_areas_m2

CLOSE_M = 0.01  # nearer positions are the same


def check_rings(drafts: Sequence[Draft], fix: Collection[str]) -> None:
    """Find rings that are too short or open, and see to it that the others can be built."""
    _check_short(drafts, "ring_too_short" in fix)
    _check_open(drafts, "ring_open" in fix)


def _check_short(drafts: Sequence[Draft], mend: bool) -> None:
    lines = outlines_of_rings([draft.polygons for draft in drafts])
    if not len(lines.start):
        return
    narrow = np.abs(ring_areas_m2(lines.lon_lat, lines.start)) < 1e-3  # a figure of eight can enclose nothing, too
    narrow |= lines.size < 4
    for owner in lines.features_with(narrow):
        draft = drafts[owner]
        for ring in [ring for polygon in draft.polygons for ring in polygon if _is_flat(ring)]:
            different = len(np.unique(ring, axis=0))
            offered = Mend.OFFERED if _keeps_some(draft) else Mend.NO
            what = (
                f"A ring of {draft.label} has {different} different positions"
                if different < 3
                else (f"A ring of {draft.label} has its {different} positions on one line")
            )
            draft.note(
                "ring_too_short",
                f"{what}; it encloses nothing.",
                at=ring[0],
                shape=_line(ring),
                mend=Mend.DONE if mend and offered is Mend.OFFERED else offered,
                positions=different,
            )
        draft.polygons = _without(draft, _is_flat)


def _is_flat(ring: Ring) -> bool:
    different = np.unique(ring, axis=0)
    return len(different) < 3 or shapely.convex_hull(shapely.multipoints(different)).geom_type != "Polygon"


def _keeps_some(draft: Draft) -> bool:
    return bool(_without(draft, _is_flat))


def _without(draft: Draft, unwanted: Callable[[Ring], bool]) -> list[list[Ring]]:
    """The polygons without these rings; without its outer ring nothing is left of a polygon."""
    return [
        [rings[0], *(ring for ring in rings[1:] if not unwanted(ring))]
        for rings in draft.polygons
        if not unwanted(rings[0])
    ]


def _check_open(drafts: Sequence[Draft], mend: bool) -> None:
    lines = outlines_of_rings([draft.polygons for draft in drafts])
    if not len(lines.start):
        return
    ends = np.append(lines.start[1:], len(lines.lon_lat)) - 1
    is_open = (lines.lon_lat[lines.start] != lines.lon_lat[ends]).any(axis=1)
    for owner in lines.features_with(is_open):
        draft = drafts[owner]
        for ring in [ring for polygon in draft.polygons for ring in polygon if (ring[0] != ring[-1]).any()]:
            gap_m = float(lengths_m(ring[0], ring[-1]))
            draft.note(
                "ring_open",
                f"A ring of {draft.label} ends {_metres(gap_m)} from where it begins.",
                at=ring[-1],
                shape=_line(ring[[-1, 0]]),
                mend=Mend.DONE if mend else Mend.OFFERED,
                gap_m=gap_m,
            )
        draft.polygons = [[_closed(ring) for ring in rings] for rings in draft.polygons]


def _closed(ring: Ring) -> Ring:
    if (ring[0] == ring[-1]).all():
        return ring
    body = ring[:-1] if len(ring) > 3 and lengths_m(ring[0], ring[-1]) < CLOSE_M else ring
    return np.vstack([body, ring[:1]])


def _line(ring: Ring) -> shapely.LineString:
    return shapely.LineString(ring if len(ring) > 1 else np.vstack([ring, ring]))


def _metres(length_m: float) -> str:
    return f"{length_m:,.0f} m" if length_m >= 10 else f"{length_m:.3g} m"
