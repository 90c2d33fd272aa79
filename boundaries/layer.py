"""What an admin has set of a layer, beside its shapes."""

from __future__ import annotations

from dataclasses import dataclass

from geofence.hysteresis import BALANCED, Rule
from geofence.region import Kind

TOLERANCE_M = 1.0
ACCURACY_M = 20.0  # of a phone outdoors, where nothing else is known


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSettings:
    """One layer's settings; the last three belong to a version, the others to the layer."""

    name: str
    kind: Kind = Kind.PARTITION
    tolerance_m: float = TOLERANCE_M  # partition: overlaps and gaps up to so wide are slips of drawing
    accuracy_m: float = ACCURACY_M  # of the pings that are expected
    rule: Rule = BALANCED
    dwell_s: float | None = None
    nearest_within_m: float = 0.0
