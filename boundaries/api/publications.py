"""Publishing: a version put in force, now or later, taken back by publishing an older one again, or cancelled.

Between the catalog, which keeps the order, and whoever has the scope; what carries it out is elsewhere. Invariant: who
moves more than a few devices has said how many, as a dry run has told.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from boundaries.api.asked_for import number_of, version_at
from boundaries.api.etag import seen
from boundaries.api.forms_in import Publish
from boundaries.api.forms_out import PublicationList, publication_told
from boundaries.api.jobs import DRY_RUN
from boundaries.api.ports import Ports, Stakes
from boundaries.api.scopes import PUBLISH, READ
from boundaries.api.settings import BoundarySettings
from catalog import Catalog
from catalog.job import DONE
from catalog.version import Version
from geofence.instant import ms_of
from web.access import allow
from web.asking import answer, asked, decoded
from web.body import read_body
from web.caller import Caller
from web.endpoints import Shared
from web.problem import Problem

_LATEST_MS = 366 * 86_400_000  # from now, to which something can be planned


def publications_router(shared: Shared, ports: Ports, settings: BoundarySettings) -> APIRouter:
    """The endpoints."""
    router, catalog = APIRouter(prefix="/v1/layers/{layer}"), shared.catalog
    read, publish = Depends(allow(shared.access, READ)), Depends(allow(shared.access, PUBLISH))

    @router.post("/versions/{number}/publish")
    async def plan(layer: str, number: str, request: Request, caller: Caller = publish) -> Response:
        wanted = decoded(await read_body(request, shared.body_limits), Publish)
        found = await version_at(catalog, layer, number)
        _check_seen(request, found)
        at_ms = None if wanted.at is None else _time(wanted.at, shared.now_ms())
        stakes = await _stakes(catalog, ports, found, wanted.replaces)
        _check_expect(wanted, stakes, found, settings.expect_from_share)
        made = await asked(
            catalog.publications.plan, found.layer, found.number, replaces=wanted.replaces, comment=wanted.comment,
            expect=wanted.expect, at_ms=at_ms, overtake=wanted.overtake, **shared.act(caller),
        )  # fmt: skip
        ports.workshop.wake()
        where = f"/v1/layers/{made.layer}/publications/{made.number}"
        return answer(publication_told(made), 202, {"Location": where})

    @router.get("/publications")
    async def list_all(layer: str, _: Caller = read) -> Response:
        found = await asked(catalog.publications.list, layer)
        return answer(PublicationList([publication_told(one) for one in found]))

    @router.get("/publications/{number}")
    async def get(layer: str, number: str, _: Caller = read) -> Response:
        which = number_of(number, "the publication")
        return answer(publication_told(await asked(catalog.publications.get, layer, which)))

    @router.delete("/publications/{number}")
    async def cancel(layer: str, number: str, caller: Caller = publish) -> Response:
        which = number_of(number, "the publication")
        return answer(publication_told(await asked(catalog.publications.cancel, layer, which, **shared.act(caller))))

    return router


def _check_seen(request: Request, found: Version) -> None:
    """Refuse who has seen another state of the version. Raises Problem."""
    revision = seen(request)
    if revision is not None and revision != found.revision:
        detail = f'Version {found.number} is at "{found.revision}", not at "{revision}". Look at it again.'
        raise Problem(412, "Changed", detail)


def _time(text: str, now_ms: int) -> int:
    try:
        at_ms = ms_of(text)
    except ValueError as error:
        raise Problem(400, "No such time", f"at: {error}.") from None
    if not now_ms <= at_ms <= now_ms + _LATEST_MS:
        allowed = "allowed: from now to a year ahead. Leave it out for now"
        raise Problem(422, "No such time", f"at is {text[:40]!r}; {allowed}.")
    return at_ms


async def _stakes(catalog: Catalog, ports: Ports, version: Version, replaces: int | None) -> Stakes | None:
    """How many devices it moves, if a dry run against what it replaces has told."""
    newest = catalog.jobs.newest
    job = await asked(newest, DRY_RUN, layer=version.layer, version=version.number, state=DONE)
    if job is None or job.asked.get("against") != replaces:
        return None
    return ports.dry_runs.stakes(job.result)


def _check_expect(wanted: Publish, stakes: Stakes | None, version: Version, from_share: float) -> None:
    """Refuse who may move more devices than they know of. Raises Problem."""
    if wanted.replaces is None:
        return  # nobody is in a region of it yet
    if stakes is None:
        if wanted.expect is None:
            begin = f"POST /v1/layers/{version.layer}/versions/{version.number}/dry-run"
            why = f"No dry run against version {wanted.replaces} has told how many devices this moves"
            raise Problem(409, "Not tried out", f"{why}. {begin} first.")
        return
    if wanted.expect is None and stakes.devices <= from_share * stakes.of:
        return
    if wanted.expect != stakes.devices:
        found = f"The dry run has told that {stakes.devices} of {stakes.of} devices get another region"
        said = "you did not say how many" if wanted.expect is None else f"you expect {wanted.expect}"
        detail = f"{found}; {said}. If that is meant, publish with expect {stakes.devices}."
        raise Problem(409, "How many?", detail)
