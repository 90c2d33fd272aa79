"""A content that the catalog keeps, as a file here; a catalog that hangs is left within seconds.

For whatever hands blobs to another process. Invariant: no more than a piece of it is in memory.
"""

from __future__ import annotations

from pathlib import Path

from catalog import Catalog
from web.calling import called


async def fetch(catalog: Catalog, blob: str, place: Path) -> str:
    """Write a blob to a file; its path. Raises Missing, and CatalogError where the catalog does not answer."""
    pieces = await called(catalog.blobs.open, blob)
    with place.open("wb") as file:
        while piece := await called(lambda: next(pieces, b"")):
            file.write(piece)
    return str(place)
