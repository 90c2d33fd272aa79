"""Mending between regions: nothing yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from boundaries.checking.finding import Finding, Mended
from boundaries.layer import LayerSettings
from geofence.region import Region


def mend_between(
    regions: Sequence[Region], settings: LayerSettings, findings: Sequence[Finding], codes: Collection[str]
) -> tuple[list[Region], list[Mended]]:
    """No mends."""
    del settings, findings, codes
    return list(regions), []
