"""Regions too narrow to decide: how wide one must be so that pings of an accuracy give the evidence that a rule wants.

Derived from the rule itself (`geofence.evidence`, `geofence.hysteresis`): a phone rests in the very middle, each of its
pings says what its distance to the border is worth, and what comes a moment after another is worth less. Invariant:
from the width told on, the told number of pings is enough; below it, it is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.checking.finding import Finding
from boundaries.checking.measure import MOST, centres, in_plane, metres, shown, widest
from boundaries.ground import Shapes
from geofence.evidence import DISTANCE_CAP_SIGMAS, doubt, freshness, log_odds, sigma_m
from geofence.hysteresis import DEAD_ZONE
from geofence.rule import Rule

PINGS = 10  # so many, one after the other, may be asked of a phone that rests
_NO_CONFIDENCE = math.nan


@dataclass(frozen=True, slots=True)
class Need:
    """What confirming a crossing takes of a phone at rest."""

    width_m: float  # of the region
    pings: int
    pause_s: float  # between two of them
    accuracy_m: float


def need_of(rule: Rule, accuracy_m: float) -> Need:
    """How wide a region must be, for pings of this accuracy; more pings if PINGS can't be enough anywhere."""
    if rule.ignore_worse_than_m is not None:
        accuracy_m = min(accuracy_m, rule.ignore_worse_than_m)
    most = _said_each(rule, accuracy_m, math.inf)
    wanted = max(rule.evidence_when_still, rule.own_evidence)
    pings = max(PINGS, rule.min_pings or 0, 2 * math.ceil(wanted / most))
    pings = max(pings, math.ceil((rule.min_dwell_s or 0.0) / rule.stationary_s) + 1)
    least, enough = 0.0, DISTANCE_CAP_SIGMAS * _sigma_m(rule, accuracy_m)
    while enough - least > 1e-3:
        depth = 0.5 * (least + enough)
        if pings * _said_each(rule, accuracy_m, depth) >= wanted:
            enough = depth
        else:
            least = depth
    return Need(2.0 * max(enough, rule.min_margin_m or 0.0), pings, rule.stationary_s, accuracy_m)


def pings_from(rule: Rule, need: Need, width_m: float) -> int | None:
    """How many pings it takes in the middle of a region so wide; None: no number is enough."""
    said = _said_each(rule, need.accuracy_m, 0.5 * width_m)
    if said <= 0.0 or 0.5 * width_m < (rule.min_margin_m or 0.0):
        return None
    return max(math.ceil(max(rule.evidence_when_still, rule.own_evidence) / said), rule.min_pings or 1)


def _said_each(rule: Rule, accuracy_m: float, depth_m: float) -> float:
    """What one ping of a phone at rest adds, so deep in the region."""
    said = log_odds(depth_m, _sigma_m(rule, accuracy_m), doubt(accuracy_m)) - DEAD_ZONE
    return max(0.0, said) * freshness(rule.stationary_s, rule.stationary_s)


def _sigma_m(rule: Rule, accuracy_m: float) -> float:
    row: Any = rule.packed()[0]
    return sigma_m(accuracy_m, _NO_CONFIDENCE, row)


def find_narrow(ids: list[str], shapes: Shapes, rule: Rule, accuracy_m: float, within_m: float) -> list[Finding]:
    """A finding for each region that is nowhere as wide as it must be."""
    need = need_of(rule, accuracy_m)
    found = []
    narrow = too_narrow(shapes, need.width_m)
    tree = shapely.STRtree(shapes) if within_m else None
    for index in narrow:
        if tree is not None and _is_widened(index, shapes, tree, min(within_m, need.width_m), need.width_m):
            continue
        found.append(_finding(ids[index], shapes[index], rule, need))
        if len(found) == MOST:
            break
    return found


def too_narrow(shapes: Shapes, width_m: float) -> list[int]:
    """The places of the shapes in which no circle of this diameter fits."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    plane = in_plane(parts, centres(parts))
    around_m = np.maximum(shapely.length(plane), 1e-9)  # a crumb of a nanometre may have none left
    least_m = 2.0 * shapely.area(plane) / around_m  # a shape is never narrower at its widest place
    most_m = 2.0 * np.sqrt(shapely.area(plane) / np.pi)
    wide = np.zeros(len(shapes), bool)
    wide[owner[least_m >= width_m]] = True
    ask = ~wide[owner] & (most_m >= width_m)
    eroded = shapely.buffer(plane[ask], -0.5 * width_m)
    wide[owner[ask][~shapely.is_empty(eroded)]] = True
    return [int(k) for k in np.flatnonzero(~wide)]


def _is_widened(index: int, shapes: Shapes, tree: shapely.STRtree, within_m: float, width_m: float) -> bool:
    """Whether `nearest_within_m` makes a region wide enough: no neighbour is near, on one side of it at least."""
    west, south, east, north = shapes[index].bounds
    flattest = max(abs(south), abs(north))
    up = 3.0 * (within_m + width_m) / 110_500.0
    across = up / max(0.01, math.cos(math.radians(min(89.9, flattest))))
    box = shapely.box(west - across, south - up, east + across, north + up)
    around = np.array([[(west + east) / 2, (south + north) / 2]])
    parts = shapely.get_parts(shapely.get_parts(shapes[index]))
    zone = shapely.union_all(in_plane(parts, np.repeat(around, len(parts), axis=0))).buffer(within_m)
    for other in tree.query(box):
        if other == index:
            continue
        near = shapely.get_parts(shapely.get_parts(shapely.intersection(shapes[other], box)))
        near = near[shapely.get_type_id(near) == shapely.GeometryType.POLYGON]
        if len(near):
            claimed = shapely.union_all(in_plane(near, np.repeat(around, len(near), axis=0)))
            zone = zone.difference(claimed.buffer(within_m / 2.0))
    return not zone.buffer(-0.5 * width_m).is_empty


def _finding(ident: str, shape: BaseGeometry, rule: Rule, need: Need) -> Finding:
    place = widest(shape)
    pings = pings_from(rule, need, place.width_m)
    here = f"takes {pings:,} pings" if pings else "is not possible with any number of pings"
    return Finding(
        code="too_narrow",
        what=f"{ident!r} is at most {metres(place.width_m)} wide. Confirming a crossing here {here} good to "
        f"{metres(need.accuracy_m)}, from its very middle, {need.pause_s:g} s apart, by a phone at rest; "
        f"with {need.pings} of them it needs a width of {metres(need.width_m)}.",
        region=ident,
        lon=place.lon,
        lat=place.lat,
        shape=shown(shape),
        figures={"width_m": place.width_m, "needed_m": need.width_m, "pings": float(need.pings)},
    )
