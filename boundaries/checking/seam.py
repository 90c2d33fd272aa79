"""Rings that cross the 180th meridian or go round a pole, brought into the world and cut there (RFC 7946, 3.1.9).

Between closed rings and valid shapes. An edge longer than 180 degrees is taken to run the other way, over the meridian;
not so along a pole, nor where a ring has its cuts at ±180 already. A ring that comes back a turn away goes round the
pole that it is nearer to, and is closed along that pole's line.
Invariants: other rings are not touched; a vertex that is drawn within the world keeps its exact position, so that
neighbours keep sharing theirs; an edge is cut at the same latitude whichever way it is drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Mend
from boundaries.checking.outlines import Flags, Outlines, outlines_of_rings
from boundaries.checking.tangles import crossings, place_of_flaw
from boundaries.drawing import Ring

WRAP_DECIMALS = 12  # a longitude has no more of them to lose
_SAME_DEG = 1e-10
_WORLD = shapely.box(-180, -90, 180, 90)


@dataclass(frozen=True, slots=True)
class _Unrolled:
    """A ring whose longitudes run on past 180, closed in the plane."""

    lon_lat: Ring
    wrapped: Ring  # its vertices within the world
    pole: float | None


def cut_at_seam(drafts: Sequence[Draft], fix: Collection[str]) -> None:
    """Give a shape to every draft that has a ring beyond the world's edge; the polygons of the others stay."""
    lines = outlines_of_rings([draft.polygons for draft in drafts])
    for owner in lines.features_with(_leaves_the_world(lines)):
        _cut(drafts[owner], Mend.DONE if "ring_crosses" in fix else Mend.OFFERED)


def _leaves_the_world(lines: Outlines) -> Flags:
    """Rings with a longitude beyond 180, or with an edge that jumps from one side to the other."""
    lon, lat = lines.lon_lat[:, 0], lines.lon_lat[:, 1]
    if not len(lon):
        return np.zeros(0, np.bool_)
    step = np.abs(np.diff(lon, append=lon[:1]))
    step[np.append(lines.start[1:], len(lon)) - 1] = 0.0
    at_pole = (np.abs(lat) == 90) & (np.abs(np.roll(lat, -1)) == 90)
    jump = (step > 180) & ~at_pole
    around = jump & (step == 360) & (np.abs(lon) == 180)
    beyond = lines.any_in_ring((np.abs(lon) > 180) | (jump & ~around))
    once = np.add.reduceat(around, lines.start) == 1
    leaves: Flags = beyond | (once & ~lines.any_in_ring(np.abs(lat) == 90))
    return leaves


def _cut(draft: Draft, mend: Mend) -> None:
    unrolled = [[_unroll(ring) for ring in rings] for rings in draft.polygons]
    rounds = [ring for rings in unrolled for ring in rings]
    if any(not shapely.LinearRing(r.lon_lat).is_simple and crossings(r.lon_lat) is None for r in rounds):
        draft.note("ring_crosses", f"{draft.title} has a border that crosses itself too often to be mended.")
        draft.polygons = []
        return
    each = [_home(rings[0]) for rings in unrolled]
    outers, holes = (
        shapely.union_all(each),
        shapely.union_all([_home(hole) for rings in unrolled for hole in rings[1:]]),
    )
    _note_crossings(draft, rounds, each, outers, holes, mend)
    whole = outers if holes.is_empty else shapely.difference(outers, holes)
    draft.shape = snapped(whole, np.concatenate([ring.wrapped for ring in rounds]), _SAME_DEG)
    draft.polygons, draft.recut = [], True
    _note_cut(draft, sorted({ring.pole for ring in rounds if ring.pole is not None}))


def _note_crossings(
    draft: Draft,
    rings: Sequence[_Unrolled],
    each: list[BaseGeometry],
    outers: BaseGeometry,
    holes: BaseGeometry,
    mend: Mend,
) -> None:
    """Find what `crossing` would, had the shape not been cut."""
    for ring in rings:
        line = shapely.LinearRing(ring.lon_lat)
        if ring.pole is None and not line.is_simple:
            lon, lat = place_of_flaw(shapely.Polygon(line))
            at = (float(_wrap(np.array(lon))), lat)
            draft.note(
                "ring_crosses",
                f"{draft.title} has a border that crosses or touches itself.",
                at=at,
                shape=shapely.Point(at),
                mend=mend,
            )
    shared = sum(piece.area for piece in each) - outers.area
    if shared > 1e-9 * outers.area:
        draft.note("ring_crosses", f"{draft.title} has parts that overlap.", shape=outers, mend=mend)
    outside = shapely.difference(holes, outers)
    if outside.area > 1e-9 * outers.area:
        draft.note("ring_crosses", f"{draft.title} has a hole outside its border.", shape=outside, mend=mend)


