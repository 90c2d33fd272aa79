"""The town's catalog: every version checked, its atlas on the shelf, so that whoever starts only has to map it.

Made once, before anybody works; the catalog lies in the run's folder, not on the disk that is filled. Invariant: what
stands in it is what administrators would have uploaded: the catalog's own codes, manifests and blobs.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from boundaries.blob import write_regions
from boundaries.loading import Loader
from boundaries.manifest import manifest_of
from boundaries.shelf import Shelf
from catalog import Catalog, open_catalog, upgrade
from catalog.version import Counts, Outcome, Settings, Upload
from geofence.region import Version
from ingest.following import CatalogFences
from ingest.worker import wall_ms
from service.published import begin_published
from service.replay import Begin
from tests.torture.town import SETTINGS, VERSIONS, version_of

BY = "torture"


@dataclass(frozen=True, slots=True)
class Archive:
    """Where it is."""

    folder: Path

    @property
    def database(self) -> Path:
        """The catalog's file."""
        return self.folder / "catalog.db"

    @property
    def url(self) -> str:
        """The catalog."""
        return f"sqlite:{self.database}"

    @property
    def shelf(self) -> Path:
        """The compiled atlases."""
        return self.folder / "atlases"

    @property
    def words(self) -> list[str]:
        """What the processes have to know of it."""
        return ["--catalog", self.url, "--shelf", str(self.shelf)]

    def fences(self, catalog: Catalog) -> CatalogFences:
        """Fences as a worker has them, for who looks at what workers have kept."""
        return CatalogFences(Loader(catalog, self.shelf).load, SETTINGS)

    async def begin(self) -> Begin:
        """What a replay begins with: no layer, and all that was ever sent at hand."""
        return await asyncio.to_thread(begin_published, self.url, str(self.shelf))


def found(folder: Path) -> Archive:
    """Make the catalog and the shelf."""
    archive = Archive(folder)
    upgrade(archive.url)
    with open_catalog(archive.url) as catalog:
        for layer, drafts in VERSIONS.items():
            its = {"by": BY, "now_ms": wall_ms()}
            kind = next(iter(drafts)).kind
            catalog.layers.create(layer, kind=str(kind), tolerance_m=1.0, accuracy_m=20.0, **its)
            codes = catalog.codes.give(layer, [key for draft in drafts for key in draft.shapes])
            for draft in drafts:
                _put(archive, catalog, version_of(layer, draft, codes), Settings(dwell_s=draft.dwell_s))
    return archive


def _put(archive: Archive, catalog: Catalog, version: Version, settings: Settings) -> None:
    """Have a version in the catalog, checked, and on the shelf."""
    its, many = {"by": BY, "now_ms": wall_ms()}, len(version.regions)
    file = archive.folder / "regions.fgb"
    write_regions(version.regions, file)
    blob = catalog.blobs.put(file, now_ms=wall_ms())
    report = catalog.blobs.put([b"{}"], now_ms=wall_ms())
    made = catalog.versions.create(
        version.layer, settings=settings, upload=Upload("town.fgb", file.stat().st_size, blob), options={}, **its
    )  # fmt: skip
    manifest = manifest_of(version, blob)
    outcome = Outcome(
        counts=Counts(many, 0, 0, 0), report=report, geometry=blob, manifest=json.loads(manifest), hash=version.hash
    )
    catalog.versions.check(version.layer, made.number, outcome, **its)
    Shelf(archive.shelf).put(version, manifest)
