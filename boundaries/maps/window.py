"""Which part of the world a map shows, and at how many pixels: from lon and lat to places on the picture.

Under everything that draws. Longitudes may run beyond 180 here, so that a layer on both sides of the 180th meridian is
one piece. Invariant: a window has an area; what it is made around lies within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from boundaries.maps.projection import Floats, Projection, fitting

Shapes = NDArray[np.object_]
Box = tuple[float, float, float, float]  # west, south, east, north
DEGREE_M = 111_320.0
LEAST_DEG = 1e-7


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the plane, and the size of its picture."""

    projection: Projection
    left: float
    top: float
    per_degree: float  # pixels for one unit of the plane
    width_px: int
    height_px: int

    @classmethod
    def on(cls, box: Box, *, width_px: int, tallest: float = 0.62, flattest: float = 0.35) -> Self:
        """All of a box, and a margin; as high as it needs, between two shares of the width."""
        x1, y1, x2, y2, projection = _plane_box(box)
        share = (y2 - y1) / (x2 - x1) if x2 > x1 else tallest
        height_px = round(width_px * min(tallest, max(flattest, share)))
        return cls._fitted(projection, (x1, y1, x2, y2), width_px, height_px, spare=0.04)

    @classmethod
    def around(cls, box: Box, *, width_px: int, height_px: int, least_m: float, spare: float = 0.4) -> Self:
        """A box with its surroundings, at least so many metres of them."""
        west, south, east, north = box
        lat = (south + north) / 2
        half_y = max(least_m / DEGREE_M / 2, LEAST_DEG)
        half_x = min(half_y / max(np.cos(np.radians(lat)), 0.01), 180.0)
        lon, high = (west + east) / 2, min(90.0, max(-90.0, lat))
        grown = (min(west, lon - half_x), min(south, high - half_y), max(east, lon + half_x), max(north, high + half_y))
        x1, y1, x2, y2, projection = _plane_box(grown)
        return cls._fitted(projection, (x1, y1, x2, y2), width_px, height_px, spare=spare)

    @classmethod
    def _fitted(cls, projection: Projection, plane: Box, width_px: int, height_px: int, *, spare: float) -> Self:
        x1, y1, x2, y2 = plane
        wide, high = max(x2 - x1, LEAST_DEG) * (1 + 2 * spare), max(y2 - y1, LEAST_DEG) * (1 + 2 * spare)
        per_degree = min(width_px / wide, height_px / high)
        left = (x1 + x2) / 2 - width_px / per_degree / 2
        top = (y1 + y2) / 2 + height_px / per_degree / 2
        return cls(projection, left, top, per_degree, width_px, height_px)

    def pixels(self, places: Floats) -> Floats:
        """Rows of lon and lat as rows of x (from the left) and y (from the top)."""
        x, y = self.projection.plane(places).T
        return np.column_stack([(x - self.left) * self.per_degree, (self.top - y) * self.per_degree])

    def pixel(self, *, lon: float, lat: float) -> tuple[float, float]:
        """One place, on the side of the 180th meridian where the window has it."""
        turn = 0.0 if self.projection.round_pole else 360 * np.floor((self.span()[0] + 180 - lon) / 360)
        x, y = self.pixels(np.array([[lon + turn, lat]]))[0]
        return float(x), float(y)

    def span(self) -> tuple[float, float]:
        """The meridian in the middle, and how many degrees there are to each side of it, at most 180."""
        if self.projection.round_pole:
            return 0.0, 180.0
        half = self.width_px / self.per_degree / 2
        return (self.left + half) / self._unit(), min(180.0, half / self._unit())

    def boxes(self) -> list[Box]:
        """What it shows, as boxes between -180 and 180."""
        south, north = self._lats()
        if self.projection.round_pole:
            return [(-180.0, south, 180.0, north)]
        middle, half = self.span()
        if half >= 180:
            return [(-180.0, south, 180.0, north)]
        west, east = middle - half, middle + half
        turns = (-360.0, 0.0, 360.0)
        cut = [(max(west + turn, -180.0), south, min(east + turn, 180.0), north) for turn in turns]
        return [box for box in cut if box[0] <= box[2]]

    def metres_per_px(self) -> float:
        """On the ground, along the horizontal in the middle; where longitudes run round a pole, towards it."""
        if self.projection.round_pole:
            return DEGREE_M / self.per_degree
        lat = sum(self._lats()) / 2
        return DEGREE_M * float(np.cos(np.radians(lat))) / (self.per_degree * self._unit())

    def _unit(self) -> float:
        """How long a degree of longitude is in the plane."""
        return float(self.projection.plane(np.array([[1.0, 0.0]]))[0, 0])

    def _lats(self) -> tuple[float, float]:
        """The southernmost and northernmost latitude in it."""
        low, high = self.top - self.height_px / self.per_degree, self.top
        if self.projection.round_pole:
            sideways = max(abs(self.left), abs(self.left + self.width_px / self.per_degree))
            far = float(np.hypot(sideways, max(abs(low), abs(high))))
            southern = not self.projection.plane(np.array([[0.0, -90.0]])).any()
            return (-90.0, min(90.0, far - 90)) if southern else (max(-90.0, 90 - far), 90.0)
        if self.projection.bends:
            south, north = np.degrees(np.arctan(np.sinh(np.radians([low, high]))))
            return float(south), float(north)
        return max(-90.0, low), min(90.0, high)


def _plane_box(box: Box) -> tuple[float, float, float, float, Projection]:
    projection = fitting(*box)
    west, south, east, north = box
    edge = np.linspace(west, east, 73)
    sides = [np.column_stack([edge, np.full(73, lat)]) for lat in (south, north)]
    x, y = projection.plane(np.concatenate(sides)).T
    return float(x.min()), float(y.min()), float(x.max()), float(y.max()), projection


def box_of(shapes: Sequence[BaseGeometry] | Shapes) -> Box | None:
    """The smallest box round shapes, across the 180th meridian if that is shorter; None: there is nothing to show."""
    rows = shapely.bounds(shapely.get_parts(np.asarray(shapes, object)))
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return None
    rows = rows[np.argsort(rows[:, 0])]
    reach = np.maximum.accumulate(rows[:, 2])
    gaps = np.append(rows[1:, 0] - reach[:-1], rows[0, 0] + 360 - reach[-1])
    widest = int(np.argmax(gaps))
    south, north = float(rows[:, 1].min()), float(rows[:, 3].max())
    if widest == len(rows) - 1 or gaps[widest] <= 0:
        return float(rows[0, 0]), south, float(reach[-1]), north
    return float(rows[widest + 1, 0]), south, float(reach[widest]) + 360, north
