"""One map on its way to SVG: shapes, pins, names and a scale bar are put on it, then it is written.

On top of `outlines` and `window`; how classes look says `boundaries.pages.style`. Invariant: every text on it is
escaped; it has a title for those who can't see it; it refers to nothing outside itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from shapely.geometry.base import BaseGeometry

from boundaries.maps.backdrop import Backdrop
from boundaries.maps.labels import Labels
from boundaries.maps.outlines import Outline, dots, outlines, path
from boundaries.maps.pins import Pin
from boundaries.maps.window import Shapes, Window
from boundaries.wording import metres, shown

SMALL_PX = 9.0  # what is smaller gets a ring around it
BAR_SHARE = 0.3
DOT_PX, RING_PX = 4.0, 14.0
MOST_NAMES = 150


class Sheet:
    """A map of one window."""

    def __init__(self, window: Window, *, title: str, style: str = "map") -> None:
        self.window, self._title, self._style = window, title, style
        self._drawn: list[str] = []
        self._above: list[str] = []
        self._labels = Labels(window)

    def land(self, backdrop: Backdrop) -> None:
        """The regions of a layer in one colour with hair lines."""
        self._path(outlines(backdrop.shapes[backdrop.near(self.window)], self.window), "land")

    def neighbours(self, backdrop: Backdrop, *, named: bool = True, by_id: bool = False) -> None:
        """The regions of a layer, each in its colour and with its name, or its id."""
        rows = backdrop.near(self.window)
        found = outlines(backdrop.shapes[rows], self.window)
        colours = [backdrop.colours[row] for row in rows]
        for colour in sorted(set(colours)):
            self._path([one for one in found if colours[one.owner] == colour], f"region c{colour}")
        if named:
            self._name({int(row): [] for row in rows}, [(int(rows[one.owner]), one) for one in found], backdrop, by_id)

    def _name(
        self, rings: dict[int, list[Outline]], found: list[tuple[int, Outline]], backdrop: Backdrop, by_id: bool
    ) -> None:
        for row, outline in found:
            rings[row].append(outline)
        largest = sorted(rings, key=lambda row: -sum(len(one.points) for one in rings[row]))[:MOST_NAMES]
        for row in largest:
            region = backdrop.regions[row]
            self._labels.offer(rings[row], region.id if by_id else region.name or region.id)

    def shapes(self, shapes: Sequence[BaseGeometry] | Shapes, style: str, *, found_anywhere: bool = False) -> None:
        """Some shapes in one style; if they are to be found however small they are, with a ring around them."""
        found = outlines(shapes, self.window)
        self._path(found, style)
        points = dots(shapes, self.window)
        self._drawn += [f'<circle class="{style} dot" cx="{x:.1f}" cy="{y:.1f}" r="{DOT_PX}"/>' for x, y in points]
        if found_anywhere and (found or len(points)):
            every = np.concatenate([one.points for one in found] + [points])
            (west, north), (east, south) = every.min(axis=0), every.max(axis=0)
            if max(east - west, south - north) < SMALL_PX:
                self.ring((west + east) / 2, (north + south) / 2, style)

    def ring(self, x: float, y: float, style: str) -> None:
        """A ring around a place in pixels: here it is."""
        self._labels.keep_clear((x - RING_PX, y - RING_PX, x + RING_PX, y + RING_PX))
        self._drawn.append(f'<circle class="{style} ring" cx="{x:.1f}" cy="{y:.1f}" r="{RING_PX}"/>')

    def frame(self, window: Window, style: str) -> None:
        """What another map shows, as a rectangle on this one."""
        corners = [window.boxes()[0][:2], window.boxes()[-1][2:]]
        (x1, y2), (x2, y1) = (self.window.pixel(lon=lon, lat=lat) for lon, lat in corners)
        if max(x2 - x1, y2 - y1) < SMALL_PX * 2:
            self.ring((x1 + x2) / 2, (y1 + y2) / 2, style)
            return
        box = f'x="{x1:.1f}" y="{y1:.1f}" width="{max(x2 - x1, 1):.1f}" height="{y2 - y1:.1f}"'
        self._drawn.append(f'<rect class="{style} frame" {box} rx="2"/>')

    def pins(self, pins: Sequence[Pin], *, to: str) -> None:
        """Numbers, each of which leads to what the page says of it: to the element `to` with the number behind it."""
        for pin in pins:
            wide, first = max(1.0, 0.55 * len(pin.text)), pin.spots[0]
            self._labels.keep_clear((pin.x - 11 * wide, pin.y - 11, pin.x + 11 * wide, pin.y + 11))
            self._above.append(
                f'<a href="#{to}{first.number}" aria-label="{escape(pin.says)}" class="pin {first.style}">'
                f'<g transform="translate({pin.x:.1f} {pin.y:.1f})"><rect x="{-11 * wide:.1f}" y="-11" '
                f'width="{22 * wide:.1f}" height="22" rx="11"/><text dy="4.5">{pin.text}</text></g></a>'
            )

    def scale_bar(self) -> None:
        """How long a round number of metres is here."""
        most_m = self.window.metres_per_px() * self.window.width_px * BAR_SHARE
        size = 10.0 ** np.floor(np.log10(most_m))
        far_m = float(size * max(step for step in (1, 2, 5) if step * size <= most_m))
        wide, y = far_m / self.window.metres_per_px(), self.window.height_px - 12
        self._labels.keep_clear((0, y - 20, wide + 16, y + 12))
        self._above.append(
            f'<g class="scale"><path d="M12 {y - 5}v5h{wide:.1f}v-5"/>'
            f'<text x="16" y="{y - 5}">{metres(far_m)}</text></g>'
        )

    def svg(self) -> str:
        """The picture."""
        wide, high, names = self.window.width_px, self.window.height_px, "".join(self._labels.placed())
        role = "group" if any(one.startswith("<a ") for one in self._above) else "img"
        return (
            f'<svg class="{self._style}" viewBox="0 0 {wide} {high}" role="{role}" '
            f'aria-label="{escape(shown(self._title, longest=400))}">'
            f'<rect class="water" width="{wide}" height="{high}"/>'
            f"{''.join(self._drawn)}{names}{''.join(self._above)}</svg>"
        )

    def _path(self, found: Sequence[Outline], style: str) -> None:
        if found:
            self._drawn.append(f'<path class="{style}" transform="scale(.1)" d="{path(found)}"/>')