def _note_cut(draft: Draft, poles: Sequence[float]) -> None:
    for pole in poles:
        draft.note(
            "over_pole",
            f"{draft.title} reaches over the {'North' if pole > 0 else 'South'} Pole; it was closed "
            "along the pole's line.",
            at=(0.0, pole),
            mend=Mend.DONE,
        )
    if poles:
        return
    seam = shapely.intersection(shapely.boundary(draft.shape), shapely.LineString([(180, -90), (180, 90)]))
    if seam.length:
        at = shapely.get_coordinates(seam.interpolate(0.5, normalized=True))[0]
        what = f"{draft.title} reaches over the 180th meridian and was cut there."
        draft.note("cut_at_180", what, at=at, shape=seam, mend=Mend.DONE)
    else:
        what = f"{draft.title} is drawn over the 180th meridian or beyond it, and was brought back."
        draft.note("cut_at_180", what, shape=draft.shape, mend=Mend.DONE)


def _unroll(ring: Ring) -> _Unrolled:
    wrapped = np.column_stack([_wrap(ring[:, 0]), ring[:, 1]])
    lon = np.unwrap(wrapped[:, 0], period=360)
    turn = np.round((lon - wrapped[:, 0]) / 360)
    lon = wrapped[:, 0] + 360 * turn
    lon_lat = _with_crossings(np.column_stack([lon, ring[:, 1]]), wrapped)
    if abs(lon[-1] - lon[0]) < 180:
        return _Unrolled(lon_lat, wrapped, None)
    pole = float(np.copysign(90.0, ring[:, 1].mean()))
    home = [[lon[-1], pole], [lon[0], pole], [lon[0], ring[0, 1]]]
    return _Unrolled(np.vstack([lon_lat, home]), wrapped, pole)


def _wrap(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes within -180 to 180; those that are there already to the bit."""
    moved = np.round(lon - 360 * np.round(lon / 360), WRAP_DECIMALS)
    return np.where(np.abs(lon) <= 180, lon, moved)


def _with_crossings(lon_lat: Ring, wrapped: Ring) -> Ring:
    """The ring with a vertex wherever an edge crosses the meridian, reckoned from its east end to its west end."""
    lon = lon_lat[:, 0]
    side = np.ceil((lon - 180) / 360)  # which turn of the world; an end on the meridian itself is on both sides
    edge = np.flatnonzero((np.diff(side) != 0) & (np.abs(wrapped[:-1, 0]) != 180) & (np.abs(wrapped[1:, 0]) != 180))
    if not len(edge):
        return lon_lat
    forward = wrapped[edge, 0] > 0
    east, west = np.where(forward, edge, edge + 1), np.where(forward, edge + 1, edge)
    before, after = 180 - wrapped[east, 0], wrapped[west, 0] + 180
    lat = (wrapped[east, 1] * after + wrapped[west, 1] * before) / (before + after)
    at = 180 + 360 * np.minimum(side[edge], side[edge + 1])
    return np.insert(lon_lat, edge + 1, np.column_stack([at, lat]), axis=0)


def _home(ring: _Unrolled) -> BaseGeometry:
    """What the ring encloses, cut into turns of the world and laid over each other."""
    polygon = shapely.Polygon(ring.lon_lat)
    if not polygon.is_valid:
        polygon = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    west, _, east, _ = polygon.bounds
    pieces = []
    for turn in range(int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360)) + 1):
        moved = shapely.transform(polygon, lambda c, turn=turn: np.round(c - [360 * turn, 0], WRAP_DECIMALS))
        pieces.append(shapely.intersection(moved, _WORLD))
    return shapely.union_all([polygonal(piece) for piece in pieces])


def snapped(shape: BaseGeometry, vertices: Ring, within_deg: float) -> BaseGeometry:
    """The polygons of a shape, each position that is so near to one of these vertices moved onto it."""
    tree = shapely.STRtree(shapely.points(vertices))

    def snap(lon_lat: Ring) -> Ring:
        mine, theirs = tree.query_nearest(shapely.points(lon_lat), max_distance=within_deg, all_matches=False)
        exact = lon_lat.copy()
        exact[mine] = vertices[theirs]
        at_edge = np.abs(lon_lat[:, 0]) == 180
        exact[at_edge, 0] = lon_lat[at_edge, 0]
        return exact

    return polygonal(shapely.transform(polygonal(shape), snap))


def polygonal(shape: BaseGeometry) -> BaseGeometry:
    """The polygons of any geometry, leaving out lines and points."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon" and not part.is_empty])
