"""The boundary admins' endpoints put together.

The top of this package: what an application takes beside its own endpoints.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from boundaries.api.documents import DESCRIBED
from boundaries.api.jobs import jobs_router
from boundaries.api.layers import layers_router
from boundaries.api.making import Making
from boundaries.api.pictures import pictures_router
from boundaries.api.ports import Ports
from boundaries.api.publications import publications_router
from boundaries.api.settings import BoundarySettings
from boundaries.api.uploads import Uploads
from boundaries.api.versions import versions_router
from web.endpoints import Further, Shared


def boundary_endpoints(ports: Ports, settings: BoundarySettings, *, folder: Path) -> Further:
    """All of them. `folder`: for files as they come in; it is empty and nobody else's."""

    def router(shared: Shared) -> APIRouter:
        making = Making(shared.catalog, Uploads(folder, shared.catalog, settings), ports.workshop)
        made = APIRouter()
        for one in (
            layers_router(shared),
            versions_router(shared, making),
            pictures_router(shared, ports),
            jobs_router(shared, ports),
            publications_router(shared, ports, settings),
        ):
            made.include_router(one)
        return made

    return Further(DESCRIBED, router)
