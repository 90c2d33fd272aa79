"""`/v1/layers/{layer}/versions`: versions made, looked at, checked again, deleted.

Between the catalog and whoever has the scopes. Invariant: who deletes a version has seen it as it is.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from boundaries.api.asked_for import number_of, version_at
from boundaries.api.etag import etag_of, must_have_seen
from boundaries.api.forms_in import NewVersion, Recheck
from boundaries.api.forms_out import VersionList, version_state, version_told
from boundaries.api.making import CHECK, Making
from boundaries.api.scopes import READ, WRITE
from catalog.job import Job
from catalog.version import Version
from web.access import allow
from web.asking import answer, asked, decoded
from web.body import read_body
from web.caller import Caller
from web.endpoints import Shared
from web.problem import Problem


def versions_router(shared: Shared, making: Making) -> APIRouter:
    """The endpoints."""
    router, catalog = APIRouter(prefix="/v1/layers/{layer}/versions"), shared.catalog
    read, write = Depends(allow(shared.access, READ)), Depends(allow(shared.access, WRITE))

    @router.post("")
    async def create(layer: str, request: Request, caller: Caller = write) -> Response:
        its = shared.act(caller)
        if "file" in request.query_params:
            return _begun(*await making.from_file(layer, request, **its))
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            detail = "Say the file's name in the query (?file=regions.geojson), or send an object with `from` as JSON."
            raise Problem(400, "Which file?", detail)
        new = decoded(await read_body(request, shared.body_limits), NewVersion)
        return _begun(*await making.from_version(layer, new, **its))

    @router.get("")
    async def list_all(layer: str, _: Caller = read) -> Response:
        return answer(VersionList([version_told(one) for one in await asked(catalog.versions.list, layer)]))

    @router.get("/{number}")
    async def get(layer: str, number: str, _: Caller = read) -> Response:
        found = await version_at(catalog, layer, number)
        job = await asked(catalog.jobs.newest, CHECK, layer=found.layer, version=found.number)
        return answer(version_state(found, job), headers={"ETag": etag_of(found.revision)})

    @router.delete("/{number}", status_code=204)
    async def remove(layer: str, number: str, request: Request, caller: Caller = write) -> Response:
        revision = must_have_seen(request)
        which = number_of(number, "the version")
        await asked(catalog.versions.remove, layer, which, revision=revision, **shared.act(caller))
        return Response(status_code=204)

    @router.post("/{number}/check")
    async def check(layer: str, number: str, request: Request, caller: Caller = write) -> Response:
        said = decoded(await read_body(request, shared.body_limits) or b"{}", Recheck)
        found = await version_at(catalog, layer, number)
        return _begun(*await making.again(found, said, **shared.act(caller)))

    return router


def _begun(made: Version, job: Job) -> Response:
    """A version that is being checked: where to hear how far that is."""
    headers = {"Location": f"/v1/jobs/{job.id}", "ETag": etag_of(made.revision)}
    return answer(version_state(made, job), 202, headers)
