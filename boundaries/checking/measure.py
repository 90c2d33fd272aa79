"""Shapes measured on the ground: how wide a shape is at its widest place, and what is shown and said of it.

Edges are straight in lon and lat, as everywhere. Widths are taken in a plane around the widest place, in which such
edges are straight, too: what is some hundred kilometres wide has its width to some percent. Invariant: a width is that
of a circle that lies in the shape; shapes stay as they are, copies are moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.ground import Floats, Shapes

_A, _E2 = 6_378_137.0, 0.0066943799901413165  # WGS 84
COMPACT = 0.1  # of the area of a circle of the same perimeter: above, the inscribed circle is found quickly
CLOSE_ENOUGH = 1.01  # of a width, before its circle is centred
CENTRED = 0.002  # of a width: nearer to its best place a circle need not be
MANY_POSITIONS = 1_000
SHOWN_POSITIONS = 200
MOST = 10_000  # findings of one check; a file with more has one slip that makes them all
_TURNS = np.linspace(0.0, 2.0 * math.pi, 12, endpoint=False)
_STEPS = 24  # a long thin shape widens slowly along itself: going on brings next to nothing
_COMPASS = np.column_stack((np.sin(_TURNS), np.cos(_TURNS)))


@dataclass(frozen=True, slots=True)
class Width:
    """The largest circle within a shape: its diameter, and where it is."""

    width_m: float
    lon: float
    lat: float


def centres(shapes: Shapes) -> Floats:
    """The middle of each shape's box: n x 2, lon and lat."""
    box = shapely.bounds(shapes)
    middle: Floats = (box[:, :2] + box[:, 2:]) * 0.5
    return middle


def in_plane(polygons: Shapes, around: Floats) -> Shapes:
    """Copies in metres east and north of the places `around`, one for each; edges that were straight stay so."""
    many = shapely.get_num_coordinates(polygons)
    centre, scale = np.repeat(around, many, axis=0), np.repeat(scales_m(around), many, axis=0)
    moved: Shapes = shapely.transform(polygons, lambda coords: (coords - centre) * scale)
    return moved


def scales_m(places: Floats) -> Floats:
    """The metres of a degree east and of a degree north at these places."""
    lat = np.radians(places[:, 1])
    root = 1.0 - _E2 * np.sin(lat) ** 2
    across = _A / np.sqrt(root)
    along = across * (1.0 - _E2) / root
    return np.radians(np.column_stack((across * np.maximum(np.cos(lat), 1e-6), along)))


def widest(shape: BaseGeometry) -> Width:
    """The widest place of a Polygon or MultiPolygon."""
    parts = shapely.get_parts(shape)
    around = centres(parts)
    plane = in_plane(parts, around)
    at_most = 2.0 * np.sqrt(shapely.area(plane) / np.pi)
    best, found = (0.0, 0.0, 0.0), 0
    for index in np.argsort(-at_most):
        if at_most[index] <= best[0]:
            break
        one = inscribed(plane[index])
        if one[0] >= best[0]:
            best, found = one, int(index)
    return _looked_at_there(parts[found], around[found : found + 1], best)


def _looked_at_there(part: BaseGeometry, around: Floats, found: tuple[float, float, float]) -> Width:
    """The circle measured again in a plane around itself, where metres are true."""
    there = around + np.array([found[1:]]) / scales_m(around)
    border = in_plane(np.array([part.boundary], object), there)[0]
    width_m, east_m, north_m = _centred(border, np.zeros(2), 0.05 * found[0])
    lon, lat = (there + np.array([[east_m, north_m]]) / scales_m(there))[0]
    return Width(width_m, float(lon), float(lat))


def inscribed(plane: BaseGeometry) -> tuple[float, float, float]:
    """Diameter and centre of the largest circle within a Polygon in a plane."""
    area, length = plane.area, plane.length
    if area <= 0.0:
        place = plane.representative_point()
        return 0.0, place.x, place.y
    least = area / length  # a shape is never narrower at its widest place
    if shapely.get_num_coordinates(plane) > MANY_POSITIONS:
        plane = plane.simplify(0.002 * least)
    if 4.0 * math.pi * area / length**2 > COMPACT:
        radius = shapely.maximum_inscribed_circle(plane, tolerance=0.002 * least)
        return 2.0 * radius.length, *radius.coords[0]
    return _shrunk(plane, least, math.sqrt(area / math.pi))


def _shrunk(plane: BaseGeometry, least: float, most: float) -> tuple[float, float, float]:
    """The same for long thin shapes: how far their border can come inwards until nothing is left."""
    left = plane
    while most > least * CLOSE_ENOUGH:
        middle = math.sqrt(least * most)
        inner = plane.buffer(-middle)
        if inner.is_empty:
            most = middle
        else:
            least, left = middle, inner
    place = max(shapely.get_parts(left), key=lambda part: part.area).representative_point()
    return least + most, place.x, place.y


def _centred(border: BaseGeometry, place: Floats, step: float) -> tuple[float, float, float]:
    """Move a place within so that the border is as far as can be; its circle is truly within."""
    shapely.prepare(border)
    best = float(shapely.distance(border, shapely.Point(place)))
    for _ in range(_STEPS):
        if step <= CENTRED * best:
            break
        around = place + step * _COMPASS
        far = shapely.distance(border, shapely.points(around))
        top = int(np.argmax(far))
        if far[top] > best:
            best, place = float(far[top]), around[top]
        else:
            step *= 0.5
    return 2.0 * best, float(place[0]), float(place[1])


def shown(shape: BaseGeometry) -> BaseGeometry:
    """The shape with few enough positions to put into a report: simplified, at worst its largest part's hull."""
    tolerance = 1e-7
    while shapely.get_num_coordinates(shape) > SHOWN_POSITIONS and tolerance < 1.0:
        parts = shapely.get_parts(shape)
        if len(parts) > SHOWN_POSITIONS // 4:
            keep = np.argsort(-shapely.area(parts))[: SHOWN_POSITIONS // 8]
            shape = shapely.MultiPolygon(list(parts[np.sort(keep)]))
        shape, tolerance = shape.simplify(tolerance), tolerance * 3.0
    if shapely.get_num_coordinates(shape) > SHOWN_POSITIONS:
        shape = max(shapely.get_parts(shape), key=lambda part: part.area).envelope
    return shape


def polygons_of(shape: BaseGeometry) -> Shapes:
    """Its Polygons, without lines, points and what is empty."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    kept: Shapes = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
    return kept


def metres(value: float) -> str:
    """A length for people: three digits, with its unit."""
    if value >= 10_000:
        return f"{value / 1000:,.0f} km"
    if value >= 100:
        return f"{value:,.0f} m"
    if value >= 1:
        return f"{value:.3g} m"
    return f"{value * 100:.2g} cm" if value >= 0.01 else f"{value * 1000:.2g} mm"


def square_metres(value: float) -> str:
    """An area for people."""
    if value >= 1e6:
        return f"{value / 1e6:,.0f} km²" if value >= 1e9 else f"{value / 1e6:.4g} km²"
    return f"{value:,.0f} m²" if value >= 100 else f"{value:.2g} m²"
