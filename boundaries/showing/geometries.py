"""The geometries of versions as files, fetched from the catalog once and kept for a while.

Between the catalog and the processes that draw. Invariants: a file under its name is whole, as the name is the hash of
what is in it; those asked for last stay, up to so many bytes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from pathlib import Path
from weakref import WeakValueDictionary

from catalog import Catalog
from web.asking import asked_at_length

_MOST_BYTES = 2_000_000_000


class Geometries:
    """Files in a folder that is nobody else's."""

    def __init__(self, catalog: Catalog, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._catalog, self._folder, self._most = catalog, folder, most_bytes
        self._sizes = OrderedDict[str, int]()
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def at(self, its_hash: str) -> Path:
        """Where a geometry is. Raises Problem."""
        path = self._folder / f"{its_hash}.fgb"
        async with self._fetching.setdefault(its_hash, asyncio.Lock()):
            if its_hash not in self._sizes:
                self._sizes[its_hash] = await asked_at_length(_fetch, self._catalog, its_hash, path)
            self._sizes.move_to_end(its_hash)
        self._make_room(its_hash)
        return path

    def _make_room(self, but: str) -> None:
        while sum(self._sizes.values()) > self._most and next(iter(self._sizes)) != but:
            oldest, _ = self._sizes.popitem(last=False)
            (self._folder / f"{oldest}.fgb").unlink(missing_ok=True)


def _fetch(catalog: Catalog, its_hash: str, path: Path) -> int:
    """Write a content of the catalog; its size."""
    part = path.with_name(f"{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            size = sum(file.write(piece) for piece in catalog.blobs.open(its_hash))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size
