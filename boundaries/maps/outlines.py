"""Shapes as outlines in pixels: shifted to the window's side of the world, projected, simplified, clipped.

Between `window` and `sheet`. Works on rings as they are, valid or not, since a map must show what is wrong.
Invariants: all coordinates are finite and lie within the picture and a rim; simplifying moves nothing by more than a
third of a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.maps.projection import Floats
from boundaries.maps.window import Shapes, Window

GRAIN_PX = 0.3
RIM_PX = 24.0  # clipped this far outside, so that the cut is not seen
BEND_DEG = 1.0
_LINES = (1, 2)  # LineString, LinearRing
_POINT, _POLYGON = 0, 3


@dataclass(frozen=True, slots=True)
class Outline:
    """One ring or line of a shape."""

    owner: int  # the shape's place in what was given
    points: Floats
    closed: bool


def outlines(shapes: Sequence[BaseGeometry] | Shapes, window: Window) -> list[Outline]:
    """Every ring and line that can be seen in a window."""
    lines, owner, closed = _lines_of(_joined(np.asarray(shapes, object), window))
    lines, owner, closed = _copies(lines, owner, closed, window)
    if not len(lines):
        return []
    if window.projection.bends:
        lines = shapely.segmentize(lines, BEND_DEG)
    lines = shapely.simplify(shapely.transform(lines, window.pixels), GRAIN_PX, preserve_topology=False)
    west, north, east, south = shapely.bounds(lines).T
    right, bottom = window.width_px + RIM_PX, window.height_px + RIM_PX
    seen = (west < right) & (east > -RIM_PX) & (north < bottom) & (south > -RIM_PX)
    within = (west > -RIM_PX) & (east < right) & (north > -RIM_PX) & (south < bottom)
    found: list[Outline] = []
    for row in np.flatnonzero(seen):
        for points in [_positions(lines[row])] if within[row] else _clipped(lines[row], bool(closed[row]), window):
            if len(points) >= 2:
                found.append(Outline(int(owner[row]), points, bool(closed[row])))
    return found


def dots(shapes: Sequence[BaseGeometry] | Shapes, window: Window) -> Floats:
    """Every point among shapes, in pixels."""
    parts = shapely.get_parts(np.asarray(shapes, object))
    places = shapely.get_coordinates(parts[shapely.get_type_id(parts) == _POINT])
    places = places[np.isfinite(places).all(axis=1)]
    return np.array([window.pixel(lon=lon, lat=lat) for lon, lat in places]).reshape(-1, 2)


def path(found: Sequence[Outline]) -> str:
    """Outlines as one path of SVG, in tenths of a pixel."""
    return "".join(_move(one) for one in found)


def _move(one: Outline) -> str:
    tenths = np.rint(one.points * 10).astype(np.int64)
    if one.closed and len(tenths) > 1 and (tenths[0] == tenths[-1]).all():
        tenths = tenths[:-1]
    steps = np.diff(tenths, axis=0)
    steps = steps[steps.any(axis=1)]
    start = f"M{tenths[0, 0]} {tenths[0, 1]}"
    if not len(steps):
        return start + "h0"
    drawn = "l" + " ".join(map(str, steps.ravel().tolist())).replace(" -", "-")
    return start + drawn + ("z" if one.closed else "")


def _positions(line: BaseGeometry) -> Floats:
    positions: Floats = shapely.get_coordinates(line)
    return positions


def _joined(shapes: Shapes, window: Window) -> Shapes:
    """Shapes whose halves meet at the 180th meridian, as one piece, if the window runs across it."""
    if window.projection.round_pole or not len(shapes):
        return shapes
    bounds = shapely.bounds(shapes)
    both = (bounds[:, 0] == -180) & (bounds[:, 2] == 180)
    if not both.any() or window.span()[0] == 0:
        return shapes
    both[both] = shapely.is_valid(shapes[both])
    joined = shapes.copy()
    for row in np.flatnonzero(both):
        parts = shapely.get_parts(shapes[row])
        west, _, east, _ = shapely.bounds(parts).T
        at_cut = (west == -180) | (east == 180)
        turned = [_beside(part, window) for part in parts[at_cut]]
        joined[row] = shapely.geometrycollections([*parts[~at_cut], _union(np.array(turned, object))])
    return joined


def _union(parts: Shapes) -> BaseGeometry:
    """Halves that share the cut; where they do not do so exactly, quickly is not the way."""
    try:
        return shapely.coverage_union_all(parts)
    except shapely.errors.GEOSException:
        return shapely.union_all(parts)


def _beside(part: BaseGeometry, window: Window) -> BaseGeometry:
    west, _, east, _ = part.bounds
    turn = 360 * np.rint((window.span()[0] - (west + east) / 2) / 360)
    return _turned(part, turn) if turn else part


def _turned(shapes: Any, by_deg: float) -> Any:
    """One shape or an array of them, that much further east."""
    return shapely.transform(shapes, lambda places: places + np.array([by_deg, 0.0]))


def _lines_of(shapes: Shapes) -> tuple[Shapes, NDArray[np.int64], NDArray[np.bool_]]:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(parts) > _POLYGON).any():  # collections within collections
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    kinds = shapely.get_type_id(parts)
    rings, of = shapely.get_rings(parts, return_index=True)
    plain = np.isin(kinds, _LINES)
    lines = np.concatenate([rings, parts[plain]])
    owners = np.concatenate([owner[of], owner[plain]])
    closed = np.concatenate([np.ones(len(rings), bool), kinds[plain] == _LINES[1]])
    places, row = shapely.get_coordinates(lines, return_index=True)
    usable = np.ones(len(lines), bool)
    usable[row[~np.isfinite(places).all(axis=1)]] = False
    usable &= ~shapely.is_empty(lines)
    return lines[usable], owners[usable], closed[usable]


def _copies(
    lines: Shapes, owner: NDArray[np.int64], closed: NDArray[np.bool_], window: Window
) -> tuple[Shapes, NDArray[np.int64], NDArray[np.bool_]]:
    """Lines on the window's side of the world; those that lie half round the world from it twice."""
    if window.projection.round_pole or not len(lines):
        return lines, owner, closed
    west, _, east, _ = shapely.bounds(lines).T
    (middle, half), kept = window.span(), []
    for turn in (-360.0, 0.0, 360.0):
        rows = np.flatnonzero((west + turn < middle + half) & (east + turn > middle - half))
        if len(rows):
            kept.append((_turned(lines[rows], turn) if turn else lines[rows], owner[rows], closed[rows]))
    if not kept:
        return lines[:0], owner[:0], closed[:0]
    return (
        np.concatenate([one[0] for one in kept]),
        np.concatenate([one[1] for one in kept]),
        np.concatenate([one[2] for one in kept]),
    )


