"""A difference as plain text, for a terminal or a pull request.

Invariant: no control character of a name or value comes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from boundaries.difference.change import Difference, Place, Reshaped
from boundaries.wording import change_m2, counted, shown, square_metres

MOST = 10


def text_of(difference: Difference, most: int = MOST) -> str:
    """A difference as text, the first `most` of each kind, that begins with its sum."""
    lines = [summary(difference)]
    for title, told in sections(difference):
        lines += ["", title, *(f"  - {line}" for line in told[:most])]
        if len(told) > most:
            lines.append(f"  ... and {len(told) - most:,} more")
    return "\n".join([*lines, ""])


def summary(difference: Difference) -> str:
    """What changed, in one line."""
    if difference.nothing:
        return f"Nothing changed: {counted(difference.untouched, 'region')}, all as before."
    told = [
        (len(difference.added), "added"),
        (len(difference.removed), "removed"),
        (len(difference.reshaped), "reshaped"),
        (len(difference.split), "split"),
        (len(difference.merged), "merged"),
        (len(difference.reidentified), "with another id"),
        (len(difference.renamed), "renamed"),
        (len(difference.attributes), "with other attributes"),
    ]
    parts = [f"{many:,} {word}" for many, word in told if many]
    parts += [counted(len(difference.settings), "setting") + " changed"] if difference.settings else []
    return f"{', '.join(parts)}; {counted(difference.untouched, 'region')} untouched."


def sections(difference: Difference) -> list[tuple[str, list[str]]]:
    """Each kind of change that there is: its title, and a line for each, what moves most ground first."""
    every = [
        ("Settings", [changed(one.name, one.before, one.after) for one in difference.settings]),
        ("Added", [_place(one) for one in difference.added]),
        ("Removed", [_place(one) for one in difference.removed]),
        ("Reshaped", [_reshaped(one) for one in sorted(difference.reshaped, key=_most_first)]),
        ("Split", [f"{_place(one.before)} into {_joined(one.after)}" for one in difference.split]),
        ("Merged", [f"{_joined(one.before)} into {_place(one.after)}" for one in difference.merged]),
        ("Same shape, other id", [_other_id(one.before, one.after, one.name) for one in difference.reidentified]),
        ("Renamed", [f"{shown(one.id)}: {_quoted(one.before)} → {_quoted(one.after)}" for one in difference.renamed]),
        ("Attributes", list(_attributes(difference))),
    ]
    return [(title, lines) for title, lines in every if lines]


def called(ident: str, name: str) -> str:
    """An id with its name."""
    return f"{shown(ident)} {_quoted(name)}" if name else shown(ident)


def changed(name: str, before: Any, after: Any) -> str:
    """A value before and after."""
    return f"{shown(name)}: {value(before)} → {value(after)}"


def value(one: Any) -> str:
    """A setting's or an attribute's value."""
    if one is None:
        return "none"
    return shown(one if isinstance(one, str) else msgspec.json.encode(one).decode())


def _most_first(one: Reshaped) -> float:
    return -one.gained_m2 - one.lost_m2


def _place(place: Place) -> str:
    return f"{called(place.id, place.name)} ({square_metres(place.area_m2)})"


def _joined(places: Sequence[Place]) -> str:
    return " + ".join(_place(place) for place in places)


def _reshaped(one: Reshaped) -> str:
    area = change_m2(one.before_m2, one.after_m2)
    return f"{called(one.id, one.name)}: {ground_of(one)}; area {area}, IoU {one.overlap:.4f}"


def ground_of(one: Reshaped) -> str:
    """What a region gained and lost."""
    gained = f"gained {square_metres(one.gained_m2)}" if one.gained is not None else ""
    lost = f"lost {square_metres(one.lost_m2)}" if one.lost is not None else ""
    return " and ".join(part for part in (gained, lost) if part)


def _other_id(before: str, after: str, name: str) -> str:
    return f"{shown(before)} → {called(after, name)}"


def _attributes(difference: Difference) -> Iterator[str]:
    for one in difference.attributes:
        told = "; ".join(changed(value.name, value.before, value.after) for value in one.values)
        yield f"{called(one.id, one.name)}: {told}"


def _quoted(name: str) -> str:
    return f"“{shown(name)}”"
