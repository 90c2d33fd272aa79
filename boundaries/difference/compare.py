"""Compare two versions of a layer.

Regions are matched by id; what is the same to the last digit costs nothing more. What is left is looked at as ground:
the same shape under another id, splits and mergers are recognised, the rest is added, removed or reshaped. Invariants:
a version compared with itself gives nothing; exchanging the sides exchanges added and removed, gained and lost, splits
and mergers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import shapely

from boundaries.difference.change import Described, Difference, Merged, Place, Reidentified, Renamed, Reshaped, Split
from boundaries.difference.ground import Apart, apart
from boundaries.difference.lineage import Family, families, same_ground
from boundaries.difference.side import Side
from boundaries.difference.values import attributes_changed, settings_changed
from boundaries.ground import areas_m2
from geofence.region import Region

Regions = Mapping[str, Region]


def compare(old: Side, new: Side) -> Difference:
    """What changed from one version to the other."""
    before, after = _by_id(old.regions), _by_id(new.regions)
    both = [ident for ident in before if ident in after]
    moved = _moved(before, after, both)
    gone = {ident: region for ident, region in before.items() if ident not in after}
    fresh = {ident: region for ident, region in after.items() if ident not in before}
    olds = _by_id([*gone.values(), *(before[ident] for ident in moved)])
    news = _by_id([*fresh.values(), *(after[ident] for ident in moved)])
    other_ids = same_ground(olds, news)
    olds = {ident: region for ident, region in olds.items() if ident not in other_ids}
    news = {ident: region for ident, region in news.items() if ident not in other_ids.values()}
    splits = families(olds, news, frozenset(fresh) & frozenset(news))
    mergers = families(news, olds, frozenset(gone) & frozenset(olds))
    told_olds, told_news = _told(splits, mergers)
    told_olds |= other_ids.keys()
    told_news |= set(other_ids.values())
    renamed = tuple(_renamed(before[ident], after[ident]) for ident in both if before[ident].name != after[ident].name)
    described = tuple(_described(before[ident], after[ident]) for ident in both)
    attributes = tuple(one for one in described if one.values)
    changed = {one.id for one in renamed} | {one.id for one in attributes} | moved.keys()
    reshaped = {one: by for one, by in moved.items() if one not in told_olds or one not in told_news}
    return Difference(
        settings=settings_changed(old, new),
        added=_places(region for ident, region in fresh.items() if ident not in told_news),
        removed=_places(region for ident, region in gone.items() if ident not in told_olds),
        renamed=renamed,
        reshaped=_reshaped(before, after, reshaped),
        attributes=attributes,
        split=tuple(_split(before, after, family) for family in splits),
        merged=tuple(_merged(before, after, family) for family in mergers),
        reidentified=tuple(_reidentified(before[one], after[other]) for one, other in other_ids.items()),
        untouched=len(both) - len(changed),
    )


def _by_id(regions: Iterable[Region]) -> dict[str, Region]:
    ordered = sorted(regions, key=lambda region: region.id.encode("utf-8", "surrogatepass"))
    return {region.id: region for region in ordered}


def _moved(before: Regions, after: Regions, both: list[str]) -> dict[str, Apart]:
    """Of the ids on both sides those whose shapes differ, and by what."""
    olds = np.array([before[ident].geometry for ident in both], object)
    news = np.array([after[ident].geometry for ident in both], object)
    rows = np.flatnonzero(~shapely.equals_identical(olds, news))
    found = apart(olds[rows], news[rows]) if len(rows) else []
    return {both[row]: by for row, by in zip(rows, found, strict=True) if not by.same}


def _told(splits: list[Family], mergers: list[Family]) -> tuple[set[str], set[str]]:
    """The old and the new ids that families tell of."""
    olds = {family.whole for family in splits} | {piece for family in mergers for piece in family.pieces}
    news = {family.whole for family in mergers} | {piece for family in splits for piece in family.pieces}
    return olds, news


def _places(regions: Iterable[Region]) -> tuple[Place, ...]:
    listed = list(regions)
    sizes = areas_m2(np.array([region.geometry for region in listed], object)) if listed else ()
    return tuple(
        Place(id=region.id, name=region.name, area_m2=float(size), shape=region.geometry)
        for region, size in zip(listed, sizes, strict=True)
    )


def _renamed(before: Region, after: Region) -> Renamed:
    return Renamed(id=before.id, before=before.name, after=after.name)


def _described(before: Region, after: Region) -> Described:
    return Described(id=after.id, name=after.name, values=attributes_changed(before.properties, after.properties))


def _reshaped(before: Regions, after: Regions, moved: Mapping[str, Apart]) -> tuple[Reshaped, ...]:
    nothing = shapely.Polygon()
    shapes = [
        (before[ident].geometry, after[ident].geometry, by.gained or nothing, by.lost or nothing)
        for ident, by in moved.items()
    ]
    if not shapes:
        return ()
    flat = np.empty(len(shapes) * 4, object)
    flat[:] = [shape for four in shapes for shape in four]
    sizes = areas_m2(flat).reshape(-1, 4)
    return tuple(
        Reshaped(
            id=ident,
            name=after[ident].name,
            before_m2=float(old),
            after_m2=float(new),
            gained_m2=float(gained),
            lost_m2=float(lost),
            overlap=float(min(1.0, max(0.0, (old - lost) / (old + gained)))),
            gained=by.gained,
            lost=by.lost,
        )
        for (ident, by), (old, new, gained, lost) in zip(moved.items(), sizes, strict=True)
    )


def _split(before: Regions, after: Regions, family: Family) -> Split:
    (whole,) = _places([before[family.whole]])
    return Split(before=whole, after=_places(after[piece] for piece in family.pieces))


def _merged(before: Regions, after: Regions, family: Family) -> Merged:
    (whole,) = _places([after[family.whole]])
    return Merged(before=_places(before[piece] for piece in family.pieces), after=whole)


def _reidentified(before: Region, after: Region) -> Reidentified:
    (place,) = _places([after])
    return Reidentified(before=before.id, after=after.id, name=after.name, area_m2=place.area_m2, shape=place.shape)
