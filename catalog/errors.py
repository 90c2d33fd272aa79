"""What can go wrong with the catalog; the type says what to do."""

from __future__ import annotations


class CatalogError(Exception):
    """The family."""


class Unreachable(CatalogError):
    """The database does not answer, or is busy: wait, then try again."""


class Outdated(CatalogError):
    """The schema is not the one that this program knows: upgrade the catalog, or the program."""


class Missing(CatalogError):
    """There is no such thing."""


class Refused(CatalogError):
    """What was asked for can't be: the message says which value, and what is allowed."""


class Conflict(CatalogError):
    """It is not in a state in which this can be done: the message says which, and what to do."""


class Changed(Conflict):
    """Somebody has changed it since the caller looked at it: look again, then decide."""
