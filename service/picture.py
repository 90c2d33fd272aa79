"""The picture of a comparison: a map of one device's pings over the regions, and a timeline for each method.

The last step of `compare`. Draws the device with the most raw events, in the first layer. Invariant: the same
comparison gives the same picture.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, PatchCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from geofence.region import Kind, Version
from service.compare import METHODS, OUTSIDE, Comparison, Key, busiest
from service.complaints import printable
from service.peers import UNKNOWN, Move
from service.source import Unusable

FORMATS = (".svg", ".png", ".pdf")
CIRCLES = 3000
PAPER = 1.5  # how wide the map is, of its height
NAMED = 12  # regions in the legend
_COLOURS = (*mpl.colormaps["Set2"].colors[:7], *mpl.colormaps["tab20"].colors)  # type: ignore[attr-defined]
_GREY = (0.85, 0.85, 0.85)


def check_format(path: str) -> None:
    """Refuse a picture that can't be drawn, before the work begins."""
    if Path(path).suffix.lower() not in FORMATS:
        raise Unusable(f"--picture: {path!r} ends in {Path(path).suffix!r}; allowed: {', '.join(FORMATS)}")
    if not Path(path).parent.is_dir():
        raise Unusable(f"--picture: {path!r} lies in no directory. Make it first.")


