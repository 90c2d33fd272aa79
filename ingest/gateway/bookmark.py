"""Where a reader of events stands: the next offset in every partition, as a short opaque text.

What `Last-Event-ID`, `after` and `next` carry. Invariants: what was written is read back; a text that is none, or of a
log with other partitions, is refused, never guessed at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from web.problem import Problem

_VERSION = 1
_MOST_BITS = 63
Marks = tuple[int, ...]


def bookmark_of(marks: Sequence[int]) -> str:
    """The text: a number of its form, then each offset in groups of seven bits, in base64url."""
    packed = bytearray([_VERSION])
    for mark in marks:
        while mark > 0x7F:
            packed.append(mark & 0x7F | 0x80)
            mark >>= 7
        packed.append(mark)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def marks_of(text: str, partitions: int, *, name: str) -> Marks:
    """The offsets. Raises Problem, which names where the text came from."""
    packed = _packed(text)
    if not packed or packed[0] != _VERSION:
        raise _refused(text, name)
    marks, value, bits = [], 0, 0
    for byte in packed[1:]:
        value |= (byte & 0x7F) << bits
        bits += 7
        if byte < 0x80:
            marks.append(value)
            value, bits = 0, 0
        elif bits >= _MOST_BITS:
            raise _refused(text, name)
    if bits or len(marks) != partitions or any(mark >= 1 << _MOST_BITS for mark in marks):
        raise _refused(text, name)
    return tuple(marks)


def _packed(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refused(text: str, name: str) -> Problem:
    shown = text if len(text) <= 60 else text[:57] + "..."
    allowed = "allowed: an id or a `next` as this endpoint gave it, for as long as the topics are the same"
    return Problem(400, "No such position", f"{name} is {shown!r}; {allowed}. Leave it out, or say from=beginning.")
