"""The pictures that the admins' endpoints ask for, made by processes of their own.

Behind `boundaries.api.ports`. Invariant: the process that serves holds no shapes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from boundaries.api.ports import Form
from boundaries.showing.geometries import Geometries
from boundaries.showing.studio import Studio
from boundaries.showing.subject import Subject
from catalog import Catalog
from catalog.version import Version
from web.asking import asked, asked_at_length

_PIECE = 1 << 18
_DRAWING = "boundaries.showing.drawing"  # which nobody imports who serves: it brings GDAL along


class Pictures:
    """Reports, regions and tiles of versions, and what is different between two."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        """`folder` is empty and nobody else's."""
        self._catalog, self._folder = catalog, folder
        self._geometries = Geometries(catalog, folder)
        self._pages, self._tiles = Studio(), Studio()  # a tile never waits for a page

    def close(self) -> None:
        """End the processes."""
        self._pages.close()
        self._tiles.close()

    async def report(self, version: Version, form: Form) -> bytes:
        """What was found in its file; where that has no regions, drawn on those of the version that it follows."""
        raw = await asked_at_length(_whole, self._catalog, version.report or "")
        around = await self._around(version) if form is Form.HTML else None
        return bytes(await self._pages.draw(f"{_DRAWING}.told_report", raw, around, form))

    async def difference(self, old: Version, new: Version, form: Form) -> bytes:
        """What is different in the new one."""
        both = (await self._subject(old), await self._subject(new))
        return bytes(await self._pages.draw(f"{_DRAWING}.told_difference", *both, form))

    async def geojson(self, version: Version) -> AsyncIterator[bytes]:
        """Its regions, in pieces."""
        path = self._folder / f"{secrets.token_hex(16)}.geojson"
        try:
            await self._pages.draw(f"{_DRAWING}.write_geojson", await self._subject(version), path)
            with path.open("rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    yield piece
        finally:
            path.unlink(missing_ok=True)

    async def tile(self, version: Version, z: int, x: int, y: int) -> bytes | None:
        """One tile."""
        path = await self._geometries.at(version.geometry or "")
        found: bytes | None = await self._tiles.draw(f"{_DRAWING}.draw_tile", path, z, x, y)
        return found

    async def _around(self, version: Version) -> Path | None:
        """Where the regions are that its findings can be drawn on."""
        found = [version] if version.geometry else await asked(self._catalog.versions.list, version.layer)
        drawn = next((one for one in found if one.number in (version.number, version.base) and one.geometry), None)
        return None if drawn is None or drawn.geometry is None else await self._geometries.at(drawn.geometry)

    async def _subject(self, version: Version) -> Subject:
        layer = await asked(self._catalog.layers.get, version.layer)
        path, its = await self._geometries.at(version.geometry or ""), version.settings
        return Subject(version.layer, layer.kind, path, dict(its.rule), its.dwell_s, its.nearest_within_m)


def _whole(catalog: Catalog, its_hash: str) -> bytes:
    return b"".join(catalog.blobs.open(its_hash))
