"""Manifests: all of a version but its shapes, as it is kept in the catalog.

Between the catalog, which keeps the bytes, and the core's `Version`. Invariant: manifest and geometry together give the
version back, with the same hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from geofence.region import Kind, Region, Version
from geofence.rule import Rule

MANIFEST_VERSION = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one layer."""

    v: int = MANIFEST_VERSION
    layer: str
    kind: Kind
    rule: dict[str, int | float]
    dwell_s: float | None
    nearest_within_m: float
    geometry: str  # the hash of the blob that has the regions
    codes: dict[str, int]


_read = msgspec.json.Decoder(Manifest).decode
_write = msgspec.json.Encoder(order="deterministic").encode


def manifest_of(version: Version, geometry: str) -> bytes:
    """A version's manifest; `geometry` names the blob of its regions."""
    codes = {region.id: code for region, code in zip(version.regions, version.codes, strict=True)}
    return _write(
        Manifest(
            layer=version.layer,
            kind=version.kind,
            rule=version.rule.to_table(),
            dwell_s=version.dwell_s,
            nearest_within_m=version.nearest_within_m,
            geometry=geometry,
            codes=codes,
        )
    )


def read_manifest(raw: bytes) -> Manifest:
    """What was written. Raises ValueError if it is none, or newer than this program."""
    manifest = _read(raw)
    if manifest.v > MANIFEST_VERSION:
        raise ValueError(f"the manifest has version {manifest.v}; this program reads up to {MANIFEST_VERSION}. Update.")
    return manifest


def version_of(manifest: Manifest, regions: Sequence[Region]) -> Version:
    """The version of a manifest, from its regions. Raises InvalidRegion."""
    rule: Mapping[str, object] = manifest.rule
    return Version.of(
        manifest.layer,
        regions,
        kind=manifest.kind,
        rule=Rule.from_table(rule),
        dwell_s=manifest.dwell_s,
        nearest_within_m=manifest.nearest_within_m,
        codes=manifest.codes,
    )
