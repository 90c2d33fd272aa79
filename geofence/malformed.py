"""Malformed JSON, told so that a person can find the place: what, where, and what to do about it.

Used wherever bytes from outside are decoded: region files, pings, control records, events. Invariant:
whatever the bytes are, decoding them ends in a value or in `Malformed`, never in another error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_AT_BYTE = re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)")
_AT_PATH = re.compile(r"(.*) - at `(?:key in )?\$(.*)`")
_LITERALS = (b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf", b"-inf", b"None", b"True", b"False")


class Malformed(ValueError):
    """Bytes that are not what they should be. Says what, where, what is allowed and what to do."""


def check_utf8(raw: bytes, what: str) -> bytes:
    """The text without a byte order mark. Raises Malformed where the bytes are not UTF-8."""
    text = raw.removeprefix(_BOM)
    if text.startswith(_UTF_16):
        raise Malformed(f"{what} is UTF-16; allowed: UTF-8. Save it as UTF-8.")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            at = place_of(text, error.start)
            raise Malformed(f"{what} is not UTF-8: byte 0x{text[error.start]:02x} at {at}. Save it as UTF-8.") from None
    return text


def decode(decoder: Callable[[bytes | msgspec.Raw], T], piece: bytes | msgspec.Raw, what: str, allowed: str = "") -> T:
    """What the decoder makes of the bytes. Raises Malformed, which names `allowed` where it is JSON, but not that."""
    try:
        return decoder(piece)
    except RecursionError:
        raise Malformed(f"{what} is nested too deeply to be read. Flatten it.") from None
    except UnicodeDecodeError:
        raise Malformed(f"{what} is not UTF-8. Save it as UTF-8.") from None
    except msgspec.MsgspecError as error:
        raise Malformed(_explain(str(error), bytes(piece), what, allowed)) from None


def place_of(text: bytes, position: int) -> str:
    """A byte position as an editor shows it."""
    line, line_start = text.count(b"\n", 0, position) + 1, text.rfind(b"\n", 0, position)
    return f"line {line}, column {position - line_start}"


def shown(value: object) -> str:
    """A value as messages show it: never longer than a line, never with raw control characters."""
    text = repr(value) if not isinstance(value, str) or len(value) <= 200 else repr(value[:200])
    return text if len(text) <= 80 else text[:77] + "..."


def _explain(message: str, text: bytes, what: str, allowed: str) -> str:
    if found := _AT_BYTE.match(message):
        position = int(found[2])
        return f"{what} is not JSON: {found[1]} at {place_of(text, position)}. {_remedy(text, position)}"
    if message == "Input data was truncated":
        return (
            f"{what} is not JSON: it ends too early, or a quote, bracket or \\u escape is not complete. Send all of it."
        )
    found = _AT_PATH.match(message)
    told = f"{found[1]} at {found[2].lstrip('.')}" if found else message
    return f"{what} can't be read: {told.replace('`', '')}" + (f"; allowed: {allowed}" if allowed else "")


def _remedy(text: bytes, position: int) -> str:
    near = text[max(0, position - 1) : position + 9]
    for literal in _LITERALS:
        if near.startswith(literal) or near[1:].startswith(literal):
            return f"JSON has no {literal.decode()}; leave the member out, or write null."
    if text[position : position + 1] == b"'":
        return 'JSON quotes with " only.'
    return "Check it with a JSON tool such as `python -m json.tool`."
