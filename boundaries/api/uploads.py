"""Region files as they come in: to disk, a few at a time, then into the catalog.

Before `versions`. Invariants: nothing of a file that did not come whole is left; at most `uploads` of them are on disk.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request

from boundaries.api.settings import BoundarySettings
from catalog import Catalog
from catalog.version import Upload
from web.asking import asked_at_length
from web.problem import Problem, come_again
from web.upload import body_to_file


class Uploads:
    """Takes files."""

    def __init__(self, folder: Path, catalog: Catalog, settings: BoundarySettings) -> None:
        """`folder` is empty and nobody else's."""
        self._folder, self._catalog, self._settings = folder, catalog, settings
        self._under_way = 0

    async def take(self, request: Request, name: str, now_ms: int) -> Upload:
        """The body of a request, in the catalog. Raises Problem."""
        async with self._slot() as path:
            try:
                most, within_s = self._settings.upload_bytes, self._settings.upload_s
                taken = await body_to_file(request, path, most_bytes=most, within_s=within_s)
            except OSError as error:
                detail = f"The file could not be written here: {error.strerror}. Try again later."
                raise Problem(503, "Not now", detail, headers={"Retry-After": "60"}) from error
            if not taken.size:
                raise Problem(400, "No file", "The body is empty. Send a region file as the body.")
            blob = await asked_at_length(self._catalog.blobs.put, path, now_ms=now_ms)
            return Upload(name, taken.size, blob)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Path]:
        """A place for one file, which is gone afterwards."""
        if self._under_way >= self._settings.uploads:
            raise come_again("Too many region files are being received here. Send it again.", after_s=5)
        self._under_way += 1
        path = self._folder / secrets.token_hex(16)
        try:
            yield path
        finally:
            self._under_way -= 1
            path.unlink(missing_ok=True)
