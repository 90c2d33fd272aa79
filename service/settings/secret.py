"""Secrets: read from files, and never shown.

Under `environment` and whatever prints settings. Invariant: what this gives to be shown has no password in it.
"""

from __future__ import annotations

import re
from pathlib import Path

from service.source import Unusable

HIDDEN = "***"
_IN_ADDRESS = re.compile(r"(\w:(?://)?[^/@:\s]*):\S*@")  # a scheme, a user, and what is hidden
_QUERY = re.compile(r"(?i)([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&\s]*")


def read_secret(path: object, label: str) -> str:
    """The first line of a file. Raises Unusable with the setting that names it."""
    if not isinstance(path, str) or not path:
        raise Unusable(f"{label} is {path!r}; allowed: the path of a file whose first line is the secret")
    if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for, and gives its secret only once
        raise Unusable(f"{label} is {path!r}, which is no file but a folder, a pipe or a device; name a file")
    try:
        with Path(path).open(encoding="utf-8") as file:
            found = file.readline(16_384).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Unusable(f"{label} is {path!r}; it can't be read: {why}. Name a file whose first line is it") from None
    if not found:
        raise Unusable(f"{label} is {path!r}; its first line is empty. Write the secret there")
    return found


def without_password(text: str) -> str:
    """A URL, or a sentence with one in it, whose passwords can't be read."""
    masked = _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    return _QUERY.sub(rf"\1{HIDDEN}", masked)
