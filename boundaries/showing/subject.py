"""A version as the drawing process gets it: where its regions are, and what it decides beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Subject:
    """One version."""

    layer: str
    kind: str
    geometry: Path
    rule: Mapping[str, Any]
    dwell_s: float | None
    nearest_within_m: float
