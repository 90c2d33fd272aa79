"""Pages of lists: how many on one, and where the next begins.

Invariant: a cursor is opaque to who gets it, and one that was not given here is refused.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from ingest.gateway.problem import Problem

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


def name_of(text: str) -> str:
    """A cursor that is a name. Raises Problem."""
    try:
        (name,) = msgspec.json.decode(_unpacked(text), type=tuple[str])
        return str(name)
    except (msgspec.MsgspecError, ValueError):
        raise _refused(text) from None


def cell_of(text: str) -> tuple[int, int, str]:
    """A cursor that is a cell and a name in it. Raises Problem."""
    try:
        return msgspec.json.decode(_unpacked(text), type=tuple[int, int, str])
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
