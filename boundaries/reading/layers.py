"""Which layer of a file is meant: the one that was asked for, the only one with polygons, or a question."""

from __future__ import annotations

from collections.abc import Mapping

from boundaries.errors import Undecided, Unreadable
from geofence.malformed import shown

_MAYBE = ("polygon", "surface", "unknown", "geometry", "collection")
_SHOWN = 20


def chosen(layers: Mapping[str, str | None], asked: str | None) -> str:
    """The layer's name, of layers and their kinds of geometry (None: no geometry). Raises Undecided and Unreadable."""
    if asked is not None:
        if asked in layers:
            return asked
        raise Undecided(f"The file has no layer {shown(asked)}; it has {_listed(layers)}.", "inner", tuple(layers))
    possible = tuple(name for name, kind in layers.items() if kind and any(part in kind.lower() for part in _MAYBE))
    if len(possible) == 1:
        return possible[0]
    if len(possible) > 1:
        raise Undecided(
            f"The file has {len(possible)} layers that may be meant: {_listed(possible)}. Say which: --inner NAME.",
            "inner",
            possible,
        )
    raise Unreadable(f"The file has no layer with polygons; it has {_listed(layers)}. Check that it is the right file.")


def _listed(names: Mapping[str, str | None] | tuple[str, ...]) -> str:
    if not names:
        return "none"
    some = ", ".join(shown(name) for name in list(names)[:_SHOWN])
    return some + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
