"""Fields of what an app has sent, under one of several names, numbers as numbers or as text.

Used by every adapter. Invariants: null and empty text are absent; what is there but can't be read is refused by its
name, never guessed; a yes or no that can't be read is a no.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ingest.clients.client import Unfit

Fields = Mapping[str, Any]
_TRUE = (True, 1, "1", "true", "yes")


def given(fields: Fields, *names: str) -> tuple[str, Any]:
    """The first of these that is there, and its name; None if there is none."""
    for name in names:
        value = fields.get(name)
        if value is not None and value != "":
            return name, value
    return names[0], None


def text(fields: Fields, *names: str) -> str:
    """Text, or a whole number as text; empty if it is neither."""
    _, value = given(fields, *names)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def number(fields: Fields, *names: str) -> float | None:
    """A number, also as text; None if there is none. Raises Unfit."""
    name, value = given(fields, *names)
    if value is None:
        return None
    found = as_number(value)
    if found is None:
        raise Unfit(name, "a number")
    return found


def needed(fields: Fields, *names: str) -> float:
    """A number that must be there. Raises Unfit."""
    found = number(fields, *names)
    if found is None:
        raise Unfit(names[0], "a number; it is missing")
    return found


def flag(fields: Fields, name: str) -> bool:
    """Whether something is said to be so."""
    value = fields.get(name)
    return (value.lower() if isinstance(value, str) else value) in _TRUE


def inner(fields: Fields, name: str, allowed: str) -> Fields | None:
    """An object within; None if there is none. Raises Unfit."""
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise Unfit(name, allowed)
    return value


def as_number(value: object) -> float | None:
    """A number, or text that is one; None: it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "_" in value:
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.inf
