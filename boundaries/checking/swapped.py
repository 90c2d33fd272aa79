"""Signs that lon and lat were exchanged.

Before the range is checked, since exchanged positions are often off the world. Four signs, none of which clean data
gives: (1) many latitudes beyond 90 that become possible by exchanging all; (2) exchanging brings the regions onto what
they were in the version before, and as drawn they miss it; (3) the same with the area in which the file's coordinate
system is used; (4) one feature far from all others, which lie close together, would be among them.
Invariant: the whole file is exchanged or single features by sign 4, never a part of one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from boundaries.checking.draft import Draft
from boundaries.checking.finding import Finding, Mend, Source
from geofence.region import Region

CODE = "lon_lat_swapped"
BEYOND_SHARE = 0.25  # of all positions must have a latitude beyond 90 for the first sign
TOGETHER_DEG = 20.0  # so far apart, at most, lie the others for the fourth
OTHERS = 4  # and so many there must be
Boxes = NDArray[np.float64]  # west, south, east, north


def check_swapped(
    drafts: Sequence[Draft], source: Source | None, previous: Sequence[Region] | None, fix: Collection[str]
) -> list[Finding]:
    """Find exchanged numbers, in the whole file or in single features; exchange them if that is asked for."""
    drawn = [draft for draft in drafts if draft.polygons]
    if not drawn:
        return []
    boxes = np.array([_box(draft) for draft in drawn])
    mend = Mend.DONE if CODE in fix else Mend.OFFERED
    sign = _beyond(drawn, boxes) or _beside_previous(drawn, boxes, previous or ()) or _beside_use(boxes, source)
    if sign:
        if mend is Mend.DONE:
            for draft in drawn:
                _exchange(draft)
        return [Finding(code=CODE, what=f"In the whole file, {sign}.", mend=mend)]
    for place in _strays(boxes):
        draft = drawn[place]
        west, south, east, north = boxes[place]
        draft.note(
            CODE,
            f"{draft.title} lies at lon {west:.4g}, lat {south:.4g}, far from all others; exchanged, it "
            "lies among them.",
            at=((west + east) / 2, (south + north) / 2),
            mend=mend,
        )
        if mend is Mend.DONE:
            _exchange(draft)
    return []


def _beyond(drawn: Sequence[Draft], boxes: Boxes) -> str:
    possible = (boxes[:, [0, 2]] >= -90).all() and (boxes[:, [0, 2]] <= 90).all() and np.abs(boxes).max() <= 360
    if not possible:
        return ""
    lat = np.concatenate([ring[:, 1] for draft in drawn for rings in draft.polygons for ring in rings])
    beyond = int((np.abs(lat) > 90).sum())
    if beyond < BEYOND_SHARE * len(lat):
        return ""
    return f"{beyond:,} of {len(lat):,} latitudes are beyond 90, and none would be if exchanged with the longitudes"


def _beside_previous(drawn: Sequence[Draft], boxes: Boxes, previous: Sequence[Region]) -> str:
    before = {region.id: region.geometry.bounds for region in previous}
    known = [(box, before[draft.id]) for draft, box in zip(drawn, boxes, strict=True) if draft.id in before]
    if not known:
        return ""
    now, then = np.array([box for box, _ in known]), np.array([box for _, box in known])
    hits, exchanged = int(_meet(now, then).sum()), int(_meet(now[:, [1, 0, 3, 2]], then).sum())
    if hits > 0.1 * len(known) or exchanged < 0.9 * len(known):
        return ""
    return (
        f"{len(known) - hits:,} of {len(known):,} regions miss what they were in the version before, and exchanged "
        f"{exchanged:,} lie on it"
    )


def _beside_use(boxes: Boxes, source: Source | None) -> str:
    code = re.match(r"[A-Za-z]+:\d+", source.crs) if source is not None else None
    if code is None:
        return ""
    try:
        use = pyproj.CRS.from_user_input(code.group()).area_of_use
    except CRSError:
        return ""
    if use is None or use.east < use.west:
        return ""
    area = np.array([[use.west, use.south, use.east, use.north]])
    if _meet(boxes, area).any() or not _within(boxes[:, [1, 0, 3, 2]], area).all():
        return ""
    return f"all regions lie outside the area where {code.group()} is used ({use.name}), and exchanged within it"


def _strays(boxes: Boxes) -> list[int]:
    """Features far from a crowd which would be in it if exchanged."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = (np.abs(middle - np.median(middle, axis=0)) <= TOGETHER_DEG / 2).all(axis=1)
    if near.sum() < OTHERS or near.all():
        return []
    crowd = np.array([[*boxes[near, :2].min(axis=0), *boxes[near, 2:].max(axis=0)]])
    if (crowd[:, 2:] - crowd[:, :2] > TOGETHER_DEG).any() or 5 * (~near).sum() > len(boxes):
        return []
    stray = ~near & ~_meet(boxes, crowd) & _within(boxes[:, [1, 0, 3, 2]], crowd)
    return np.flatnonzero(stray).tolist()


def _meet(one: Boxes, two: Boxes) -> NDArray[np.bool_]:
    return np.asarray((one[:, :2] <= two[:, 2:]).all(axis=1) & (two[:, :2] <= one[:, 2:]).all(axis=1))


def _within(inner: Boxes, outer: Boxes) -> NDArray[np.bool_]:
    return np.asarray((inner[:, :2] >= outer[:, :2]).all(axis=1) & (inner[:, 2:] <= outer[:, 2:]).all(axis=1))


def _box(draft: Draft) -> NDArray[np.float64]:
    lon_lat = np.concatenate([ring for rings in draft.polygons for ring in rings])
    return np.concatenate([lon_lat.min(axis=0), lon_lat.max(axis=0)])


def _exchange(draft: Draft) -> None:
    draft.polygons = [[np.ascontiguousarray(ring[:, ::-1]) for ring in rings] for rings in draft.polygons]
