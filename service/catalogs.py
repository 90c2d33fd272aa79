"""The catalog on the command line: who acts, what its errors say, and keys as people read them."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict

from catalog import Catalog, CatalogError, open_catalog
from catalog.keys import Key
from geofence.instant import text_of
from service.source import Unusable


@contextmanager
def answering() -> Iterator[None]:
    """The catalog's errors end a command with one clear line."""
    try:
        yield
    except CatalogError as error:
        raise Unusable(str(error)) from None


def opened(url: str) -> AbstractContextManager[Catalog]:
    """The catalog."""
    return open_catalog(url)


def who() -> str:
    """Who acts, for the audit."""
    try:
        return f"command line, {getpass.getuser()}"
    except (KeyError, OSError):
        return "command line"


def now_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


def key_lines(keys: Iterable[Key], *, as_json: bool) -> Iterator[str]:
    """Keys, one a line."""
    now = now_ms()
    for key in keys:
        if as_json:
            yield json.dumps({**asdict(key), "scopes": sorted(key.scopes)})
            continue
        state = key.refused(now) or ("valid" if key.expires_ms is None else f"until {text_of(key.expires_ms)}")
        bound = f"  device {key.device}" if key.device else ""
        yield f"{key.id}  {key.name}  {' '.join(sorted(key.scopes))}{bound}  {state}"
