"""A sheet of paper that pictures are drawn on, as SVG: its own background, so that it reads on light and dark pages.

Under every picture. Invariant: places are written with one decimal, so that the last bits of a float change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

INK, MUTED, RULE = "#1b1b1b", "#555555", "#c9ced6"
WEST, EAST, WEST_FILL, EAST_FILL = "#2b5c9e", "#a8631a", "#e6eef8", "#fbeedd"
GOOD, BAD, FENCE, FENCE_FILL = "#2f7d3b", "#b3261e", "#6b4c9a", "#eee8f6"
Point = tuple[float, float]


class Sheet:
    """Takes shapes in the order in which they lie on each other."""

    def __init__(self, width: int, height: int, title: str, what: str) -> None:
        """`what` tells in words what is to be seen, for those who don't."""
        self.width, self.height, self._title, self._what = width, height, title, what
        self._parts: list[str] = []

    def rect(self, x: float, y: float, wide: float, high: float, fill: str, edge: str = "none", **more: object) -> None:
        """A rectangle; a keyword is an attribute, with `_` for `-`."""
        at = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
        self._parts.append(f'<rect {at} fill="{fill}" stroke="{edge}"{_attributes(more)}/>')

    def circle(self, x: float, y: float, radius: float, fill: str, edge: str = "none", **more: object) -> None:
        """A circle."""
        at = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
        self._parts.append(f'<circle {at} fill="{fill}" stroke="{edge}"{_attributes(more)}/>')

    def line(self, points: Iterable[Point], colour: str, width: float = 1.2, **more: object) -> None:
        """A line through these places."""
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn = f'fill="none" stroke="{colour}" stroke-width="{width:g}"{_attributes(more)}'
        self._parts.append(f'<polyline points="{way}" {drawn}/>')

    def dots(self, points: Iterable[Point], colour: str, size: float) -> None:
        """Many dots, as one path."""
        way = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
        self._parts.append(
            f'<path d="{way}" stroke="{colour}" stroke-width="{size:g}" stroke-linecap="round" fill="none"/>'
        )

    def arrow(self, start: Point, end: Point, colour: str = MUTED, **more: object) -> None:
        """A straight arrow."""
        self.line([start, end], colour, 1.3, marker_end="url(#head)", **more)

    def text(self, x: float, y: float, words: str, colour: str = INK, **more: object) -> None:
        """A line of text; `anchor` start, middle or end, `bold`, `size`."""
        anchor, bold, size = more.pop("anchor", "start"), more.pop("bold", False), more.pop("size", None)
        style = f' text-anchor="{anchor}"' if anchor != "start" else ""
        style += ' font-weight="bold"' if bold else ""
        style += f' font-size="{size}"' if size else ""
        drawn = f'fill="{colour}"{style}{_attributes(more)}'
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {drawn}>{escape(words)}</text>')

    def lines(self, x: float, y: float, every: Sequence[str], colour: str = INK, **more: object) -> None:
        """Lines of text below each other."""
        for row, words in enumerate(every):
            self.text(x, y + 16 * row, words, colour, **more)

    def svg(self) -> str:
        """The whole of it."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" font-family="Helvetica, Arial, sans-serif" font-size="13" role="img" '
            'aria-labelledby="title what">'
        )
        marker = (
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{MUTED}"/></marker></defs>'
        )
        paper = f'<rect width="{self.width}" height="{self.height}" rx="8" fill="#ffffff"/>'
        told = f'<title id="title">{escape(self._title)}</title><desc id="what">{escape(self._what)}</desc>'
        return "\n".join([head, told, marker, paper, *self._parts, "</svg>", ""])


def _attributes(more: dict[str, object]) -> str:
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
