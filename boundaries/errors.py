"""What can go wrong with a region file as a whole; what is wrong inside one is a finding in its report.

Invariant: a message says what, which value, what is allowed and what to do.
"""

from __future__ import annotations


class BoundaryError(Exception):
    """The family."""


class Unreadable(BoundaryError):
    """The file can't be read at all: unknown, broken, unsafe or too large."""


class Undecided(BoundaryError):
    """The file can be read in more than one way: the message asks which, `choices` are the answers to choose from."""

    def __init__(self, message: str, option: str, choices: tuple[str, ...]) -> None:
        super().__init__(message)
        self.option, self.choices = option, choices  # `option`: what to say it with, such as "inner"


class Stopped(BoundaryError):
    """The work took too long or too much memory, or was cancelled: nothing of it is left."""
