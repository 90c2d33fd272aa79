"""Which old region a new one comes from, where ids alone don't tell: other ids, splits, mergers.

Between `ground` and `compare`. Told from overlaps of ground. Invariant: seen from the other side, a split is a merger
and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from boundaries.difference.ground import alike
from boundaries.ground import areas_m2
from geofence.region import Region

SHARE = 0.9  # of a piece's ground within the whole, and of the whole's ground covered by pieces
Regions = Mapping[str, Region]


@dataclass(frozen=True, slots=True)
class Family:
    """One region and the pieces that it became, or was made of."""

    whole: str
    pieces: tuple[str, ...]


def same_ground(old: Regions, new: Regions) -> dict[str, str]:
    """Old ids and the new ids under which their very shapes are found; no id twice on either side."""
    olds, news = list(old.values()), list(new.values())
    if not olds or not news:
        return {}
    tree = shapely.STRtree([region.geometry.envelope for region in news])
    ones, others = tree.query([region.geometry.envelope for region in olds])
    other_id = [pair for pair in zip(ones, others, strict=True) if olds[pair[0]].id != news[pair[1]].id]
    other_id.sort(key=lambda pair: (olds[pair[0]].id, news[pair[1]].id))
    before = np.array([olds[one].geometry for one, _ in other_id], object)
    after = np.array([news[other].geometry for _, other in other_id], object)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for (one, other), same in zip(other_id, alike(before, after), strict=True):
        if same and olds[one].id not in found and news[other].id not in taken:
            found[olds[one].id] = news[other].id
            taken.add(news[other].id)
    return found


def families(wholes: Regions, pieces: Regions, fresh: frozenset[str]) -> list[Family]:
    """Which wholes fell into which pieces; one of them at least is fresh, any other has the whole's own id.

    With the old regions as wholes these are splits, with the new ones mergers.
    """
    candidates = [region for region in pieces.values() if region.id in fresh]
    if not wholes or not candidates:
        return []
    rows = list(wholes.values())
    tree = shapely.STRtree([region.geometry for region in rows])
    ones, others = tree.query([region.geometry for region in candidates], predicate="intersects")
    of: dict[str, list[Region]] = {}
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        of.setdefault(rows[other].id, []).append(candidates[one])
    for ident, found in of.items():
        if ident in pieces and ident not in fresh:
            found.append(pieces[ident])
    made = (_family(wholes[ident], found) for ident, found in sorted(of.items()))
    return [family for family in made if family is not None]


def _family(whole: Region, candidates: Sequence[Region]) -> Family | None:
    shapes = np.array([region.geometry for region in candidates], object)
    shared = areas_m2(shapely.intersection(shapes, whole.geometry))
    inside = shared >= SHARE * areas_m2(shapes)
    covered = shared[inside].sum() >= SHARE * areas_m2(np.array([whole.geometry], object))[0]
    pieces = [region for region, kept in zip(candidates, inside, strict=True) if kept]
    if len(pieces) < 2 or not covered or not _beside_each_other(pieces):
        return None
    return Family(whole.id, tuple(sorted(region.id for region in pieces)))


def _beside_each_other(pieces: Iterable[Region]) -> bool:
    """Whether pieces hardly overlap; a fence within a fence is no piece of it."""
    shapes = np.array([region.geometry for region in pieces], object)
    together = areas_m2(np.array([shapely.union_all(shapes)], object))[0]
    sizes = areas_m2(shapes)
    return bool(sizes.sum() - together <= (1 - SHARE) * sizes.min())
