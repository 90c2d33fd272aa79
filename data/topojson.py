"""Decode a TopoJSON topology into rings of coordinates.

The first step of every sample layer that comes as TopoJSON. A topology keeps each stretch of border once, as
an arc that the regions on both sides refer to. Coordinates are rounded on the arcs, before any ring is put
together, so that neighbours keep sharing every vertex of their border exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]
"""One closed ring: an array of (lon, lat) rows in degrees, the first row repeated at the end."""

Rings = list[list[Ring]]
"""The polygons of one feature: for each, the outer ring and then its holes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One feature of a topology. `code` is the file's own id, None where it gives none."""

    code: str | None
    properties: dict[str, Any]
    polygons: Rings


def decode(topology: dict[str, Any], *, layer: str, decimals: int) -> Iterator[Shape]:
    """Yield the features of one object of the topology, in the file's order."""
    arcs = _arcs(topology, decimals)
    for geometry in topology["objects"][layer]["geometries"]:
        polygons = {"Polygon": [geometry["arcs"]], "MultiPolygon": geometry["arcs"]}[geometry["type"]]
        yield Shape(
            code=geometry.get("id"),
            properties=geometry.get("properties", {}),
            polygons=[[_ring(arcs, indices) for indices in polygon] for polygon in polygons],
        )


def _arcs(topology: dict[str, Any], decimals: int) -> list[Ring]:
    scale = np.array(topology["transform"]["scale"])
    translate = np.array(topology["transform"]["translate"])
    return [np.round(np.cumsum(np.array(steps), axis=0) * scale + translate, decimals) for steps in topology["arcs"]]


def _ring(arcs: list[Ring], indices: list[int]) -> Ring:
    """Join arcs end to end; a negative index ~i means arc i backwards."""
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
