"""What makes a valid border worse without saying anything: positions nearly the same, spikes, parts like dust.

Last of the checks on single shapes. Invariants: a position goes from all rings that have it or from none, so neighbours
keep sharing their border; what is left keeps its exact coordinates; a mend that would make a shape invalid, or leave
nothing of it, is not made. Positions repeated exactly are no finding: they change nothing for anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Mend
from boundaries.checking.outlines import Flags, Ints, Outlines, outlines_of_shapes
from boundaries.checking.rings import CLOSE_M
from boundaries.ground import lengths_m, metres_per_degree, ring_areas_m2

SPIKE_DEGREES = 1.0  # the angle at its tip
SPIKE_WIDTH_M = 1.0  # at its foot
SPIKE_LENGTH_M = 5.0
TINY_M2 = 25.0  # the best fix of a phone is good to 3 m
TINY_SHARE = 1e-3  # of the region
ROUNDS = 10  # of mending: what one of them bares the next one takes
CODES = ("vertices_close", "spike", "part_tiny")


@dataclass(frozen=True, slots=True)
class Clutter:
    """What one check has found in the outlines of all shapes."""

    seen: Ints  # positions to tell of
    value: NDArray[np.float64]  # of each: its distance, length or area
    drop: Flags  # by position: what goes if it is mended


def check_clutter(drafts: Sequence[Draft], fix: Collection[str]) -> None:
    """Find all three in the shapes of sound drafts; mend what was asked for until no more of it can be."""
    sound = [draft for draft in drafts if draft.sound]
    told: set[tuple[str, int]] = set()
    for _ in range(ROUNDS):
        changed = False
        for code, find in _FINDERS.items():
            lines = _open_rings(outlines_of_shapes([draft.shape for draft in sound]))
            found = find(lines)
            mended = _mend(sound, lines, found) if code in fix else frozenset()
            changed |= bool(mended)
            for owner, seen in _by_owner(lines, found).items():
                if (code, owner) not in told:
                    told.add((code, owner))
                    _note(sound[owner], code, lines, found, seen, _outcome(owner, code in fix, mended, found, lines))
        if not changed:
            return


def _open_rings(lines: Outlines) -> Outlines:
    """The rings without the positions that repeat the one before, the closing ones among them."""
    follower = _neighbour(lines, 1)
    keep = (lines.lon_lat != lines.lon_lat[follower]).any(axis=1)
    size = np.add.reduceat(keep, lines.start) if len(lines.start) else lines.start
    start = (np.cumsum(size) - size).astype(np.int64)
    return Outlines(lines.lon_lat[keep], start, lines.polygon, lines.feature, lines.hole)


def _neighbour(lines: Outlines, step: int) -> Ints:
    """Of each position the next one (1) or the one before it (-1) in its ring."""
    of = lines.of_position
    start, size = lines.start[of], lines.size[of]
    place: Ints = start + (np.arange(len(of)) - start + step) % size
    return place


def _find_close(lines: Outlines) -> Clutter:
    follower = _neighbour(lines, 1)
    gap_m = lengths_m(lines.lon_lat, lines.lon_lat[follower])
    close = np.flatnonzero((gap_m < CLOSE_M) & (np.abs(lines.lon_lat[:, 1]) < 90))
    uses = _uses(lines, np.concatenate([close, follower[close]]))
    loser = [
        min(one, two, key=lambda place: (uses[place], *lines.lon_lat[place].tolist()))
        for one, two in zip(close.tolist(), follower[close].tolist(), strict=True)
    ]
    return Clutter(close, gap_m[close], _everywhere(lines, np.array(loser, np.int64)))


def _find_spikes(lines: Outlines) -> Clutter:
    east, north = metres_per_degree(lines.lon_lat[:, 1])
    scale = np.column_stack([east, north])
    back = (lines.lon_lat[_neighbour(lines, -1)] - lines.lon_lat) * scale
    forth = (lines.lon_lat[_neighbour(lines, 1)] - lines.lon_lat) * scale
    length_m = np.minimum(np.hypot(*back.T), np.hypot(*forth.T))
    longest_m = np.maximum(np.hypot(*back.T), np.hypot(*forth.T))
    cross, along = np.abs(back[:, 0] * forth[:, 1] - back[:, 1] * forth[:, 0]), (back * forth).sum(axis=1)
    spike = (along > 0) & (cross < np.tan(np.radians(SPIKE_DEGREES)) * along) & (cross < SPIKE_WIDTH_M * longest_m)
    tips = np.flatnonzero(spike & (length_m > SPIKE_LENGTH_M) & (np.abs(lines.lon_lat[:, 1]) < 90))
    return Clutter(tips, length_m[tips], _everywhere(lines, tips))


def _find_tiny(lines: Outlines) -> Clutter:
    enclosed = np.abs(ring_areas_m2(lines.lon_lat, lines.start))
    whole = np.bincount(lines.feature, weights=np.where(lines.hole, -enclosed, enclosed), minlength=1)
    tiny = np.flatnonzero((enclosed < TINY_M2) & (enclosed < TINY_SHARE * whole[lines.feature]))
    drop = np.zeros(len(lines.lon_lat), np.bool_)
    seen = []
    for ring in tiny.tolist():
        places = np.arange(lines.start[ring], lines.start[ring] + lines.size[ring])
        shared = all(count > 1 for count in _uses(lines, places).values())
        if not (shared and lines.hole[ring]):  # else another region lies in it
            seen.append(ring)
            drop[places] = not shared
    kept = np.array(seen, np.int64)
    return Clutter(lines.start[kept], enclosed[kept], drop)


_FINDERS: Mapping[str, Callable[[Outlines], Clutter]] = {
    "vertices_close": _find_close,
    "spike": _find_spikes,
    "part_tiny": _find_tiny,
}


def _uses(lines: Outlines, places: Ints) -> dict[int, int]:
    """In how many rings each of these positions occurs."""
    alike = np.flatnonzero(np.isin(lines.lon_lat[:, 0], lines.lon_lat[places, 0]))
    by_place = dict(zip(alike.tolist(), _times(lines.lon_lat[alike]).tolist(), strict=True))
    return {place: by_place[place] for place in places.tolist()}


def _everywhere(lines: Outlines, places: Ints) -> Flags:
    """Those of these positions that every ring would lose which has them."""
    drop = np.zeros(len(lines.lon_lat), np.bool_)
    if len(places):
        wanted = np.unique(places)
        uses = _uses(lines, wanted)
        drop[wanted] = _times(lines.lon_lat[wanted]) == [uses[place] for place in wanted.tolist()]
    return drop


def _times(lon_lat: NDArray[np.float64]) -> Ints:
    """How often each of these places occurs among them."""
    _, number, count = np.unique(lon_lat @ np.array([1, 1j]), return_inverse=True, return_counts=True)
    times: Ints = count[number]
    return times


def _by_owner(lines: Outlines, found: Clutter) -> dict[int, Ints]:
    """Of each feature: which of the places seen are its own."""
    owner = lines.feature[lines.of_position[found.seen]] if len(found.seen) else np.zeros(0, np.int64)
    return {feature: np.flatnonzero(owner == feature) for feature in np.unique(owner).tolist()}


def _mend(drafts: Sequence[Draft], lines: Outlines, found: Clutter) -> frozenset[int]:
    """Leave out what is to go. Gives the features that were changed."""
    mended = set()
    for owner in lines.features_with(lines.any_in_ring(found.drop)):
        shape = _without(lines, owner, found.drop)
        if shape is not None and shape.is_valid:
            drafts[owner].shape = shape
            mended.add(owner)
    return frozenset(mended)


def _without(lines: Outlines, owner: int, drop: Flags) -> BaseGeometry | None:
    polygons: dict[int, list[NDArray[np.float64] | None]] = {}
    for ring in np.flatnonzero(lines.feature == owner).tolist():
        places = slice(lines.start[ring], lines.start[ring] + lines.size[ring])
        left = lines.lon_lat[places][~drop[places]]
        polygons.setdefault(int(lines.polygon[ring]), []).append(left if len(left) > 2 else None)
    kept = [
        shapely.Polygon(rings[0], [hole for hole in rings[1:] if hole is not None])
        for rings in polygons.values()
        if rings[0] is not None
    ]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept)


def _outcome(owner: int, asked: bool, mended: Collection[int], found: Clutter, lines: Outlines) -> Mend:
    if owner in mended:
        return Mend.DONE
    could = not asked and bool(found.drop[lines.feature[lines.of_position] == owner].any())
    return Mend.OFFERED if could else Mend.NO


def _note(draft: Draft, code: str, lines: Outlines, found: Clutter, seen: Ints, mend: Mend) -> None:
    places, values = lines.lon_lat[found.seen[seen]], found.value[seen]
    many, least, most = len(seen), float(values.min()), float(values.max())
    if code == "vertices_close":
        what = f"{draft.title} has {_counted(many, 'position')} within {100 * most:.2g} cm of the next one."
        figures = {"positions": float(many), "gap_m": least}
    elif code == "spike":
        what = f"{draft.title} has {_counted(many, 'spike')}, up to {most:,.3g} m long."
        figures = {"spikes": float(many), "length_m": most}
    else:
        what = f"{draft.title} has {_counted(many, 'part or hole', 'parts or holes')} of {most:.2g} m² or less."
        figures = {"parts": float(many), "area_m2": most}
    draft.note(code, what, at=places[0], shape=shapely.MultiPoint(places), mend=mend, **figures)


def _counted(many: int, one: str, several: str = "") -> str:
    return f"1 {one}" if many == 1 else f"{many:,} {several or one + 's'}"
