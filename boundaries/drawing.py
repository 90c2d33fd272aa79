"""Features as a file draws them: rings that need be neither closed nor simple, ids that need not be there.

What `reading` gives and `checking` judges. Invariant: nothing was mended on the way here; coordinates are lon and lat
in degrees on WGS 84, where they could be brought there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]  # positions: n x 2, lon and lat; as drawn, so the last may differ from the first


@dataclass(frozen=True, slots=True)
class Drawing:
    """A geometry: of each polygon its outer ring, then its holes."""

    kind: str  # as files name it: Polygon, MultiPolygon, Point, GeometryCollection ...; "" where there is none
    polygons: tuple[tuple[Ring, ...], ...] = ()
    heights: bool = False  # it had third coordinates, which were dropped
    others: int = 0  # parts that are no polygons: points, lines


@dataclass(frozen=True, slots=True)
class Feature:
    """One region to be."""

    row: int  # its place in the file, from 0
    id: str | None  # None: it has none
    name: str
    drawing: Drawing
    properties: Mapping[str, Any] = field(default_factory=dict)
