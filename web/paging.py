"""Pages of lists: how many on one, and where the next begins.

Invariant: a cursor is opaque to who gets it, and one that was not given here is refused.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from web.problem import Problem

T = TypeVar("T")

MOST, USUAL = 1000, 100


def limit_of(text: str | None) -> int:
    """How many a page holds. Raises Problem."""
    if text is None:
        return USUAL
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 6 and 1 <= int(text) <= MOST):
        raise Problem(400, "No such limit", f"limit is {text[:20]!r}; allowed: 1 to {MOST}.")
    return int(text)


def cursor_of(*parts: str | int) -> str:
    """Where the next page begins, as text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def parts_of(text: str, kind: type[T]) -> T:
    """What a cursor was made of. Raises Problem."""
    try:
        return msgspec.json.decode(_unpacked(text), type=kind)
    except (msgspec.MsgspecError, ValueError):
        raise _refused(text) from None


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refused(text: str) -> Problem:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return Problem(400, "No such page", f"after is {shown!r}; allowed: the `next` of the page before. Leave it out.")
