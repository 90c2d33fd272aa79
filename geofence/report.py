"""What a call of the fence did: crossings, counts, and each ping that was refused, with its reason.

Invariant: whatever is counted as rejected is listed here, by all layers or by the one that refused it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geofence.crossing import Crossing
from geofence.fault import fault_of
from geofence.ping import Pings
from geofence.region import Version

NO_CONSENT, TOO_COARSE = "no_consent", "accuracy_ignored"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A ping that was refused: its row in the batch, and why; by all layers, or by the one that is named."""

    row: int
    reason: str
    message: str
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one call did. The counts of each layer add up to the pings given."""

    crossings: list[Crossing] = field(default_factory=list)
    rejected: list[Refusal] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)


def refuse(pings: Pings, start: int, report: Report) -> NDArray[np.bool_]:
    """List the pings that can never be used, and say which they are."""
    codes = pings.faults()
    for row in np.flatnonzero(codes).tolist():
        fault = fault_of(int(codes[row]))
        report.rejected.append(Refusal(start + row, fault.reason, fault.message(pings.value(row, fault.field))))
    return np.asarray(codes != 0)


def tell_ignored(version: Version, pings: Pings, rows: NDArray[np.int64], start: int, report: Report) -> None:
    """List the pings that a layer's rule finds too coarse."""
    name, most_m = version.layer, version.rule.ignore_worse_than_m
    for row in rows.tolist():
        message = (
            f"accuracy_m is {pings.ping(row).accuracy_m}; allowed in layer {name!r}: at most {most_m:g}, by the "
            "rule's ignore_worse_than_m. Send better fixes, or change the rule."
        )
        report.rejected.append(Refusal(start + row, TOO_COARSE, message, name))
