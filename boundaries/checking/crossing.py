"""Where the border of a region crosses itself, and what its inside is if that is mended.

Fourth of the checks: closed rings become a valid shape, or findings. Invariants: every invalid shape gives at least one
finding, told by ring, by hole or by pair of parts; what is valid is built as drawn. Mending keeps the vertices that
were there, and adds those where the border crosses; all that the border goes round, but for its holes, is inside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Mend
from boundaries.checking.measure import square_metres
from boundaries.checking.outlines import outlines_of_rings
from boundaries.checking.seam import polygonal, snapped
from boundaries.checking.tangles import crossings, place_of_flaw
from boundaries.ground import area_m2, areas_m2

CODE = "ring_crosses"
GRID_DEG = 1e-9  # a tenth of a millimetre
DUST_M2 = 0.01  # pieces that mending makes are no smaller; rounding cuts such off a border that crosses at a vertex
Shapes = NDArray[np.object_]
Flaw = tuple[str, BaseGeometry | None]  # the end of a sentence that begins with the region; where, if few places


def build_shapes(drafts: Sequence[Draft], fix: Collection[str]) -> None:
    """Give a shape to every draft that has polygons; note where borders cross."""
    waiting = [draft for draft in drafts if draft.polygons]
    shapes = _built(waiting)
    valid = shapely.is_valid(shapes)
    for draft, shape, good in zip(waiting, shapes.tolist(), valid.tolist(), strict=True):
        draft.shape = shape if good else _mended(draft, shape, CODE in fix)
        draft.polygons = [] if good else draft.polygons


def made_valid(shape: BaseGeometry) -> BaseGeometry | None:
    """The shape with its border cleared of crossings, without dust; None if nothing is left.

    Where two lines all but coincide, rounding would leave cracks between them, so it is done on a fine grid, and the
    vertices that were there go back to their exact places.
    """
    parts = shapely.get_parts(shape)
    on_grid = shapely.union_all([_cleared(part, GRID_DEG) for part in parts], grid_size=GRID_DEG)
    mended = _without_dust(snapped(on_grid, shapely.get_coordinates(shape), GRID_DEG))
    if mended is None or not mended.is_valid:
        mended = _without_dust(polygonal(shapely.union_all([_cleared(part, None) for part in parts])))
    return mended if mended is not None and mended.is_valid else None


def _cleared(part: shapely.Polygon, grid_deg: float | None) -> BaseGeometry:
    """What the outer ring goes round, without what the holes go round."""
    rings = shapely.polygons(shapely.get_rings(part))
    outer, *holes = shapely.make_valid(rings, method="structure", keep_collapsed=False)
    return shapely.difference(outer, shapely.union_all(holes), grid_size=grid_deg)


def _built(drafts: Sequence[Draft]) -> Shapes:
    lines = outlines_of_rings([draft.polygons for draft in drafts])
    if not drafts:
        return np.empty(0, dtype=object)
    rings = shapely.linearrings(lines.lon_lat, indices=lines.of_position)
    polygons = shapely.polygons(rings, indices=lines.polygon)
    owner = lines.feature[~lines.hole]
    single = np.bincount(owner, minlength=len(drafts)) == 1
    shapes = np.empty(len(drafts), dtype=object)
    shapes[single] = polygons[single[owner]]
    several = ~single[owner]
    if several.any():
        owners, place = np.unique(owner[several], return_inverse=True)
        shapes[owners] = shapely.multipolygons(polygons[several], indices=place)
    return shapes


def _mended(draft: Draft, shape: BaseGeometry, asked: bool) -> BaseGeometry | None:
    draft.recut = True
    at = place_of_flaw(shape)
    found = list(_flaws(shape))
    flaws = [(what, where) for what, where in found if where is not None]
    if len(flaws) < len(found):
        draft.note(CODE, f"{draft.title} has a border that crosses itself too often to be mended.", at=at)
        return None
    mended = made_valid(shape)
    mend = Mend.NO if mended is None else Mend.DONE if asked else Mend.OFFERED
    for what, where in flaws:
        draft.note(CODE, f"{draft.title} {what}.", at=_first(where) or at, shape=where, mend=mend)
    if not flaws:
        what = "has a border that touches itself so that its inside falls apart"
        draft.note(CODE, f"{draft.title} {what}.", at=at, shape=shapely.Point(at), mend=mend)
    return mended


def _flaws(shape: BaseGeometry) -> Iterator[Flaw]:
    parts = shapely.get_parts(shape)
    crooked = False
    for ring in shapely.get_rings(parts):
        if not ring.is_simple:
            crooked = True
            yield "has a border that crosses or touches itself", crossings(shapely.get_coordinates(ring))
    if crooked:
        return  # a ring without a clear inside can't be compared with others
    for part in parts:
        yield from _flaws_of_holes(part)
    yield from _flaws_of_parts(parts)


def _flaws_of_holes(part: shapely.Polygon) -> Iterator[Flaw]:
    holes = shapely.polygons(shapely.get_rings(part)[1:])
    if not len(holes):
        return
    shell = shapely.Polygon(part.exterior)
    shapely.prepare(shell)
    for hole in holes[~shapely.covers(shell, holes)]:
        if shapely.relate_pattern(shell, hole, "F********"):
            yield "has a hole outside its border", hole
        elif shapely.covers(hole, shell):
            yield "has a hole around its border (the rings may be in the wrong order)", shell.boundary
        else:
            yield "has a hole that crosses its border", shapely.intersection(hole.boundary, shell.boundary)
    for one, two in _meeting(holes):
        if holes[one].boundary.crosses(holes[two].boundary):
            yield "has two holes that cross", shapely.intersection(holes[one].boundary, holes[two].boundary)
        elif not shapely.relate_pattern(holes[one], holes[two], "F********"):
            yield "has a hole within a hole", holes[min(one, two, key=lambda hole: holes[hole].area)]
        else:
            yield "has two holes that touch along a line", _lines(holes[one], holes[two])
    touching = [_lines(shell, hole) for hole in holes[shapely.relate_pattern(shell, holes, "****1****")]]
    for line in touching:
        yield "has a hole that touches its border along a line", line


def _flaws_of_parts(parts: Shapes) -> Iterator[Flaw]:
    parts = parts[shapely.is_valid(parts)]
    for one, two in _meeting(parts):
        if shapely.relate_pattern(parts[one], parts[two], "2********"):
            shared = polygonal(shapely.intersection(parts[one], parts[two]))
            yield f"has two parts that overlap by {square_metres(area_m2(shared))}", shared
        else:
            yield "has two parts that touch along a line", _lines(parts[one], parts[two])


def _meeting(shapes: Shapes) -> list[tuple[int, int]]:
    """Pairs, each once, that share more than single points."""
    if len(shapes) < 2:
        return []
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    shared = shapely.relate_pattern(shapes[one], shapes[two], "2********")
    shared |= shapely.relate_pattern(shapes[one], shapes[two], "****1****")
    return [(int(i), int(j)) for i, j in zip(one[shared], two[shared], strict=True)]


def _lines(one: BaseGeometry, two: BaseGeometry) -> BaseGeometry:
    return shapely.line_merge(shapely.intersection(one.boundary, two.boundary))


def _first(where: BaseGeometry) -> tuple[float, float] | None:
    """A place in it: the westernmost of its points or lines, or a point within; None: rounding left nothing of it."""
    parts = shapely.get_parts(where)
    first = min(parts, key=lambda part: part.bounds) if len(parts) else where
    if first.geom_type == "LineString":
        first = first.interpolate(0.5, normalized=True)
    point = first.representative_point()
    return None if point.is_empty else (float(point.x), float(point.y))


def _without_dust(shape: BaseGeometry) -> BaseGeometry | None:
    polygons = []
    for part in _no_dust(shapely.get_parts(shape)):
        holes = shapely.get_rings(part)[1:]
        kept = holes[areas_m2(shapely.polygons(holes)) >= DUST_M2] if len(holes) else holes
        polygons.append(part if len(kept) == len(holes) else shapely.Polygon(part.exterior, kept))
    if not polygons:
        return None
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _no_dust(polygons: Shapes) -> Shapes:
    kept: Shapes = polygons[areas_m2(polygons) >= DUST_M2]
    return kept
