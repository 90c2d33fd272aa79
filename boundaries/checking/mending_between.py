"""Mending between regions: narrow overlaps go to one side, slivers are closed, and both sides share the new border.

An overlap goes to the smaller id, as it does when a device is located: so mending changes no answer. A sliver goes to
the neighbour with the longest border to it. Regions that have to do with each other are mended together, and what comes
out is checked. Invariant: a position that had nothing to do with a finding stays to the last bit, unless another region
reached over it by a rounding; what can't be mended so is left as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.checking.between import in_order
from boundaries.checking.finding import Finding, Mended
from boundaries.checking.gaps import enclosed, neighbours
from boundaries.checking.measure import polygons_of, shown, widest
from boundaries.checking.overlaps import NOISE_M, overlapping
from boundaries.ground import Shapes, areas_m2
from boundaries.layer import LayerSettings
from geofence.region import Region

MENDABLE = frozenset({"overlap_narrow", "sliver"})
_TOUCHING_DEG = 1e-9  # a tenth of a millimetre
_ROUNDING_DEG = 2e-8  # about NOISE_M
_WIDER = 1.02  # than the tolerance, for a width that is found to half a percent


@dataclass(frozen=True, slots=True)
class _Slip:
    """One thing to mend."""

    code: str
    place: BaseGeometry  # all of it
    members: frozenset[int]  # the regions that touch it


def mend_between(
    regions: Sequence[Region], settings: LayerSettings, findings: Sequence[Finding], codes: Collection[str]
) -> tuple[list[Region], list[Mended]]:
    """The regions with what `findings` offer mended, if its code is in `codes`; in the order they had.

    A region in an overlap that is not mended here is left alone with all that touches it: correct that first.
    """
    ordered = in_order(regions)
    shapes = np.array([region.geometry for region in ordered], object)
    rank = {region.id: place for place, region in enumerate(ordered)}
    wanted = [finding for finding in findings if finding.code in MENDABLE & set(codes)]
    slips = _slips(shapes, rank, wanted, _left_alone(rank, findings, codes))
    mended: list[Mended] = []
    after = shapes.copy()
    for together in _groups(slips):
        members = sorted({member for slip in together for member in slip.members})
        new = _mend(shapes[members], together, settings.tolerance_m)
        if new is None or _overlaps_more(shapes, members, new):
            continue
        for member, shape in zip(members, new, strict=True):
            if not _same(shapes[member], shape):
                after[member] = shape
                mended.append(_told(ordered[member].id, shapes[member], shape, member, together))
    changed = {ordered[k].id: after[k] for k in range(len(ordered)) if after[k] is not shapes[k]}
    result = [replace(one, geometry=changed[one.id]) if one.id in changed else one for one in regions]
    return result, sorted(mended, key=lambda one: rank[one.region])


def _left_alone(rank: dict[str, int], findings: Sequence[Finding], codes: Collection[str]) -> set[int]:
    """The regions in overlaps that stay."""
    stay = [f for f in findings if f.code == "overlap" or (f.code == "overlap_narrow" and f.code not in codes)]
    return {rank[ident] for f in stay for ident in (f.region, f.other) if ident in rank}


def _slips(shapes: Shapes, rank: dict[str, int], wanted: list[Finding], left_alone: set[int]) -> list[_Slip]:
    """The places of findings, as the regions have them now, with every region that touches them."""
    if not wanted:
        return []
    tree = shapely.STRtree(shapes)
    found = []
    for code, place in _places(shapes, rank, wanted):
        members = frozenset(int(k) for k in tree.query(place, predicate="dwithin", distance=_TOUCHING_DEG))
        if not members & left_alone:
            found.append(_Slip(code, place, members))
    return found


def _places(shapes: Shapes, rank: dict[str, int], wanted: list[Finding]) -> Iterator[tuple[str, BaseGeometry]]:
    slivers = [finding for finding in wanted if finding.code == "sliver"]
    pieces = np.array(enclosed(shapes) if slivers else [], object)
    tree = shapely.STRtree(pieces)
    for finding in wanted:
        if finding.code == "sliver" and finding.lon is not None:
            for lon in (finding.lon, finding.lon + 360.0):
                within = tree.query(shapely.Point(lon, finding.lat), predicate="dwithin", distance=_TOUCHING_DEG)
                yield from ((finding.code, pieces[k]) for k in within[:1] if shapely.bounds(pieces[k])[2] <= 180.0)
        elif finding.region in rank and finding.other in rank:
            common = shapely.intersection(shapes[rank[finding.region]], shapes[rank[finding.other]])
            parts = polygons_of(common)
            if len(parts):
                yield finding.code, shapely.MultiPolygon(list(parts))


def _groups(slips: list[_Slip]) -> list[list[_Slip]]:
    """Slips that have regions in common, together."""
    above: dict[int, int] = {}

    def top(member: int) -> int:
        while above.setdefault(member, member) != member:
            above[member] = above[above[member]]
            member = above[member]
        return member

    for slip in slips:
        first, *rest = sorted(slip.members)
        for member in rest:
            above[top(member)] = top(first)
    groups: dict[int, list[_Slip]] = {}
    for slip in slips:
        groups.setdefault(top(min(slip.members)), []).append(slip)
    return list(groups.values())


def _mend(shapes: Shapes, slips: list[_Slip], tolerance_m: float) -> Shapes | None:
    """The shapes without these slips; None if that would change anything else."""
    clean = shapely.coverage_clean(shapes, gap_width=0.0, snapping_distance=0.0, merge_strategy="min_index")
    slivers = [slip.place for slip in slips if slip.code == "sliver"]
    if slivers:
        clean = _closed(clean, shapely.STRtree(slivers), tolerance_m)
    clean = np.array([shapely.orient_polygons(shape) for shape in clean], object)
    touched = shapely.union_all([slip.place for slip in slips])
    shapely.prepare(touched)
    good = all(_is_good(shapes, member, shape, touched) for member, shape in enumerate(clean))
    return clean if good else None


def _closed(clean: Shapes, slivers: shapely.STRtree, tolerance_m: float) -> Shapes:
    """The shapes, which share their borders exactly, with each place between them that is one of the slivers closed."""
    holes = enclosed(clean)
    tree, given = shapely.STRtree(clean), clean.copy()
    for hole in holes:
        near = slivers.query(hole, predicate="dwithin", distance=_ROUNDING_DEG)
        known = [slivers.geometries[k].buffer(_ROUNDING_DEG).covers(hole) for k in near]
        if not any(known) or widest(hole).width_m > tolerance_m * _WIDER:
            continue
        to = neighbours(hole, clean, tree)[0]
        with suppress(shapely.errors.GEOSException):  # where rounding keeps them apart, it stays
            given[to] = shapely.coverage_union_all([given[to], hole])
    return given


def _is_good(shapes: Shapes, member: int, after: BaseGeometry, touched: BaseGeometry) -> bool:
    """Whether a region is still a region, and nothing is lost of it but where there was something to mend.

    Or within another region: of an overlap that is too narrow to be told, the tip may be long.
    """
    if after.is_empty or not after.is_valid or after.geom_type not in ("Polygon", "MultiPolygon"):
        return False
    kept = set(map(tuple, shapely.get_coordinates(after).tolist()))
    before = map(tuple, shapely.get_coordinates(shapes[member]).tolist())
    points = shapely.points(np.array([position for position in before if position not in kept]).reshape(-1, 2))
    elsewhere = points[~shapely.dwithin(touched, points, _TOUCHING_DEG)]
    gone = elsewhere[~shapely.dwithin(after.boundary, elsewhere, _ROUNDING_DEG)]
    around = np.delete(shapes, member)
    return all(shapely.within(point, around).any() for point in gone)


def _overlaps_more(shapes: Shapes, members: list[int], new: Shapes) -> bool:
    """Whether a region that stays as it is would now overlap one of the new ones, and did not before."""
    tree = shapely.STRtree(shapes)
    inside = set(members)
    around = [int(k) for k in np.unique(tree.query(new)[1]) if k not in inside]
    before = np.concatenate((shapes[members], shapes[around]))
    after = np.concatenate((new, shapes[around]))
    had = set(overlapping(before))
    for one, two in overlapping(after):
        common = polygons_of(shapely.intersection(after[one], after[two]))
        wide = len(common) and widest(shapely.MultiPolygon(list(common))).width_m >= NOISE_M
        if wide and (two < len(members) or (one, two) not in had):
            return True
    return False


def _same(one: BaseGeometry, two: BaseGeometry) -> bool:
    return bool(shapely.equals_exact(shapely.normalize(one), shapely.normalize(two), 0.0))


def _told(ident: str, before: BaseGeometry, after: BaseGeometry, member: int, slips: list[_Slip]) -> Mended:
    areas = areas_m2(np.array([before, after], object))
    return Mended(
        region=ident,
        codes=tuple(sorted({slip.code for slip in slips if member in slip.members})),
        before_m2=float(areas[0]),
        after_m2=float(areas[1]),
        before=shown(before),
        after=shown(after),
    )
