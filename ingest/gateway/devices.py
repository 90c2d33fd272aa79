"""A device's consent and erasure, and what was refused of it lately.

Consent and erasure are control records in the log, so that they take effect in the order of the pings. Invariant: a
device's own key, or an admin, and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Request, Response

from geofence.control import Consent, InvalidControl, check_name
from ingest.gateway.consents import Consents
from ingest.gateway.erasing import Erasing
from ingest.gateway.forms import ConsentNow, ConsentSaid, RefusalsOf
from ingest.gateway.refusals import Refusals
from web.access import Access
from web.asking import answer
from web.caller import Caller
from web.problem import Problem


def devices_router(
    access: Access,
    erasing: Erasing,
    consents: Consents,
    refusals: Refusals,
    now_ms: Callable[[], int],
) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/v1/devices/{device:path}")

    async def own(device: str, request: Request) -> Caller:
        """The device's own key, or an admin."""
        caller = await access.caller(request, "pings:write")
        if caller.device != device and not caller.may("admin"):
            raise Problem(
                403, "Not allowed", f"Only the key of this device, or an admin, may do this; not {caller.name}."
            )
        try:
            check_name("device", device)  # other names could be keys of the log that are no devices
        except InvalidControl as fault:
            raise Problem(400, "No such device", str(fault)) from None
        check_ending(request, device)
        return caller

    owner = Depends(own)

    async def say(device: str, given: bool) -> Response:
        at_ms = now_ms()
        await consents.record(Consent(device=device, given=given, at_ms=at_ms))
        return answer(ConsentSaid(device, "given" if given else "withdrawn", at_ms))

    @router.get("/consent", dependencies=[Depends(own)])
    async def get_consent(device: str) -> Response:
        return answer(ConsentNow(device, consents.said(device).name.lower(), consents.given(device)))

    @router.put("/consent", dependencies=[Depends(own)])
    async def give_consent(device: str) -> Response:
        return await say(device, given=True)

    @router.delete("/consent", dependencies=[Depends(own)])
    async def withdraw_consent(device: str) -> Response:
        return await say(device, given=False)

    @router.get("/refusals", dependencies=[Depends(own)])
    async def get_refusals(device: str) -> Response:
        return answer(RefusalsOf(device, refusals.of(device)))

    @router.delete("")
    async def erase(device: str, caller: Caller = owner) -> Response:
        erased = await erasing.erase(device, caller)
        consents.forget(device)
        refusals.forget(device)
        return answer(erased)

    return router


def check_ending(request: Request, device: str) -> None:
    """What is behind a device's name must not be a part of it: what looks like an act may be its name's end."""
    behind = request.scope["path"].removeprefix(f"/v1/devices/{device}").lstrip("/")
    last = unquote(request.scope["raw_path"].decode("ascii", "replace").rpartition("/")[2])
    if behind and last != behind:
        detail = f"The path ends in {last[:60]!r}; allowed: names that do not end in /{behind}. Use another name."
        raise Problem(400, "No such device", detail)
