"""What a path and a query ask for: numbers, choices, versions that have something to show.

Under the endpoints. Invariant: what can't be understood is refused with what is allowed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from catalog import Catalog
from catalog.layer import MOST_NUMBER
from catalog.version import Version
from web.asking import asked
from web.problem import Problem

E = TypeVar("E", bound=StrEnum)


def number_of(text: str, what: str) -> int:
    """A number in a path or a query. Raises Problem."""
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and 0 < int(text) <= MOST_NUMBER):
        raise Problem(404, "Not there", f"{what} is {text[:20]!r}; allowed: a whole number from 1.")
    return int(text)


def choice_of(text: str | None, usual: E, what: str) -> E:
    """One of a few words. Raises Problem."""
    try:
        return usual if text is None else type(usual)(text)
    except ValueError:
        allowed = ", ".join(type(usual))
        raise Problem(400, f"No such {what}", f"{what} is {str(text)[:40]!r}; allowed: {allowed}.") from None


async def version_at(catalog: Catalog, layer: str, number: str) -> Version:
    """A version by its place in a path. Raises Problem."""
    return await asked(catalog.versions.get, layer, number_of(number, "the version"))


async def drawn_at(catalog: Catalog, layer: str, number: str) -> Version:
    """The same, one that has shapes, with errors or without. Raises Problem."""
    found = await version_at(catalog, layer, number)
    if found.geometry is None:
        raise _not_so(found, "it is not checked yet" if found.counts is None else "it has errors, see its report")
    return found


async def settled_at(catalog: Catalog, layer: str, number: str) -> Version:
    """The same, one that never changes any more. Raises Problem."""
    found = await drawn_at(catalog, layer, number)
    if found.hash is None:
        raise _not_so(found, "it has errors, see its report")
    return found


def _not_so(found: Version, why: str) -> Problem:
    named = f"Version {found.number} of layer {found.layer!r}"
    return Problem(409, "Not as it is", f"{named} has no regions that could be in force: {why}.")
