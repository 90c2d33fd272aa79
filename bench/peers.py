"""The baselines of `bench.locate` and `bench.core`: how one would do it with rtree and shapely alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rtree.index
import shapely
from numpy.typing import NDArray

from geofence.region import Region

Floats = NDArray[np.float64]


class PingByPing:
    """An R-tree over the regions, and prepared polygons, asked about one ping at a time."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Build and prepare."""
        self.shapes = [region.geometry for region in regions]
        shapely.prepare(self.shapes)
        self.tree = rtree.index.Index((index, shape.bounds, None) for index, shape in enumerate(self.shapes))

    def locate(self, lon: Floats, lat: Floats) -> list[int]:
        """The first region that covers each point, or -1."""
        found = []
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
            point = shapely.Point(x, y)
            near = sorted(self.tree.intersection((x, y, x, y)))
            found.append(next((index for index in near if self.shapes[index].covers(point)), -1))
        return found


class InBulk:
    """STRtree boxes for all points at once, then prepared `intersects_xy` region by region: the best of shapely."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Build and prepare."""
        self.shapes = np.array([region.geometry for region in regions], dtype=object)
        shapely.prepare(self.shapes)
        self.tree = shapely.STRtree(self.shapes)

    def locate(self, lon: Floats, lat: Floats) -> NDArray[np.int64]:
        """The first region that covers each point, or -1."""
        point, region = self.tree.query(shapely.points(lon, lat))
        order = np.argsort(region, kind="stable")
        point, region = point[order], region[order]
        starts = np.flatnonzero(np.r_[True, region[1:] != region[:-1]]) if len(region) else np.zeros(0, np.int64)
        answer = np.full(len(lon), len(self.shapes), np.int64)
        for start, end in zip(starts, np.r_[starts[1:], len(region)], strict=True):
            rows = point[start:end]
            inside = rows[shapely.intersects_xy(self.shapes[region[start]], lon[rows], lat[rows])]
            answer[inside] = np.minimum(answer[inside], region[start])
        answer[answer == len(self.shapes)] = -1
        return answer
