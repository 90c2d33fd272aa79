"""Turn the rings of a boundary file into regions that every reader can trust.

Stands between a decoder (`topojson`, the GeoPackage reader of `make_provinces`) and `layers.write`. What
comes out is valid, polygonal, within [-180, 180] and wound as RFC 7946 asks. A ring that is already so keeps
its vertices untouched, and so neighbours keep sharing theirs; only what is invalid, or crosses the 180th
meridian, is changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from data.topojson import Ring, Rings

NODE_DECIMALS = 9
"""Vertices that mending invents (crossings of segments) are kept to 0.1 mm; the file's own are coarser."""

LEAST_AREA_DEG2 = 1e-9
"""About 10 square metres: what is smaller is the dust of an intersection, no part of a region."""


@dataclass(slots=True)
class Mended:
    """A region's geometry and what was done to it; `area_change` is relative to what the rings enclose."""

    geometry: Polygon | MultiPolygon
    invalid: bool = False
    cut: bool = False
    collapsed_rings: int = 0
    area_change: float = 0.0


def mend(polygons: Rings) -> Mended | None:
    """Build one region from its rings, or return None if all of them have collapsed to lines."""
    kept = [[ring for ring in rings if len(ring) > 3] for rings in polygons if len(rings[0]) > 3]
    collapsed = sum(len(rings) for rings in polygons) - sum(len(rings) for rings in kept)
    if not kept:
        return None
    pieces = [piece for rings in kept for piece in _within_the_world(rings)]
    cut = any(np.abs(np.diff(ring[:, 0])).max() > 180 for rings in kept for ring in rings)
    whole = MultiPolygon(pieces)
    enclosed_deg2 = sum(Polygon(p.exterior).area - sum(Polygon(h).area for h in p.interiors) for p in pieces)
    invalid = not whole.is_valid
    geometry = _tidy(_made_valid(whole) if invalid else whole)
    return Mended(
        geometry=geometry,
        invalid=invalid,
        cut=cut,
        collapsed_rings=collapsed,
        area_change=geometry.area / enclosed_deg2 - 1 if enclosed_deg2 else 0.0,
    )


def part_overlaps(regions: dict[str, Mended]) -> list[tuple[str, str, float]]:
    """Give every patch that two regions claim to one of them; return (keeper, other, square degrees).

    Where a border crosses itself, both sides claim the loop. A region that was valid keeps it before one that
    was mended, then the smaller id, as in every reading of a partition.
    """
    ids = sorted(regions)
    tree = shapely.STRtree([regions[i].geometry for i in ids])
    parted = []
    for left, right in sorted(overlapping_pairs(tree)):
        keeper, other = sorted((ids[left], ids[right]), key=lambda i: (regions[i].invalid, i))
        patch = regions[keeper].geometry.intersection(regions[other].geometry)
        if patch.area > 0:
            rest = shapely.difference(regions[other].geometry, regions[keeper].geometry)
            regions[other].geometry = _tidy(rest)
            parted.append((keeper, other, patch.area))
    return parted


def report(regions: dict[str, Mended], *, parted: list[tuple[str, str, float]]) -> str:
    """Say in a few lines what was done to a layer."""
    invalid = {i: m for i, m in regions.items() if m.invalid}
    changed = sorted(invalid, key=lambda i: -abs(invalid[i].area_change))[:3]
    cut = sorted(i for i, m in regions.items() if m.cut)
    return "\n".join(
        [
            f"{len(regions)} regions, {len(invalid)} of them invalid and mended",
            f"cut at the 180th meridian: {', '.join(cut) or 'none'}",
            f"rings collapsed to lines and left out: {sum(m.collapsed_rings for m in regions.values())}",
            f"overlaps parted (keeper, other, square degrees): {parted}",
            f"most area changed: {[(i, round(invalid[i].area_change, 6)) for i in changed]}",
        ]
    )


def overlapping_pairs(tree: shapely.STRtree) -> list[tuple[int, int]]:
    """Return the index pairs (i < j) of the tree's geometries whose interiors share an area."""
    left, right = tree.query(tree.geometries, predicate="intersects")
    left, right = left[left < right], right[left < right]
    interiors = shapely.relate_pattern(tree.geometries[left], tree.geometries[right], "2********")
    return [(int(i), int(j)) for i, j in zip(left[interiors], right[interiors], strict=True)]


def _within_the_world(rings: list[Ring]) -> list[Polygon]:
    """Return one polygon's pieces within [-180, 180], cut along the meridian where it crosses it."""
    outer, *holes = (_unwrapped(ring) for ring in rings)
    if np.array_equal(outer, rings[0]) and np.abs(outer[:, 0]).max() <= 180:
        return [Polygon(rings[0], rings[1:])]
    middle = (outer[:, 0].min() + outer[:, 0].max()) / 2
    holes = [hole - [360 * round((hole[:, 0].mean() - middle) / 360), 0] for hole in holes]
    polygon = Polygon(outer, holes)
    west, _, east, _ = polygon.bounds
    turns = range(int((west + 180) // 360), int(-((180 - east) // 360)) + 1)
    pieces = []
    for turn in turns:
        moved = shapely.transform(polygon, lambda c, turn=turn: np.round(c - [360 * turn, 0], NODE_DECIMALS))
        if moved.bounds[0] < -180 or moved.bounds[2] > 180:
            moved = shapely.intersection(_made_valid(moved), box(-180, -90, 180, 90))
        pieces += _polygons(moved)
    return pieces


def _unwrapped(ring: Ring) -> Ring:
    """Let longitudes run on past 180; a ring that goes round a pole is closed along it, in short steps."""
    lon = np.unwrap(ring[:, 0], period=360)
    if abs(lon[-1] - lon[0]) < 180:
        return np.column_stack([lon, ring[:, 1]])
    pole = np.copysign(90.0, ring[:, 1].mean())
    way_home = [*([at, pole] for at in np.linspace(lon[-1], lon[0], 5)), [lon[0], ring[0, 1]]]
    return np.vstack([np.column_stack([lon, ring[:, 1]]), way_home])


def _made_valid(geometry: BaseGeometry) -> BaseGeometry:
    if geometry.is_valid:
        return geometry
    return shapely.make_valid(geometry, method="structure", keep_collapsed=False)


def _tidy(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    """Round invented vertices, drop dust, wind outer rings counterclockwise."""
    rounded = shapely.transform(geometry, lambda c: np.round(c, NODE_DECIMALS))
    parts = _polygons(_made_valid(rounded) if not rounded.is_valid else rounded)
    tidy = shapely.orient_polygons(MultiPolygon([p for p in parts if p.area > LEAST_AREA_DEG2] or parts))
    return tidy.geoms[0] if len(tidy.geoms) == 1 else tidy


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    """Return the polygons of any geometry, leaving out lines, points and empty parts."""
    parts: Iterable[BaseGeometry] = shapely.get_parts(geometry)
    flat = [p for part in parts for p in (shapely.get_parts(part) if part.geom_type != "Polygon" else [part])]
    return [p for p in flat if p.geom_type == "Polygon" and not p.is_empty]
