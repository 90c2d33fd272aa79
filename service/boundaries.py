"""The boundary admins' endpoints for a gateway: put together with what draws, compares and does the jobs.

Invariant: files from strangers and what is made of them lie in a folder that goes when the gateway ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from boundaries.api.ports import Workshop
from boundaries.api.router import boundary_endpoints
from boundaries.api.settings import BoundarySettings
from boundaries.showing.pictures import Pictures
from boundaries.showing.ports import ports_of
from catalog import Catalog
from web.endpoints import Further


class Elsewhere:
    """Jobs are done by another process, which looks for them itself."""

    def wake(self) -> None:
        """Nobody is here."""


@contextmanager
def boundary_admin(catalog: Catalog, settings: BoundarySettings, workshop: Workshop | None = None) -> Iterator[Further]:
    """The endpoints, while they may be served."""
    with TemporaryDirectory(prefix="geofence-boundaries-") as name:
        incoming, drawn = Path(name) / "incoming", Path(name) / "drawn"
        incoming.mkdir()
        drawn.mkdir()
        pictures = Pictures(catalog, drawn)
        try:
            yield boundary_endpoints(ports_of(pictures, workshop or Elsewhere()), settings, folder=incoming)
        finally:
            pictures.close()
