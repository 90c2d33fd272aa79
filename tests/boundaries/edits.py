"""A partition of crooked quadrangles, edited in ways that are known, to judge what `compare` makes of it.

The partition is made of blocks of three by three cells; each block gets one edit, which changes no other block.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from hypothesis import strategies as st
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from geofence.region import Region

BLOCK, BLOCKS = 3, 2
EDITS = (
    "nothing",
    "move",
    "split",
    "split off",
    "merge",
    "merge anew",
    "rename",
    "describe",
    "exchange",
    "id",
    "remove",
    "add",
)
ORIGINS = ((10.0, 50.0), (173.0, -20.0), (-180.0, 60.0), (0.0, -89.0), (-3.0, -3.0))


@dataclass
class Expected:
    """What a comparison has to find, by id."""

    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    reshaped: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    split: dict[str, tuple[str, ...]] = field(default_factory=dict)
    merged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reidentified: dict[str, str] = field(default_factory=dict)


@dataclass
class Edited:
    """A partition before and after."""

    old: dict[str, Region]
    new: dict[str, Region]
    expected: Expected
    corners: np.ndarray

    def cell(self, x: int, y: int, corners: np.ndarray | None = None) -> Polygon:
        """The quadrangle of a place in the grid."""
        c = self.corners if corners is None else corners
        return Polygon([c[x, y], c[x + 1, y], c[x + 1, y + 1], c[x, y + 1]])

    def apply(self, edit: str, bx: int, by: int) -> None:
        """Make one edit in one block."""
        x, y = bx * BLOCK + 1, by * BLOCK + 1
        middle, right = f"{x}-{y}", f"{x + 1}-{y}"
        getattr(self, f"_{edit.replace(' ', '_')}")(x, y, middle, right)

    def _set(self, ident: str, shape: BaseGeometry) -> None:
        self.new[ident] = Region(ident, shape, "cell", {"rank": 1})

    def _nothing(self, x: int, y: int, middle: str, right: str) -> None:
        pass

    def _move(self, x: int, y: int, middle: str, right: str) -> None:
        moved = self.corners.copy()
        moved[x, y] += 0.1 * (self.corners[x + 1, y + 1] - self.corners[x, y])
        for i, j in ((x, y), (x - 1, y), (x, y - 1), (x - 1, y - 1)):
            self._set(f"{i}-{j}", self.cell(i, j, moved))
            self.expected.reshaped.add(f"{i}-{j}")

    def _halves(self, x: int, y: int) -> tuple[Polygon, Polygon]:
        c = self.corners
        return Polygon([c[x, y], c[x + 1, y], c[x + 1, y + 1]]), Polygon([c[x, y], c[x + 1, y + 1], c[x, y + 1]])

    def _split(self, x: int, y: int, middle: str, right: str) -> None:
        del self.new[middle]
        for name, half in zip("ab", self._halves(x, y), strict=True):
            self._set(middle + name, half)
        self.expected.split[middle] = (middle + "a", middle + "b")

    def _split_off(self, x: int, y: int, middle: str, right: str) -> None:
        for name, half in zip(("", "b"), self._halves(x, y), strict=True):
            self._set(middle + name, half)
        self.expected.split[middle] = (middle, middle + "b")

    def _merge(self, x: int, y: int, middle: str, right: str) -> None:
        both = shapely.union_all([self.new.pop(right).geometry, self.new[middle].geometry])
        self._set(middle, both)
        self.expected.merged[middle] = (middle, right)

    def _merge_anew(self, x: int, y: int, middle: str, right: str) -> None:
        both = shapely.union_all([self.new.pop(right).geometry, self.new.pop(middle).geometry])
        self._set(middle + "m", both)
        self.expected.merged[middle + "m"] = (middle, right)

    def _rename(self, x: int, y: int, middle: str, right: str) -> None:
        self.new[middle] = replace(self.new[middle], name="other")
        self.expected.renamed.add(middle)

    def _describe(self, x: int, y: int, middle: str, right: str) -> None:
        self.new[middle] = replace(self.new[middle], properties={"rank": 2})
        self.expected.attributes.add(middle)

    def _exchange(self, x: int, y: int, middle: str, right: str) -> None:
        one, other = self.new[middle], self.new[right]
        self.new[middle], self.new[right] = replace(other, id=middle), replace(one, id=right)
        self.expected.reidentified |= {middle: right, right: middle}

    def _id(self, x: int, y: int, middle: str, right: str) -> None:
        self.new[middle + "x"] = replace(self.new.pop(middle), id=middle + "x")
        self.expected.reidentified[middle] = middle + "x"

    def _remove(self, x: int, y: int, middle: str, right: str) -> None:
        del self.new[middle]
        self.expected.removed.add(middle)

    def _add(self, x: int, y: int, middle: str, right: str) -> None:
        del self.old[middle]
        self.expected.added.add(middle)


@st.composite
def edited(draw: st.DrawFn) -> Edited:
    """A partition somewhere in the world, small or large, and an edit in each of its blocks."""
    size = draw(st.sampled_from([1.0, 0.01, 1e-4]))
    origin = np.array(draw(st.sampled_from(ORIGINS)))
    many = BLOCK * BLOCKS + 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    grid = np.stack(np.meshgrid(np.arange(many), np.arange(many), indexing="ij"), axis=-1)
    corners = origin + size * (grid + 0.2 + rng.uniform(-0.2, 0.2, grid.shape))
    made = Edited({}, {}, Expected(), corners)
    for x in range(many - 1):
        for y in range(many - 1):
            made._set(f"{x}-{y}", made.cell(x, y))
    made.old = dict(made.new)
    for bx in range(BLOCKS):
        for by in range(BLOCKS):
            made.apply(draw(st.sampled_from(EDITS)), bx, by)
    return made
