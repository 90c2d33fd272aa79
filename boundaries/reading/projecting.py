"""Coordinates of any known system become lon and lat on WGS 84, by the best operation that this machine has.

Between `coordinate_system` and the features; `bending` adds positions where a straight line would not stay one.
Invariants: the same position becomes the same, whatever feature it is in; one operation serves the whole file; nothing
is downloaded; what can't be brought over is infinite, so that the check tells.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.transformer import AreaOfInterest, TransformerGroup

from boundaries.errors import Unreadable

Column = NDArray[np.float64]
_TARGET = pyproj.CRS("OGC:CRS84")
_CLEARLY = 0.75  # so much of the chosen operation's inaccuracy, or less, is called more exact


@dataclass(frozen=True, slots=True)
class Operation:
    """How one file's coordinates become lon and lat."""

    transformer: pyproj.Transformer | None  # None: they are already
    name: str | None = None
    accuracy_m: float | None = None

    @property
    def is_rough(self) -> bool:
        """Whether it leaves out how one datum lies beside the other: some ten or hundred metres, nobody knows."""
        return self.accuracy_m is None and "ballpark" in (self.name or "").lower()

    def to_lon_lat(self, xy: Column) -> Column:
        """The positions (n x 2) in degrees; infinite where it does not work."""
        if self.transformer is None or not len(xy):
            return xy
        lon, lat = self.transformer.transform(xy[:, 0], xy[:, 1])
        return np.column_stack((lon, lat))


def operation_for(system: pyproj.CRS, xy: Column) -> Operation:
    """The best operation for these positions. Raises Unreadable where there is none."""
    if _is_wgs_84(system):
        return Operation(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of grids that are missing: told in the name
        try:
            group = TransformerGroup(system, _TARGET, always_xy=True, area_of_interest=_area(system, xy))
        except pyproj.exceptions.ProjError:
            group = None
    if group is None or not group.transformers:
        raise Unreadable(
            f"There is no way from the coordinate system {system.name!r} to WGS 84 on this machine. "
            "Reproject the file, for example with ogr2ogr -t_srs EPSG:4326."
        )
    best = group.transformers[0]
    accuracy_m = best.accuracy if best.accuracy is not None and best.accuracy >= 0 else None
    return Operation(best, _name(best, accuracy_m, group), accuracy_m)


def look_like_degrees(system: pyproj.CRS, xy: Column) -> bool:
    """Whether numbers that should be metres or feet on a map would all do as degrees."""
    finite = xy[np.isfinite(xy).all(axis=1)]
    return bool(system.is_projected and len(finite) and (np.abs(finite) <= (360.0, 90.0)).all())


def _is_wgs_84(system: pyproj.CRS) -> bool:
    """Whether numbers stay as they are; lon comes first in every format, whatever a system's own order."""
    return bool(system.equals(_TARGET, ignore_axis_order=True)) or system.to_epsg(min_confidence=100) == 4326


def _area(system: pyproj.CRS, xy: Column) -> AreaOfInterest | None:
    """Where the file lies, roughly: which of several operations is best depends on it."""
    finite = xy[np.isfinite(xy).all(axis=1)]
    if not len(finite):
        return None
    west, south = finite.min(axis=0)
    east, north = finite.max(axis=0)
    rough = pyproj.Transformer.from_crs(system, _TARGET, always_xy=True, only_best=False)
    try:
        bounds = rough.transform_bounds(west, south, east, north)
    except pyproj.exceptions.ProjError:
        return None
    return AreaOfInterest(*bounds) if all(map(math.isfinite, bounds)) else None


def _name(best: pyproj.Transformer, accuracy_m: float | None, group: TransformerGroup) -> str:
    name = best.description.removesuffix(" + axis order change (2D)").removeprefix("axis order change (2D) + ")
    known_m = math.inf if accuracy_m is None else accuracy_m
    better = [one for one in group.unavailable_operations if 0 <= one.accuracy <= _CLEARLY * known_m]
    if not better:
        return name
    most = min(better, key=lambda one: one.accuracy)
    grids = ", ".join(grid.short_name for grid in most.grids if not grid.available)
    return (
        f"{name} (a more exact one, to {most.accuracy:g} m, needs {grids or 'a grid'}, "
        "which is not installed on this machine)"
    )
