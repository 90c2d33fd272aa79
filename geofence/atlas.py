"""The atlas: the index of one version. Answers in which region each ping lies, and how deep.

Second step of the flow, after the pings' validity. Two engines, one contract: `rtree` asks shapely about every point,
`compiled` walks a quadtree and asks the first about what it can't be sure of. Invariant: both give the same regions
and the same bits of margin, since both measure with `metric.piece_m`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geofence.border import Borders, desk, survey
from geofence.locate import clearances, locate_partition, margins_partition
from geofence.metric import MARGIN_END_M
from geofence.nearby import Nearby, gather
from geofence.overlay import SORTED_FROM, by_place, in_order, locate_overlay, margins_overlay, search_overlay
from geofence.quadtree import UNSURE, Quadtree, plant
from geofence.reference import Reference
from geofence.region import Kind, Version
from geofence.ring import Shapes, disjoint
from geofence.sighting import Sightings

CODE_VERSION = 5  # of the arrays below: part of the name of whatever keeps them


class Engine(StrEnum):
    """Who answers."""

    RTREE = "rtree"
    COMPILED = "compiled"


class Atlas:
    """One version's index. Immutable once built, so that threads and processes may share it."""

    def __init__(
        self,
        version: Version,
        engine: Engine | str = Engine.COMPILED,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Build the index, or take the arrays that another atlas of the same geometry gave."""
        self.version, self.engine = version, Engine(engine)
        self.overlay = version.kind is Kind.OVERLAY
        self.within_m = version.nearest_within_m
        self._shapes: Shapes = np.array([region.geometry for region in version.regions], dtype=object)
        self._reference: Reference | None = None
        self.tree: Quadtree
        self.borders: Borders
        self.nearby: Nearby
        self.plain: bool  # no regions overlap: the borders are the tree's own edges
        if arrays is None:
            self._build()
        else:
            self.plain = bool(arrays["plain"])
            self.tree = Quadtree(*(arrays[f"tree.{name}"] for name in Quadtree._fields))
            self.borders = Borders(arrays["borders.node"], arrays["borders.piece"], arrays["borders.root"], desk())
            self.nearby = Nearby(*(arrays[f"nearby.{name}"] for name in Nearby._fields))

    @property
    def reference(self) -> Reference:
        """The engine that is asked where the compiled one can't be sure; made when first needed."""
        if self._reference is None:
            self._reference = Reference(list(self._shapes))
        return self._reference

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was built, as plain arrays to keep or to map into memory."""
        parts = {"tree": self.tree._asdict(), "borders": self.borders._asdict(), "nearby": self.nearby._asdict()}
        named = {f"{part}.{name}": column for part, columns in parts.items() for name, column in columns.items()}
        del named["borders.desk"]  # written to while in use
        return named | {"plain": np.array(self.plain)}

    @property
    def nbytes(self) -> int:
        """The size of the arrays."""
        return sum(column.nbytes for column in self.arrays().values())

    def locate(self, lon: ArrayLike, lat: ArrayLike, cap_m: ArrayLike = MARGIN_END_M) -> Sightings:
        """The sightings of valid points. `cap_m`, one for all or one each, is the largest margin that is told."""
        x, y = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
        caps = np.minimum(np.broadcast_to(np.asarray(cap_m, np.float64), x.shape), MARGIN_END_M)
        if not self.overlay:
            return self._partition(x, y, caps)
        if self.engine is Engine.RTREE or len(x) < SORTED_FROM:
            return self._overlay(x, y, caps)
        order = by_place(x, y)  # what lies together in memory is fetched once
        return in_order(self._overlay(x[order], y[order], caps[order]), order)

    def _build(self) -> None:
        self.tree = plant(self._shapes, overlay=self.overlay)
        if self.overlay:
            self.borders, self.plain = survey(self._shapes, None), False
            self.nearby = gather(self.tree, self.borders)
        else:
            apart = disjoint(self._shapes)
            self.plain = all(one is other for one, other in zip(apart, self._shapes, strict=True))
            self.borders = survey(apart, self.tree)
            self.nearby = Nearby(np.empty(0, np.int32), np.empty(0, np.int32))
        clearances(self.tree, self.borders, self.within_m, self.overlay, self.tree.leaf)

    def _partition(self, x: NDArray[np.float64], y: NDArray[np.float64], caps: NDArray[np.float64]) -> Sightings:
        region, margin, covered = np.empty(len(x), np.int64), np.empty(len(x)), np.empty(len(x), np.bool_)
        if self.engine is Engine.COMPILED:
            locate_partition(self.tree, self.borders, self.within_m, self.plain, x, y, caps, region, margin, covered)
            asked = np.flatnonzero(region == UNSURE)
        else:
            asked = np.arange(len(x))
        if len(asked):
            for row in asked.tolist():
                found = self.reference.covering(lon=x[row], lat=y[row])
                region[row] = found[0] if found else -1
            margins_partition(self.borders, self.within_m, x, y, caps, asked, region, margin, covered)
        return Sightings(np.arange(len(x)), region, margin, covered)

    def _overlay(self, x: NDArray[np.float64], y: NDArray[np.float64], caps: NDArray[np.float64]) -> Sightings:
        leaf = np.empty(len(x), np.int64)
        if self.engine is Engine.COMPILED:
            row, region, unsure = locate_overlay(self.tree, x, y, leaf)
        else:
            row, region, unsure = np.empty(0, np.int64), np.empty(0, np.int64), np.arange(len(x))
        if len(unsure):
            found = [self.reference.covering(lon=x[k], lat=y[k]) or [-1] for k in unsure.tolist()]
            row = np.concatenate([row, np.repeat(unsure, [len(some) for some in found])])
            region = np.concatenate([region, np.array([index for some in found for index in some], np.int64)])
            order = np.argsort(row, kind="stable")
            row, region = row[order], region[order]
        margin = np.empty(len(row))
        if self.engine is Engine.COMPILED:
            margins_overlay(self.tree, self.borders, self.nearby, x, y, caps, leaf, row, region, margin)
        else:
            search_overlay(self.borders, x, y, caps, row, region, margin)
        return Sightings(row, region, margin, region >= 0)
