"""The picture of an explanation: the pings with their circles and the border near them, and the evidence over time.

After `explain`. Draws one layer: that with the most events, or the most evidence. Invariant: the same explanation gives
the same picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import BinaryIO

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from geofence.crossing import Cause
from geofence.explanation import Explanation
from geofence.region import Version
from geofence.witness import Step
from service.complaints import printable
from service.picture import draw_region, timeline_day, view
from service.source import Unusable

_COLOURS = {
    "confirmed": "tab:red", "pending": "tab:orange", "quiet": "tab:blue", "implausible": "tab:purple",
    "late": "0.6", "repeated": "0.6", "rejected": "0.6",
}  # fmt: skip


def save_explanation(found: Explanation, versions: Mapping[str, Version], path: str) -> None:
    """Draw and save. Raises Unusable where there is nothing to draw."""
    if not layer_to_draw(found):
        raise Unusable("--picture: no ping lies in the time that is asked for. Ask for a longer one: --last 1d.")
    draw_explanation(found, versions, path, Path(path).suffix.lower().removeprefix("."))


def draw_explanation(found: Explanation, versions: Mapping[str, Version], to: str | BinaryIO, form: str) -> None:
    """Draw what has pings: as svg, png or pdf."""
    mpl.rcParams["svg.hashsalt"] = "geofence"
    steps = layer_to_draw(found)
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_map(left, found, steps, versions[steps[-1].version])
    _draw_curve(right, steps)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(to, format=form, dpi=90, metadata={"Date": None} if form == "svg" else None)


def layer_to_draw(found: Explanation) -> list[Step]:
    """The steps with pings of the layer that has the most to show."""
    layers: dict[str, list[Step]] = {}
    for step in found.steps:
        if step.seen is not None:
            layers.setdefault(step.layer, []).append(step)
    return max(layers.values(), key=_moves_and_nearest, default=[])


def _moves_and_nearest(steps: Sequence[Step]) -> tuple[int, float]:
    """How often the device moved, and how near it came to that otherwise; where it was first seen is no news."""
    moves = sum(one.cause != Cause.FIRST_FIX for step in steps for one in step.told)
    beliefs = [one for step in steps for one in step.beliefs if one.known and not one.crossed]
    return moves, max((one.score / one.needed for one in beliefs), default=0.0)


def _draw_map(axes: Axes, found: Explanation, steps: Sequence[Step], version: Version) -> None:
    seen = [step.seen for step in steps if step.seen is not None]
    lon, lat = np.array([one.lon for one in seen]), np.array([one.lat for one in seen])
    (west, east, south, north), squeeze = view(lon, lat)
    axes.set(xlim=(west, east), ylim=(south, north), aspect=1 / squeeze, xlabel="lon", ylabel="lat")
    axes.ticklabel_format(useOffset=False)
    axes.set_title(printable(f"{found.device}: {len(seen):,} pings over {version.layer}"), parse_math=False)
    window = shapely.box(west, south, east, north)
    for region in version.regions:
        if region.geometry.intersects(window):
            draw_region(axes, region.geometry, region.name or region.id, window, None)
    size = 2 * np.array([one.accuracy_m or 0.0 for one in seen]) / 111_195.0
    colours = [_COLOURS.get(step.outcome, "0.6") for step in steps]
    circles = EllipseCollection(
        size / squeeze, size, 0, units="xy", offsets=np.column_stack([lon, lat]), transOffset=axes.transData,
        facecolors="none", edgecolors=colours, linewidths=0.6, alpha=0.5,
    )  # fmt: skip
    axes.add_collection(circles, autolim=False)
    axes.plot(lon, lat, color="0.4", linewidth=0.4, alpha=0.6)
    axes.scatter(lon, lat, s=7, c=colours, zorder=3)
    for outcome in dict.fromkeys(step.outcome for step in steps):
        axes.scatter([], [], s=12, c=[_COLOURS.get(outcome, "0.6")], label=outcome)
    axes.legend(fontsize=7, loc="upper left")


def _draw_curve(axes: Axes, steps: Sequence[Step]) -> None:
    """The evidence of the partition, or of each fence, and what was needed at each ping."""
    for fence in dict.fromkeys(belief.fence for step in steps for belief in step.beliefs):
        points = [(step, belief) for step in steps for belief in step.beliefs if belief.fence == fence]
        days = [timeline_day(step.time_ms) for step, _ in points]
        label = "evidence" if fence is None else f" {printable(fence)}".replace("$", r"\$")
        axes.plot(days, [belief.score for _, belief in points], marker=".", markersize=3, linewidth=1, label=label)
        axes.step(days, [belief.needed for _, belief in points], where="post", color="0.6", linewidth=0.8, zorder=1)
    for step in steps:
        for one in step.told:
            axes.axvline(timeline_day(step.time_ms), color="tab:red", linewidth=0.8)
            text = printable(one.words.split(":")[0]).replace("$", r"\$")
            axes.annotate(f" {text}", (timeline_day(step.time_ms), 0.98), xycoords=("data", "axes fraction"),
                          rotation=90, va="top", ha="right", fontsize=7, color="tab:red")  # fmt: skip
    axes.plot([], [], color="0.6", linewidth=0.8, label="needed")
    axes.set_ylim(bottom=0)
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.legend(fontsize=7, loc="center left")
    axes.set_title("the evidence, and what is needed (UTC; a red line for each event)", fontsize=9)
