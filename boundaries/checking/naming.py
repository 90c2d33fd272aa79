"""Ids, names and the letters in them.

The first of the checks: a draft gets its id here. Invariant: no two drafts have the same id afterwards; of those that
ask for one, the first in the file has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from boundaries.checking.draft import Draft
from geofence.geojson import NAME_BYTES
from geofence.region import ID_BYTES

_CONTROLS = re.compile("[\x80-\x9f\ufffd]")
_LOST = re.compile(r"[^\W\d_]\?[^\W\d_]")  # a letter that became a question mark
_DOS = re.compile("[├┬╬╠╩][\u2500-\u25a0\u00a0-\u00ff]")


def check_names(drafts: Sequence[Draft]) -> None:
    """Give every draft its id, and find what is wrong with ids and names."""
    seen: dict[str, Draft] = {}
    for draft in drafts:
        _check_id(draft, seen)
        _check_name(draft)


def looks_garbled(text: str) -> bool:
    """Whether the text looks as if it was read in the wrong encoding."""
    if text.isascii():
        return bool(_LOST.search(text))
    return bool(_CONTROLS.search(text) or _LOST.search(text) or _DOS.search(text)) or _is_utf8_read_as_latin(text)


def _check_id(draft: Draft, seen: dict[str, Draft]) -> None:
    given = draft.feature.id
    if given is None or not given.strip():
        draft.note(
            "id_missing",
            f"Feature {draft.feature.row} has no id."
            if given is None
            else f"The id of feature {draft.feature.row} is {given!r}, which is blank.",
        )
    elif (size := len(given.encode("utf-8", "surrogatepass"))) > ID_BYTES:
        draft.note(
            "id_unusable",
            f"The id of feature {draft.feature.row}, {given[:40]!r} ..., has {size} bytes; allowed: up to {ID_BYTES}.",
            bytes=size,
        )
    elif not given.isprintable():
        draft.note("id_unusable", f"The id of feature {draft.feature.row} is {given!r}; allowed: printable characters.")
    elif given in seen:
        first = seen[given].feature.row
        draft.note("id_repeated", f"Features {first} and {draft.feature.row} both have the id {given!r}.")
    else:
        draft.id = given
        seen[given] = draft


def _check_name(draft: Draft) -> None:
    name, given = draft.feature.name, draft.feature.id or ""
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > NAME_BYTES:
        draft.note(
            "name_too_long",
            f"The name of {draft.label}, {name[:40]!r} ..., has {size} bytes; allowed: up to {NAME_BYTES}.",
            bytes=size,
        )
    for title, text in (("id", given), ("name", name)):
        if looks_garbled(text):
            draft.note("text_garbled", f"The {title} of {draft.label} is {text[:80]!r}.")
            return


def _is_utf8_read_as_latin(text: str) -> bool:
    raw = bytearray()
    for letter in text:
        try:
            raw += letter.encode("cp1252")
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:
                return False
            raw.append(ord(letter))
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
