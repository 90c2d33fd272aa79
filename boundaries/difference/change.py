"""The kinds of change between two versions of a layer.

Made by `compare`, told by `text`, `document`, `places` and `page`. Invariants: each is in the byte order of ids; a
region that is in a split, a merger or a new id is not told again as added, removed or reshaped for the same ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A region, or a piece of one, as it was or is."""

    id: str
    name: str
    area_m2: float
    shape: BaseGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """The same id with another name."""

    id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshaped:
    """The same id with another shape; `overlap` is shared ground as a part of all ground, 0 to 1 (IoU)."""

    id: str
    name: str
    before_m2: float
    after_m2: float
    gained_m2: float
    lost_m2: float
    overlap: float
    gained: BaseGeometry | None
    lost: BaseGeometry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A setting or an attribute that changed; None: it was not there."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A region whose attributes changed."""

    id: str
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One region became several; the old id may be one of them."""

    before: Place
    after: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Several regions became one; the new id may be one of them."""

    before: tuple[Place, ...]
    after: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Reidentified:
    """The same shape under another id: devices in it will be told of a change."""

    before: str
    after: str
    name: str
    area_m2: float
    shape: BaseGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All that changed."""

    settings: tuple[Value, ...] = ()
    added: tuple[Place, ...] = ()
    removed: tuple[Place, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    reshaped: tuple[Reshaped, ...] = ()
    attributes: tuple[Described, ...] = ()
    split: tuple[Split, ...] = ()
    merged: tuple[Merged, ...] = ()
    reidentified: tuple[Reidentified, ...] = ()
    untouched: int = 0  # regions that are the same in everything

    @property
    def nothing(self) -> bool:
        """Whether the two versions are the same."""
        return not (self.settings or self.renamed or self.attributes or self.moves_ground)

    @property
    def moves_ground(self) -> bool:
        """Whether any place belongs to another region than before."""
        return bool(self.added or self.removed or self.reshaped or self.split or self.merged or self.reidentified)