def draw_comparison(found: Comparison, path: str) -> None:
    """Draw and save."""
    mpl.rcParams["svg.hashsalt"] = "geofence"
    version = next(iter(found.versions.values()))
    device = busiest(found, version)
    figure = Figure(figsize=(11, 10), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1))
    colours = _colours_of(found, version, device)
    _draw_map(above, found, version, device, colours)
    _draw_timeline(below, found, version, device, colours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in letters that the font does not have is drawn as boxes
        figure.savefig(path, metadata={"Date": None} if Path(path).suffix.lower() == ".svg" else None)


def _colours_of(found: Comparison, version: Version, device: str) -> dict[int, Any]:
    """A colour for each region that any method believed the device in, in the order they came."""
    moves = sorted(
        (move.confirmed_ms, move.target) for method in METHODS for move in _moves(found, method, version, device)
    )
    regions = dict.fromkeys(target for _, target in moves if target >= 0)
    return {region: _COLOURS[place % len(_COLOURS)] for place, region in enumerate(regions)}


def _draw_map(axes: Axes, found: Comparison, version: Version, device: str, colours: dict[int, Any]) -> None:
    places = found.trace.seen[device]
    lon, lat = np.array([place[0] for place in places]), np.array([place[1] for place in places])
    (west, east, south, north), squeeze = view(lon, lat)
    axes.set(xlim=(west, east), ylim=(south, north), aspect=1 / squeeze, xlabel="lon", ylabel="lat")
    axes.set_title(f"{printable(device)}: {len(places):,} pings over {version.layer}", parse_math=False)
    window = shapely.box(west, south, east, north)
    for index, region in enumerate(version.regions):
        if region.geometry.intersects(window):
            draw_region(axes, region.geometry, region.name or region.id, window, colours.get(index))
    radius_m = np.array([place[2] or 0.0 for place in places])
    shown = np.unique(np.linspace(0, len(places) - 1, CIRCLES).astype(int)) if len(places) > CIRCLES else slice(None)
    size = 2 * radius_m[shown] / 111_195.0
    faint = float(np.clip(6 / len(size), 0.004, 0.1))  # many circles lie upon each other
    circles = EllipseCollection(
        size / squeeze, size, 0, units="xy", offsets=np.column_stack([lon, lat])[shown], transOffset=axes.transData,
        facecolors=(0.15, 0.15, 0.3, faint), edgecolors=(0.15, 0.15, 0.3, 3 * faint), linewidths=0.5,
    )  # fmt: skip
    axes.add_collection(circles, autolim=False)
    axes.plot(lon, lat, color="0.3", linewidth=0.4, alpha=0.6)
    axes.scatter(lon[shown], lat[shown], s=4, color="black", zorder=3)


def draw_region(axes: Axes, geometry: Any, name: str, window: Any, colour: Any) -> None:
    """Draw what a window shows of a region, with its name; no colour: the border alone."""
    paths = [_outline(polygon) for polygon in shapely.get_parts(geometry)]
    face = (*colour[:3], 0.45) if colour is not None else (1, 1, 1, 0)
    patches = PatchCollection([PathPatch(path) for path in paths], facecolor=face, edgecolor="0.4", linewidth=0.7)
    axes.add_collection(patches, autolim=False)
    at = geometry.intersection(window).representative_point()
    if not at.is_empty and (colour is not None or len(name) < 24):
        axes.annotate(name, (at.x, at.y), ha="center", fontsize=7, color="0.25", clip_on=True, parse_math=False)


def _outline(polygon: Any) -> Outline:
    rings = [np.asarray(ring.coords)[:, :2] for ring in (polygon.exterior, *polygon.interiors)]
    return Outline.make_compound_path(*[Outline(ring, closed=True) for ring in rings])


def _draw_timeline(axes: Axes, found: Comparison, version: Version, device: str, colours: dict[int, Any]) -> None:
    """A bar for each method: which region it believed the device in, and when that changed."""
    times = [place[3] for place in found.trace.seen[device]]
    begin, end = min(times), max(times) + 1000
    for level, method in enumerate(reversed(METHODS)):
        moves = _moves(found, method, version, device)
        spans = [*moves, Move(UNKNOWN, UNKNOWN, end, end)]
        for one, following in pairwise(spans):
            left, right = timeline_day(one.confirmed_ms), timeline_day(following.confirmed_ms)
            colour = colours.get(one.target, _GREY)
            axes.barh(level, right - left, left=left, height=0.7, color=[colour], linewidth=0)
            axes.plot([left, left], [level - 0.42, level + 0.42], color="black", linewidth=0.6)
    axes.set_yticks(range(len(METHODS)), [_label(found, method, version, device) for method in reversed(METHODS)])
    axes.set_xlim(timeline_day(begin), timeline_day(end))
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    names = [version.regions[region].name or version.regions[region].id for region in colours][:NAMED]
    patches = [
        Patch(color=colour, label=f" {_plain(name)}") for name, colour in zip(names, colours.values(), strict=False)
    ]
    axes.legend(
        handles=[*patches, Patch(color=_GREY, label="outside")],
        loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=5, fontsize=8, frameon=False,
    )  # fmt: skip
    axes.set_title("what each method believed (UTC; a line for each event)", fontsize=9)


def _plain(name: str) -> str:
    """A name that matplotlib takes for no formula."""
    return printable(name).replace("$", r"\$")


def _label(found: Comparison, method: str, version: Version, device: str) -> str:
    count = sum(not (move.origin < 0 and move.target < 0) for move in _moves(found, method, version, device))
    return f"{method} ({count})"


def _moves(found: Comparison, method: str, version: Version, device: str) -> list[Move]:
    """The moves of the device in the layer, in order; in an overlay those of all its fences."""
    mine = [moves for key, moves in found.moves[method].items() if _is_of(key, version, device)]
    told = sorted((move for moves in mine for move in moves), key=lambda move: move.confirmed_ms)
    if version.kind is Kind.PARTITION:
        return told
    return [move for move in told if not (move.origin < 0 and move.target == OUTSIDE)]


def _is_of(key: Key, version: Version, device: str) -> bool:
    return key[0] == version.layer and key[1] == device


def view(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[tuple[float, float, float, float], float]:
    """A window around nearly all pings (the wildest hundredth may lie outside) in the shape of the paper, and how many
    degrees of latitude are as long as one of longitude.
    """
    west, east = np.quantile(lon, [0.005, 0.995])
    south, north = np.quantile(lat, [0.005, 0.995])
    middle_lon, middle_lat = float(west + east) / 2, float(south + north) / 2
    squeeze = max(0.05, float(np.cos(np.radians(middle_lat))))
    half = 0.65 * max(0.01, float(north - south), float(east - west) * squeeze / PAPER)
    across = half * PAPER / squeeze
    return (middle_lon - across, middle_lon + across, middle_lat - half, middle_lat + half), squeeze


def timeline_day(time_ms: int) -> float:
    """Days since 1970, as matplotlib counts them."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).timestamp() / 86_400
