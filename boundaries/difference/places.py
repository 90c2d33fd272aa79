"""A difference as GeoJSON: the ground that changed hands, to be laid over a map in any program.

Invariant: every Feature says by `change` what happened: added, removed, gained, lost, split, merged, reidentified.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapely.geometry.base import BaseGeometry

from boundaries.difference.change import Difference, Place
from boundaries.shapes_as_json import encode


def difference_places(difference: Difference) -> bytes:
    """A FeatureCollection (RFC 7946) of ground that changed."""
    return encode({"type": "FeatureCollection", "features": list(_features(difference))})


def _features(difference: Difference) -> Iterator[dict[str, Any]]:
    for change, places in (("added", difference.added), ("removed", difference.removed)):
        yield from (_place(change, place) for place in places)
    for one in difference.reshaped:
        if one.gained is not None:
            yield _feature("gained", one.gained, region=one.id, name=one.name, area_m2=one.gained_m2)
        if one.lost is not None:
            yield _feature("lost", one.lost, region=one.id, name=one.name, area_m2=one.lost_m2)
    for split in difference.split:
        yield from (_place("split", piece, before=split.before.id) for piece in split.after)
    for merged in difference.merged:
        yield from (_place("merged", piece, after=merged.after.id) for piece in merged.before)
    for other in difference.reidentified:
        ids = {"before": other.before, "after": other.after}
        yield _feature("reidentified", other.shape, region=other.after, name=other.name, area_m2=other.area_m2, **ids)


def _place(change: str, place: Place, **more: str) -> dict[str, Any]:
    return _feature(change, place.shape, region=place.id, name=place.name, area_m2=place.area_m2, **more)


def _feature(change: str, shape: BaseGeometry, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": shape, "properties": {"change": change, **properties}}
