"""Regions, and a Version: one immutable, published shape of one layer.

A Version is what locate and the rule are built from. Invariants: its regions are valid polygons within the world,
their ids are unique, and they stand in the byte order of their ids, so that a region's index is also its rank when
several cover a point; its hash names everything that can influence an answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from geofence.hysteresis import BALANCED, Rule

ID_BYTES = 256


class InvalidRegion(ValueError):
    """A region or a set of them that can't be used. Says which, what is wrong, what is allowed and what to do."""


class Kind(StrEnum):
    """What the regions of a layer are to each other."""

    PARTITION = "partition"
    OVERLAY = "overlay"


@dataclass(frozen=True, slots=True)
class Region:
    """A named area: a Polygon or MultiPolygon in degrees, WGS 84, with edges straight in lon and lat."""

    id: str
    geometry: BaseGeometry
    name: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """One version of one layer. `codes` are small integers given to ids once and for all; by default 1, 2, 3 ..."""

    layer: str
    kind: Kind
    regions: tuple[Region, ...]
    rule: Rule = BALANCED
    dwell_s: float | None = None
    nearest_within_m: float = 0.0
    codes: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        layer: str,
        regions: Iterable[Region],
        *,
        kind: Kind = Kind.PARTITION,
        rule: Rule = BALANCED,
        dwell_s: float | None = None,
        nearest_within_m: float = 0.0,
        codes: Mapping[str, int] | None = None,
    ) -> Version:
        """Check the regions and put them in order. Raises InvalidRegion; no regions at all is a retired layer."""
        _check_settings(layer, kind, dwell_s, nearest_within_m)
        ordered = sorted(regions, key=lambda region: region.id.encode("utf-8", "surrogatepass"))
        _check_ids(layer, ordered)
        for region in ordered:
            _check_geometry(layer, region)
        given = codes if codes is not None else {region.id: rank for rank, region in enumerate(ordered, 1)}
        missing = [region.id for region in ordered if region.id not in given]
        if missing:
            raise InvalidRegion(f"layer {layer!r}: region {missing[0]!r} has no code; give every region a code once")
        in_order = tuple(given[region.id] for region in ordered)
        dwell = None if dwell_s is None else float(dwell_s)  # 60 and 60.0 are the same version
        return cls(layer, kind, tuple(ordered), rule, dwell, float(nearest_within_m), in_order)

    @cached_property
    def geometry_hash(self) -> str:
        """Names the shapes and nothing else: what a compiled atlas depends on."""
        digest = hashlib.sha256(f"{self.kind}:{self.nearest_within_m!r}:".encode())
        for region in self.regions:
            wkb = shapely.to_wkb(region.geometry, byte_order=1, output_dimension=2)
            for part in (region.id.encode(), wkb):
                digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()

    @cached_property
    def hash(self) -> str:
        """Names everything that can influence an event of this version."""
        manifest = {
            "layer": self.layer,
            "kind": self.kind,
            "rule": self.rule.to_table(),
            "dwell_s": self.dwell_s,
            "geometry": self.geometry_hash,
            "regions": [[region.id, region.name, code] for region, code in zip(self.regions, self.codes, strict=True)],
        }
        return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()

    @cached_property
    def index(self) -> dict[str, int]:
        """Region id -> its place in `regions`."""
        return {region.id: place for place, region in enumerate(self.regions)}


def _check_settings(layer: str, kind: Kind, dwell_s: float | None, nearest_within_m: float) -> None:
    if not layer or len(layer.encode("utf-8", "surrogatepass")) > ID_BYTES or not layer.isprintable():
        raise InvalidRegion(
            f"layer name is {layer[:80]!r}; allowed: 1 to {ID_BYTES} printable bytes. Rename the layer."
        )
    if dwell_s is not None and not 0 < dwell_s <= 366 * 86_400:
        raise InvalidRegion(
            f"layer {layer!r}: dwell_s is {dwell_s}; allowed: more than 0 s and at most 366 days. "
            "Leave it out for none."
        )
    if dwell_s is not None and kind is Kind.PARTITION:
        raise InvalidRegion(f"layer {layer!r}: dwell_s is {dwell_s}; only overlay layers tell dwells. Leave it out.")
    if not 0 <= nearest_within_m <= 50_000:
        raise InvalidRegion(
            f"layer {layer!r}: nearest_within_m is {nearest_within_m}; allowed: 0 to 50000 m. Leave it out for 0."
        )
    if nearest_within_m and kind is Kind.OVERLAY:
        raise InvalidRegion(
            f"layer {layer!r}: nearest_within_m is {nearest_within_m}; only a partition can use it. Leave it out."
        )


def _check_ids(layer: str, ordered: list[Region]) -> None:
    for region in ordered:
        if not region.id or len(region.id.encode("utf-8", "surrogatepass")) > ID_BYTES or not region.id.isprintable():
            raise InvalidRegion(
                f"layer {layer!r}: region id is {region.id[:80]!r} ({len(region.id)} characters); allowed: "
                f"1 to {ID_BYTES} printable bytes. Give every feature a short id that stays the same."
            )
    for one, two in pairwise(ordered):
        if one.id == two.id:
            raise InvalidRegion(
                f"layer {layer!r}: region id {one.id!r} is used twice; ids must be unique. "
                "Join the two as one MultiPolygon, or rename one."
            )


def _check_geometry(layer: str, region: Region) -> None:
    def refuse(what: str, remedy: str) -> InvalidRegion:
        return InvalidRegion(f"layer {layer!r}: region {region.id!r} {what}. {remedy}")

    shape = region.geometry
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon"):
        found = "no geometry" if shape is None else f"a {shape.geom_type}"
        raise refuse(f"has {found}; allowed: Polygon or MultiPolygon", "Convert it, or leave the region out.")
    if shape.is_empty:
        raise refuse("has an empty geometry", "Leave the region out, or give it a polygon.")
    if not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in (shape.bounds[:2], shape.bounds[2:])):
        raise refuse(
            f"reaches {tuple(shape.bounds)}; allowed: lon -180 to 180, lat -90 to 90, finite",
            "Reproject to WGS 84, and cut rings at the 180th meridian (RFC 7946, 3.1.9).",
        )
    if not shape.is_valid:
        raise refuse(
            f"is not a valid polygon: {explain_validity(shape)}",
            "Mend it, for example with shapely.make_valid(method='structure', keep_collapsed=False).",
        )
