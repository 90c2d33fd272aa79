"""From lon and lat to a plane: x to the right, y up, in degrees or nearly so.

Under `window`. Invariant: finite for every place of the world, the poles among them; `level` and `mercator` keep
meridians and parallels straight, so that a box in degrees stays a box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MERCATOR_END = 84.0


class Projection(Protocol):
    """How places come to lie on the paper."""

    @property
    def bends(self) -> bool:
        """Whether edges that are straight in lon and lat become curves."""

    @property
    def round_pole(self) -> bool:
        """Whether longitudes run round a point instead of from left to right."""

    def plane(self, places: Floats) -> Floats:
        """Rows of lon and lat as rows of x and y."""


@dataclass(frozen=True, slots=True)
class Level:
    """True to scale along one parallel: for a few kilometres anywhere, and for the whole world."""

    lat: float
    bends: bool = False
    round_pole: bool = False

    def plane(self, places: Floats) -> Floats:
        """Rows of lon and lat as rows of x and y."""
        return places * (max(np.cos(np.radians(self.lat)), 1e-4), 1.0)


@dataclass(frozen=True, slots=True)
class Mercator:
    """Shapes look right at every latitude up to 84 degrees: for countries."""

    bends: bool = True
    round_pole: bool = False

    def plane(self, places: Floats) -> Floats:
        """Rows of lon and lat as rows of x and y."""
        lat = np.radians(np.clip(places[:, 1], -MERCATOR_END, MERCATOR_END))
        return np.column_stack([places[:, 0], np.degrees(np.arcsinh(np.tan(lat)))])


@dataclass(frozen=True, slots=True)
class Polar:
    """Seen from above a pole: true to scale towards it."""

    south: bool
    bends: bool = True
    round_pole: bool = True

    def plane(self, places: Floats) -> Floats:
        """Rows of lon and lat as rows of x and y."""
        lon = np.radians(places[:, 0])
        away = 90.0 + places[:, 1] if self.south else 90.0 - places[:, 1]
        return np.column_stack([away * np.sin(lon), away * np.cos(lon) * (1.0 if self.south else -1.0)])


def fitting(west: float, south: float, east: float, north: float) -> Projection:
    """The one that shows this part of the world best."""
    if (south > 82 or north < -82) or (east - west > 180 and (south > 50 or north < -50)):
        return Polar(south=north < 0)
    if east - west > 10 and south > -78 and north < 78:
        return Mercator()
    return Level((south + north) / 2)
