"""The bytes of a text file become text: UTF-8 unless it says or shows otherwise.

Invariant: which encoding was used is always told; a guess is a finding.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from boundaries.checking.finding import Finding
from boundaries.errors import Unreadable
from geofence.malformed import place_of

_UTF_16 = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BARE_UTF_16 = ((b"{\x00", "utf-16-le"), (b"<\x00", "utf-16-le"), (b"\x00{", "utf-16-be"), (b"\x00<", "utf-16-be"))
_BOM = b"\xef\xbb\xbf"
WESTERN = "Windows-1252"  # what a file without a word on it is in, if it is not UTF-8


@dataclass(frozen=True, slots=True)
class Utf8:
    """Text as UTF-8 bytes, whatever it was."""

    text: bytes
    encoding: str
    findings: tuple[Finding, ...] = ()


def known(encoding: str) -> str:
    """The encoding's usual name. Raises Unreadable where there is none of this name."""
    try:
        name = codecs.lookup(encoding).name
        b"".decode(name)
    except (LookupError, ValueError):
        raise Unreadable(
            f"There is no encoding {encoding[:60]!r}; allowed: such as UTF-8, ISO-8859-1, Windows-1252, CP437. "
            "Say another one."
        ) from None
    return {"utf-8": "UTF-8", "cp1252": WESTERN, "iso8859-1": "ISO-8859-1"}.get(name, name.upper())


def to_utf8(raw: bytes, encoding: str | None) -> Utf8:
    """The text of a file. Raises Unreadable where it can't be in the encoding that was said."""
    if encoding is not None:
        return _as_said(raw, known(encoding))
    for mark, name in _UTF_16:
        if raw.startswith(mark):
            return _as_said(raw[2:], name)
    for begin, name in _BARE_UTF_16:
        if raw.startswith(begin):
            return _as_said(raw, name)
    raw = raw.removeprefix(_BOM)
    if raw.isascii():
        return Utf8(raw, "UTF-8")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return _guessed(raw, error)
    return Utf8(raw, "UTF-8")


def _as_said(raw: bytes, encoding: str) -> Utf8:
    try:
        text = raw.decode(encoding)
        return Utf8(text.encode().removeprefix(_BOM), encoding.upper().removesuffix("-LE").removesuffix("-BE"))
    except (UnicodeError, ValueError):
        raise Unreadable(f"The file can't be {encoding}. Say another encoding, or save it as UTF-8.") from None


def _guessed(raw: bytes, error: UnicodeDecodeError) -> Utf8:
    finding = Finding(
        code="text_garbled",
        what=f"The file is not UTF-8: byte 0x{raw[error.start]:02x} at {place_of(raw, error.start)}; "
        f"it was read as {WESTERN}.",
    )
    return Utf8(raw.decode("cp1252", "replace").encode(), f"{WESTERN} (guessed)", (finding,))
