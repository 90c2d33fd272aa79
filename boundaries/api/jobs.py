"""`/v1/jobs`, and the dry runs of versions: long work that is asked for, followed, cancelled.

Between the catalog and whoever has the scopes; what does the work is elsewhere. Invariant: which devices a dry run has
moved is shown to those alone who may read devices.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from boundaries.api.asked_for import settled_at, version_at
from boundaries.api.forms_in import NewDryRun
from boundaries.api.forms_out import DryRunTold, job_told
from boundaries.api.ports import Ports
from boundaries.api.scopes import DEVICES, READ, WRITE
from catalog.job import DONE
from catalog.version import Version
from web.access import allow
from web.asking import answer, asked, decoded
from web.body import read_body
from web.caller import Caller
from web.endpoints import Shared
from web.problem import Problem

DRY_RUN = "dry_run"  # the kind of job


def jobs_router(shared: Shared, ports: Ports) -> APIRouter:
    """The endpoints."""
    router, catalog = APIRouter(), shared.catalog
    read, write = Depends(allow(shared.access, READ)), Depends(allow(shared.access, WRITE))

    @router.get("/v1/jobs/{job}")
    async def get(job: str, _: Caller = read) -> Response:
        return answer(job_told(await asked(catalog.jobs.get, job)))

    @router.delete("/v1/jobs/{job}")
    async def cancel(job: str, caller: Caller = write) -> Response:
        return answer(job_told(await asked(catalog.jobs.cancel, job, **shared.act(caller))))

    @router.post("/v1/layers/{layer}/versions/{number}/dry-run")
    async def begin(layer: str, number: str, request: Request, caller: Caller = write) -> Response:
        new = decoded(await read_body(request, shared.body_limits) or b"{}", NewDryRun)
        found = await settled_at(catalog, layer, number)
        newest = (await asked(catalog.publications.newest_sent)).get(layer)
        asks: dict[str, Any] = {"hours": new.hours, "against": None if newest is None else newest.version}
        its = {**_which(found), "asked": asks, **shared.act(caller)}
        job = await asked(catalog.jobs.create, DRY_RUN, **its)
        ports.workshop.wake()
        return answer(job_told(job), 202, {"Location": f"/v1/jobs/{job.id}"})

    @router.get("/v1/layers/{layer}/versions/{number}/dry-run")
    async def told(layer: str, number: str, caller: Caller = read) -> Response:
        found = await version_at(catalog, layer, number)
        its = _which(found)
        newest = await asked(catalog.jobs.newest, DRY_RUN, **its)
        if newest is None:
            detail = f"There was no dry run of version {found.number} of layer {layer!r}. POST here to begin one."
            raise Problem(404, "Not there", detail)
        done = newest if newest.state == DONE else await asked(catalog.jobs.newest, DRY_RUN, **its, state=DONE)
        result = None if done is None else done.result
        if result is not None and not (caller.may(DEVICES) and caller.device is None):
            result = ports.dry_runs.without_devices(result)
        return answer(DryRunTold(job_told(newest), result), headers={"Cache-Control": "no-store"})

    return router


def _which(version: Version) -> dict[str, Any]:
    """A version as jobs name it."""
    return {"layer": version.layer, "version": version.number}
