"""Atlases by the hashes of their versions: from the shelf, else made from what the catalog has.

For workers and dry runs. Nothing here holds up an event loop: atlases are compiled in a process of their own and read
in a thread. Invariant: what is loaded is the version that was asked for; a version on the shelf needs no catalog.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import msgspec
from shapely.errors import ShapelyError

from boundaries.fetching import fetch
from boundaries.manifest import read_manifest
from boundaries.shelf import Shelf
from catalog import Catalog, Missing
from geofence.atlas import Atlas
from geofence.library import UnknownVersion
from web.calling import called

_log = logging.getLogger("geofence.boundaries")
_BROKEN = (ValueError, LookupError, EOFError, FileNotFoundError, ShapelyError)
_TAIL = 2_000  # of what a compiler that failed has said


class Loader:
    """Loads atlases."""

    def __init__(self, catalog: Catalog, shelf: Path) -> None:
        self._catalog, self.folder = catalog, shelf
        self.shelf = Shelf(shelf)

    async def load(self, key: str) -> Atlas:
        """The atlas of a version. Raises UnknownVersion if there is none or it can't be made, and CatalogError."""
        try:
            return await self._read(key) or await self._made(key)
        except OSError as error:
            raise UnknownVersion(f"version {key[:12]} can't be had in {self.folder}: {error}") from None

    async def _read(self, key: str) -> Atlas | None:
        """The atlas, if it is on the shelf; what is broken there is removed."""
        try:
            return await asyncio.to_thread(self.shelf.atlas, key)
        except _BROKEN as error:
            _log.warning("version %s is made anew, what was kept is broken: %s", key[:12], error,
                         extra={"action": "shelf_broken"})  # fmt: skip
            await asyncio.to_thread(self.shelf.drop, key)
            return None

    async def _made(self, key: str) -> Atlas:
        """The atlas, made and put on the shelf."""
        try:
            manifest = msgspec.json.encode(await called(self._catalog.versions.manifest, key))
            with tempfile.TemporaryDirectory(prefix="geofence-") as folder:
                place = Path(folder)
                await fetch(self._catalog, read_manifest(manifest).geometry, place / "regions.fgb")
                await self.compile(manifest, place / "regions.fgb")
        except (Missing, ValueError) as error:
            raise UnknownVersion(f"version {key[:12]}: {error}") from None
        atlas = await self._read(key)
        if atlas is None:
            raise UnknownVersion(f"version {key[:12]} was compiled as another one; its manifest is not its own")
        return atlas

    async def compile(self, manifest: bytes, regions: Path) -> None:
        """Have a version on the shelf, from its manifest and its blob. Raises UnknownVersion if that can't be done."""
        beside = regions.with_suffix(".manifest")
        beside.write_bytes(manifest)
        files = (beside, regions, self.folder)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "boundaries.compiling"),
            *map(str, files),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            lines = said[-_TAIL:].decode(errors="replace").strip().splitlines()
            raise UnknownVersion(f"it can't be compiled: {lines[-1] if lines else child.returncode}")
