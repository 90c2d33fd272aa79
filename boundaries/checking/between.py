"""Regions beside each other and beside the version before: nothing yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from boundaries.checking.finding import Finding
from boundaries.layer import LayerSettings
from geofence.region import Region


def check_between(
    regions: Sequence[Region],
    settings: LayerSettings,
    previous: Sequence[Region] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> list[Finding]:
    """No findings."""
    del regions, settings, previous, progress
    return []
