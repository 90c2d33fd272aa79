"""Is a stated confidence true? Of events with .9, nine in ten should be right.

An event is right if it stands for a true visit. Draws the share of right events over the confidence stated,
in bins of equal size, with a 90 % interval for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.quality.columns import Bools, Floats
from bench.quality.score import Tally

Z90 = 1.645


@dataclass(frozen=True, slots=True)
class Bin:
    """Events of about the same confidence."""

    confidence: float
    right: float
    low: float
    high: float
    events: int


def stated(tallies: list[Tally]) -> tuple[Floats, Bools]:
    """Confidence of all events that state one, and whether each was right."""
    confidence = np.array([value for tally in tallies for value in tally.confidence], np.float64)
    right = np.array([value for tally in tallies for value in tally.right], np.bool_)
    known = ~np.isnan(confidence)
    return confidence[known], right[known]


def bins(confidence: Floats, right: Bools, *, at_most: int = 12, least: int = 30) -> list[Bin]:
    """Bins of as equal a size as can be, with Wilson's interval; equal confidences share a bin."""
    if len(confidence) == 0:
        return []
    count = max(1, min(at_most, len(confidence) // least))
    edges = np.unique(np.quantile(confidence, np.arange(1, count) / count))
    number = np.searchsorted(edges, confidence, side="right")
    return [_bin(confidence[number == i], right[number == i]) for i in np.unique(number)]


def _bin(confidence: Floats, right: Bools) -> Bin:
    n, share = len(right), float(right.mean())
    centre = (share + Z90**2 / (2 * n)) / (1 + Z90**2 / n)
    half = Z90 / (1 + Z90**2 / n) * float(np.sqrt(share * (1 - share) / n + Z90**2 / (4 * n * n)))
    return Bin(float(confidence.mean()), share, centre - half, centre + half, n)


def calibration_error(rows: list[Bin]) -> float:
    """Mean distance between confidence and truth, by events."""
    events = sum(row.events for row in rows)
    return sum(row.events * abs(row.confidence - row.right) for row in rows) / events if events else float("nan")


def draw(groups: Mapping[str, list[Bin]], path: Path, *, title: str) -> None:
    """Writes the diagram; its format goes by the file's suffix (svg, png)."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "geofence"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 6))
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="perfect")
    for name, rows in groups.items():
        x, y = [row.confidence for row in rows], [row.right for row in rows]
        below = [max(0.0, row.right - row.low) for row in rows]
        above = [max(0.0, row.high - row.right) for row in rows]
        events = sum(row.events for row in rows)
        label = f"{name} ({events} events, off by {calibration_error(rows):.3f})"
        axes.errorbar(x, y, yerr=[below, above], marker="o", markersize=4, capsize=2, label=label)
    least = min((min(row.confidence, row.low) for rows in groups.values() for row in rows), default=0.0)
    axes.set(xlabel="confidence stated", ylabel="share of events that were right", title=title)
    axes.set(xlim=(max(0.0, least - 0.05), 1.0), ylim=(max(0.0, least - 0.05), 1.005))
    axes.legend(loc="upper left")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
