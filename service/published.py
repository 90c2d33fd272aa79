"""The versions that a catalog has ever published, for who replays what came of them.

Beside `replay`. Invariant: no layer is in force at the beginning; the input puts each there.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from boundaries.loading import Loader
from catalog import Catalog
from geofence.library import Library, UnknownVersion
from service.catalogs import answering, opened
from service.replay import Begin
from service.source import Unusable


def begin_published(catalog_url: str, shelf: str) -> Begin:
    """Nothing in force, and all that was ever sent at hand. Raises Unusable."""
    with answering(), opened(catalog_url) as catalog:
        return Begin((), asyncio.run(_library(catalog, Path(shelf))))


async def _library(catalog: Catalog, shelf: Path) -> Library:
    library, loader = Library(), Loader(catalog, shelf)
    try:
        for key in sorted(catalog.publications.sent_hashes()):
            library.put(await loader.load(key))
    except UnknownVersion as error:
        raise Unusable(str(error)) from None
    return library