def _clipped(line: BaseGeometry, closed: bool, window: Window) -> list[Floats]:
    right, bottom = window.width_px + RIM_PX, window.height_px + RIM_PX
    if not closed:
        pieces = shapely.get_parts(shapely.clip_by_rect(line, -RIM_PX, -RIM_PX, right, bottom))
        return [_positions(piece) for piece in pieces]
    ring = _positions(line)[:-1]
    for axis, limit, sign in ((0, -RIM_PX, 1), (0, right, -1), (1, -RIM_PX, 1), (1, bottom, -1)):
        ring = _half(ring, axis, limit, sign)
    return [ring]


def _half(ring: Floats, axis: int, limit: float, sign: int) -> Floats:
    """What of a ring lies on one side of a line, closed along the line (Sutherland and Hodgman)."""
    side = sign * (ring[:, axis] - limit)
    inside = side >= 0
    if inside.all() or not inside.any():
        return ring if inside.all() else ring[:0]
    crosses = inside != np.roll(inside, -1)
    run = side - np.roll(side, -1)
    share = np.divide(side, run, out=np.zeros_like(side), where=crosses)
    cut = ring + share[:, None] * (np.roll(ring, -1, axis=0) - ring)
    cut[:, axis] = limit
    both = np.stack([ring, cut], axis=1).reshape(-1, 2)
    kept: Floats = both[np.stack([inside, crosses], axis=1).ravel()]
    return kept
