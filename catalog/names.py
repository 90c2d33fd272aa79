"""Which names may stand in the catalog: those that pings can have, so that a key never waits for what can't come."""

from __future__ import annotations

import unicodedata

from catalog.errors import Refused

MOST_BYTES = 256


def storable(text: str) -> str:
    """A text that any database takes: without NUL and halves of letters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def check_name(what: str, name: str) -> None:
    """Refuse a name that no ping can have. Raises Refused."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 0 < size <= MOST_BYTES:
        raise Refused(f"the {what}'s name has {size} bytes; allowed: 1 to {MOST_BYTES}")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise Refused(f"the {what}'s name is {name[:40]!r}; allowed: text without control characters")
