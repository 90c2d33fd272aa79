"""What a version looks like: its report, its regions, its vector tiles, what is different from another one.

Between the parts that draw and tell, behind `ports`, and whoever may read. Invariants: a page made of a stranger's file
can run no script and load nothing; what never changes may be kept by who has it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from boundaries.api.asked_for import choice_of, drawn_at, settled_at, version_at
from boundaries.api.etag import unchanged
from boundaries.api.ports import Form, Ports
from boundaries.api.scopes import READ
from boundaries.errors import BoundaryError, Stopped
from catalog import Catalog
from catalog.version import Version
from web.access import allow
from web.asking import asked, asked_at_length, catalog_problems
from web.caller import Caller
from web.endpoints import Shared
from web.problem import Problem

GEOJSON, TILE = "application/geo+json", "application/vnd.mapbox-vector-tile"
MEDIA = {
    Form.JSON: "application/json",
    Form.TEXT: "text/plain; charset=utf-8",
    Form.GEOJSON: GEOJSON,
    Form.HTML: "text/html; charset=utf-8",
}
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_KEEP = "private, max-age=86400, immutable"
_DEEPEST = 24  # zoom


def pictures_router(shared: Shared, ports: Ports) -> APIRouter:
    """The endpoints."""
    router, catalog = APIRouter(prefix="/v1/layers/{layer}/versions/{number}"), shared.catalog
    read = Depends(allow(shared.access, READ))

    @router.get("/report")
    async def report(layer: str, number: str, request: Request, _: Caller = read) -> Response:
        form = choice_of(request.query_params.get("format"), Form.JSON, "format")
        found = await version_at(catalog, layer, number)
        if found.report is None:
            detail = f"Version {found.number} of layer {layer!r} is not checked yet. See its job for how far that is."
            raise Problem(404, "Not there", detail)
        if form is Form.JSON:
            return await _blob(catalog, found.report, MEDIA[form], _SAFE)
        with drawing():
            told = await ports.reports.told(found, form)
        return Response(told, headers=_SAFE, media_type=MEDIA[form])

    @router.get("/regions")
    async def regions(layer: str, number: str, request: Request, _: Caller = read) -> Response:
        found = await drawn_at(catalog, layer, number)
        if (same := _same(request, found)) is not None:
            return same
        with drawing():
            pieces = aiter(ports.shapes.geojson(found))
            first = await anext(pieces, b"")
        return StreamingResponse(_behind(first, pieces), headers=_kept(found), media_type=GEOJSON)

    @router.get("/diff")
    async def diff(layer: str, number: str, request: Request, _: Caller = read) -> Response:
        form = choice_of(request.query_params.get("format"), Form.JSON, "format")
        old = await settled_at(catalog, layer, number)
        to = request.query_params.get("to")
        if to is None:
            detail = "Say which version it is compared with, by ?to=NUMBER: what is told is what is different there."
            raise Problem(400, "Compared with what?", detail)
        new = await settled_at(catalog, layer, to)
        with drawing():
            told = await ports.differences.told(old, new, form)
        return Response(told, headers=_SAFE, media_type=MEDIA[form])

    @router.get("/tiles/{z}/{x}/{y}.mvt")
    async def tile(layer: str, number: str, z: str, x: str, y: str, request: Request, _: Caller = read) -> Response:
        found = await drawn_at(catalog, layer, number)
        if (same := _same(request, found)) is not None:
            return same
        place = _place(z, x, y)
        with drawing():
            drawn = await ports.tiles.tile(found, *place)
        if drawn is None:
            raise Problem(404, "Not there", f"There is no tile {z}/{x}/{y}.")
        return Response(drawn, headers=_kept(found), media_type=TILE)

    return router


@contextmanager
def drawing() -> Iterator[None]:
    """What whoever draws says against it, as answers."""
    try:
        with catalog_problems():
            yield
    except Stopped as error:
        raise Problem(503, "Not now", str(error), headers={"Retry-After": "60"}) from None
    except BoundaryError as error:
        raise Problem(409, "Can't be shown", str(error)) from None


async def _behind(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


def _place(z: str, x: str, y: str) -> tuple[int, int, int]:
    """Zoom, column and row of a tile. Raises Problem."""
    if all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (z, x, y)):
        zoom, column, row = int(z), int(x), int(y)
        if zoom <= _DEEPEST and max(column, row) < 1 << zoom:
            return zoom, column, row
    shown = f"{z[:10]}/{x[:10]}/{y[:10]}"
    detail = f"There is no tile {shown}; allowed: Z from 0 to {_DEEPEST}, X and Y from 0 to less than 2^Z."
    raise Problem(404, "Not there", detail)


def _kept(version: Version) -> dict[str, str]:
    """The headers of what belongs to a version for good; its hash does not name the properties of regions."""
    keep = _KEEP if version.hash else "no-cache"  # one with errors may be checked again
    return {"ETag": f'"{version.hash}.{version.geometry}"', "Cache-Control": keep}


def _same(request: Request, version: Version) -> Response | None:
    """The answer to who has it already."""
    headers = _kept(version)
    return Response(status_code=304, headers=headers) if unchanged(request, headers["ETag"]) else None


async def _blob(catalog: Catalog, its_hash: str, media: str, headers: dict[str, str]) -> Response:
    """A content of the catalog, piece by piece."""
    size, pieces = await asked(catalog.blobs.size, its_hash), await asked(catalog.blobs.open, its_hash)

    async def sent() -> AsyncIterator[bytes]:
        while (piece := await asked_at_length(next, pieces, None)) is not None:
            yield piece

    return StreamingResponse(sent(), headers={**headers, "Content-Length": str(size)}, media_type=media)
