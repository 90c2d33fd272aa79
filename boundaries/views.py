"""What the endpoints show of versions: reports, regions, differences, tiles, dry runs; made from what the catalog has.

The ports of `api`, on real parts. What takes seconds is made in a child process, what takes milliseconds in a thread,
and what was made is kept, within a bound, since a version never changes. Invariant: the event loop never waits.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from boundaries.api.ports import Form, Stakes
from boundaries.blob import read_regions
from boundaries.drawn_apart import TOLD
from boundaries.fetching import fetch
from boundaries.geojson import pieces_of
from boundaries.sandbox import Outcome, run
from boundaries.task import Task
from boundaries.tiles.cache import TileCache
from boundaries.tiles.tiler import NoSuchTile, Tiler
from boundaries.trial.outcome import Trial, without_devices
from catalog import Catalog
from catalog.version import Version
from geofence.region import Region
from web.calling import called

_KEPT_BYTES = 64 << 20
_TILERS = 4


class Files:
    """Blobs and manifests of versions, as files in a folder that is there for a while."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def blob(self, its_hash: str, place: Path) -> str:
        """A blob's content."""
        return await fetch(self._catalog, its_hash, place)

    async def side(self, version: Version, place: Path) -> dict[str, str]:
        """A version's manifest and regions."""
        place.mkdir()
        manifest = await called(self._catalog.versions.manifest, version.hash or "")
        (place / "manifest").write_bytes(msgspec.json.encode(manifest))
        regions = await self.blob(version.geometry or "", place / "regions")
        return {"manifest": str(place / "manifest"), "regions": regions}

    async def regions(self, version: Version) -> list[Region]:
        """A version's regions."""
        with tempfile.TemporaryDirectory(prefix="geofence-") as folder:
            place = Path(folder) / "regions"
            await self.blob(version.geometry or "", place)
            return await asyncio.to_thread(read_regions, place)


class Told:
    """Texts and pages that were made before, by what they were made of."""

    def __init__(self, most_bytes: int = _KEPT_BYTES) -> None:
        self._most, self._size = most_bytes, 0
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._making: dict[tuple[str, ...], asyncio.Task[bytes]] = {}

    async def get(self, key: tuple[str, ...], make: Callable[[], Awaitable[bytes]]) -> bytes:
        """What was made; those who ask for the same one at once wait for one making."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._making:
            self._making[key] = asyncio.ensure_future(self._make(key, make))
        return await asyncio.shield(self._making[key])

    async def _make(self, key: tuple[str, ...], make: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            made = await make()
        finally:
            del self._making[key]
        self._kept[key] = made
        self._size += len(made)
        while self._size > self._most:
            self._size -= len(self._kept.popitem(last=False)[1])
        return made


async def _apart(function: str, arguments: Callable[[Path], Awaitable[dict[str, Any]]]) -> bytes:
    """What a function of `drawn_apart` tells of files that are fetched for it."""
    with tempfile.TemporaryDirectory(prefix="geofence-") as name:
        given = await arguments(Path(name))
        task = Task(function=f"boundaries.drawn_apart.{function}", arguments=given, reads=(Path(name),))
        return await run(task, _read)


def _read(outcome: Outcome) -> bytes:
    return outcome.file(TOLD).read_bytes()


class Reports:
    """Reports in all forms."""

    def __init__(self, files: Files, told: Told) -> None:
        self._files, self._told = files, told

    async def told(self, version: Version, form: Form) -> bytes:
        """One report."""

        async def arguments(place: Path) -> dict[str, Any]:
            report, regions = await self._files.blob(version.report or "", place / "report"), None
            if version.geometry is not None:
                regions = await self._files.blob(version.geometry, place / "regions")
            return {"report": report, "regions": regions, "form": str(form)}

        key = ("report", version.report or "", version.geometry or "", str(form))
        return await self._told.get(key, lambda: _apart("tell_report", arguments))


class Differences:
    """Differences in all forms."""

    def __init__(self, files: Files, told: Told) -> None:
        self._files, self._told = files, told

    async def told(self, old: Version, new: Version, form: Form) -> bytes:
        """What is different in the new one."""

        async def arguments(place: Path) -> dict[str, Any]:
            sides = {name: await self._files.side(one, place / name) for name, one in (("old", old), ("new", new))}
            return {**sides, "layer": new.layer, "form": str(form)}

        key = ("difference", old.hash or "", old.geometry or "", new.hash or "", new.geometry or "", str(form))
        return await self._told.get(key, lambda: _apart("tell_difference", arguments))


class Shapes:
    """Regions as GeoJSON."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def geojson(self, version: Version) -> AsyncIterator[bytes]:
        """All of them, in pieces."""
        pieces = pieces_of(await self._files.regions(version))
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


class Tiles:
    """Vector tiles of the versions that were asked for lately."""

    def __init__(self, files: Files) -> None:
        self._files, self._cache = files, TileCache()
        self._tilers: OrderedDict[str, asyncio.Task[Tiler]] = OrderedDict()

    async def tile(self, version: Version, z: int, x: int, y: int) -> bytes | None:
        """One tile; None: there is no such tile."""
        geometry = version.geometry or ""
        tiler = await self._tiler(geometry, version)

        def draw() -> bytes:
            return self._cache.get((geometry, z, x, y), lambda: tiler.tile(z, x, y))

        try:
            return await asyncio.to_thread(draw)
        except NoSuchTile:
            return None

    async def _tiler(self, geometry: str, version: Version) -> Tiler:
        if geometry not in self._tilers:
            self._tilers[geometry] = asyncio.ensure_future(self._made(version))
            while len(self._tilers) > _TILERS:
                self._tilers.popitem(last=False)
        self._tilers.move_to_end(geometry)
        try:
            return await asyncio.shield(self._tilers[geometry])
        except Exception:
            self._tilers.pop(geometry, None)
            raise

    async def _made(self, version: Version) -> Tiler:
        return await asyncio.to_thread(Tiler, await self._files.regions(version))


class DryRunResults:
    """What the results of dry runs say."""

    def stakes(self, result: Mapping[str, Any]) -> Stakes:
        """How many devices get another region at once."""
        at_once = msgspec.convert(result, Trial).at_once
        return Stakes(0, 0) if at_once is None else Stakes(at_once.affected, at_once.devices)

    def without_devices(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same without anything that names a device."""
        told: dict[str, Any] = msgspec.to_builtins(without_devices(msgspec.convert(result, Trial)))
        return told
