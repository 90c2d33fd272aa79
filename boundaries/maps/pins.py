"""Numbers on a map, those that would cover each other as one.

Beside `sheet`. Invariant: every number that lies on the map is in exactly one pin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boundaries.maps.window import Window

APART_PX = 26.0
WIDER = 1.6  # pins are wider than high where they stand for several


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with its number; how a pin there would look."""

    number: int
    lon: float
    lat: float
    style: str


@dataclass(slots=True)
class Pin:
    """The spots that are shown as one; it stands where the first of them is."""

    x: float
    y: float
    spots: list[Spot]

    @property
    def text(self) -> str:
        """What is written in it."""
        more = len(self.spots) - 1
        return f"{self.spots[0].number} +{more:,}" if more else str(self.spots[0].number)

    @property
    def says(self) -> str:
        """The same for those who can't see it."""
        more = len(self.spots) - 1
        return f"Number {self.spots[0].number}" + (f" and {more:,} more near it" if more else "")


def pinned(spots: Iterable[Spot], window: Window) -> list[Pin]:
    """Pins for the spots that a window shows, in their order."""
    cells: dict[tuple[int, int], Pin] = {}
    for spot in spots:
        x, y = window.pixel(lon=spot.lon, lat=spot.lat)
        if not (0 <= x <= window.width_px and 0 <= y <= window.height_px):
            continue
        cell = (int(x // APART_PX), int(y // APART_PX))
        around = [(cell[0] + dx, cell[1] + dy) for dx in (0, -1, 1, -2, 2) for dy in (0, -1, 1)]
        near = (cells[one] for one in around if one in cells)
        pin = next((one for one in near if abs(one.x - x) < APART_PX * WIDER and abs(one.y - y) < APART_PX), None)
        if pin is None:
            cells[cell] = Pin(x, y, [spot])
        else:
            pin.spots.append(spot)
    return list(cells.values())
