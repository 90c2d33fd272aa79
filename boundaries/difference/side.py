"""One of the two versions that are compared: its regions and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from geofence.hysteresis import BALANCED, Rule
from geofence.region import Kind, Region, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A version, in force or not yet: its regions are valid, their ids unique."""

    regions: Sequence[Region]
    kind: Kind = Kind.PARTITION
    rule: Rule = BALANCED
    dwell_s: float | None = None
    nearest_within_m: float = 0.0

    @classmethod
    def of(cls, version: Version) -> Self:
        """The side that a version is."""
        return cls(
            regions=version.regions,
            kind=version.kind,
            rule=version.rule,
            dwell_s=version.dwell_s,
            nearest_within_m=version.nearest_within_m,
        )
