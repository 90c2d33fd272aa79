"""The regions that a map shows behind what it is about: which are near, in which soft colour, with which name.

Between regions and `sheet`. Made once for many maps. Invariant: neighbours have different colours, as far as
six colours go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from boundaries.maps.window import Box, Shapes, Window, box_of
from geofence.region import Region

COLOURS = 6


class Backdrop:
    """The regions of one version of a layer."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self.regions = regions
        self.shapes: Shapes = np.array([region.geometry for region in regions], object)
        self._tree = shapely.STRtree(self.shapes)
        self._row = {region.id: row for row, region in enumerate(regions)}

    def box(self) -> Box | None:
        """Where all of it lies; None: there are no regions."""
        return box_of(self.shapes)

    def region(self, ident: str | None) -> Region | None:
        """The region of this id, if there is one."""
        row = self._row.get(ident) if ident is not None else None
        return None if row is None else self.regions[row]

    def near(self, window: Window) -> NDArray[np.int64]:
        """The regions that a window shows, and some at its edge."""
        boxes = [shapely.box(*box) for box in window.boxes()]
        found: NDArray[np.int64] = np.unique(self._tree.query(boxes)[1]) if boxes else np.empty(0, np.int64)
        return found

    @cached_property
    def colours(self) -> list[int]:
        """A colour for each region, the same on every map."""
        frames = shapely.envelope(self.shapes)
        one, other = shapely.STRtree(frames).query(frames)
        earlier = other < one
        before: dict[int, list[int]] = {}
        for row, near in zip(one[earlier].tolist(), other[earlier].tolist(), strict=True):
            before.setdefault(row, []).append(near)
        given: list[int] = []
        for row in range(len(self.regions)):
            taken = {given[near] for near in before.get(row, ())}
            given.append(next((colour for colour in range(COLOURS) if colour not in taken), row % COLOURS))
        return given
