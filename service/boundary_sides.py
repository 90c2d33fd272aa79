"""Versions as they are compared: from files here, and from a server.

Under `diff`, `plan` and `apply`. Invariant: what went into a server and came back compares as equal with what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import shapely

from boundaries.difference.side import Side
from boundaries.geojson import geojson_of
from geofence.region import Kind, Region
from geofence.rule import Rule
from service.boundary_files import Judged
from service.boundary_server import BoundaryServer

_NO_REGIONS: tuple[Region, ...] = ()


def published_side(server: BoundaryServer, layer: str, number: int) -> Side:
    """A version of a server."""
    state, version = server.get("layers", layer), server.get("layers", layer, "versions", number)
    regions = regions_of(server.content("layers", layer, "versions", number, "regions"))
    return Side(regions=regions, **settings_of(version["settings"], state["kind"]))


def nothing_of(kind: Kind) -> Side:
    """Before the first version."""
    return Side(regions=_NO_REGIONS, kind=kind)


def judged_side(found: Judged, rule: Rule | None = None) -> Side:
    """A file that was judged, as it would come back from a server."""
    its = {"rule": (rule or Rule()).to_table(), **found.summary["settings"]}
    return Side(regions=regions_of(geojson_of(found.regions)), **settings_of(its, found.summary["kind"]))


def with_settings_of(side: Side, other: Side) -> Side:
    """The regions of one with the settings of the other: shapes alone are compared."""
    return replace(other, regions=side.regions)


def settings_of(said: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What a version decides beside shapes, as a side takes it."""
    return {
        "kind": Kind(kind),
        "rule": Rule.from_table(said["rule"]),
        "dwell_s": said["dwell_s"],
        "nearest_within_m": said["nearest_within_m"],
    }


class _Feature(msgspec.Struct):
    id: str
    properties: dict[str, Any]
    geometry: msgspec.Raw


class _Collection(msgspec.Struct):
    features: list[_Feature]


_read = msgspec.json.Decoder(_Collection).decode


def regions_of(geojson: bytes) -> Sequence[Region]:
    """The regions that `geojson_of` wrote: a name stands among the properties."""
    features = _read(geojson).features
    shapes = shapely.from_geojson([bytes(one.geometry) for one in features])
    return [
        Region(one.id, shape, str(one.properties.get("name", "")), one.properties)
        for one, shape in zip(features, shapes, strict=True)
    ]
