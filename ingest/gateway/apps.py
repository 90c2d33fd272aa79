"""The apps' endpoints: `/v1/clients/NAME`, and the same with a key behind it for apps that can only be given a URL.

Between HTTP and `clients`, whose adapters know one app each. Invariants: what is refused for good is answered as
delivered, counted and kept for its device, as the apps send again what is not accepted, for ever; what may yet go well
is 503 with Retry-After, never 429, as some delete what is answered by 4xx; a key in a path is in no log and no answer.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from ingest.clients.amazon import AMAZON
from ingest.clients.client import Client, Heard, Said, Unfit
from ingest.clients.gpslogger import GPSLOGGER
from ingest.clients.homeassistant import HOMEASSISTANT
from ingest.clients.overland import OVERLAND
from ingest.clients.owntracks import OWNTRACKS
from ingest.clients.traccar import TRACCAR
from ingest.gateway.intake import Intake
from ingest.gateway.settings import GatewaySettings
from web.access import Access
from web.body import read_body
from web.caller import Caller
from web.problem import Problem, come_again

CLIENTS = (OWNTRACKS, TRACCAR, OVERLAND, GPSLOGGER, HOMEASSISTANT, AMAZON)
_ELSEWHERE = {
    HOMEASSISTANT.name: ("/api/webhook/{key}",),
    AMAZON.name: ("/v1/clients/amazon/{key}/tracking/v0/trackers/{tracker}/positions",),
}
_TRANSIENT = (408, 429)
_NEVER = {413: "body_too_large", 415: "body_encoding"}  # a body that will be as wrong the next time
_CUT_OFF = "Cut off"
_LARGE = 1 << 19  # bytes from which reading leaves the event loop


class Apps:
    """Hears the apps out."""

    def __init__(self, access: Access, intake: Intake, settings: GatewaySettings, now_ms: Callable[[], int]) -> None:
        self._access, self._intake, self._now_ms = access, intake, now_ms
        self._limits = replace(settings.body_limits, plain_bytes=settings.body_bytes)  # no app packs more

    async def hear(self, client: Client, request: Request) -> Response:
        """Answer a request of an app. Raises Problem, never one by which an app would lose what may yet be taken."""
        try:
            caller = await self._access.caller(request, "pings:write", key=request.path_params.get("key"))
            heard = await self._heard(client, request)
            if heard.nameless and caller.device is None:
                raise _who(heard.nameless)
            _speak(client, heard, caller)
            taken = await self._intake.take(heard.sent, caller)
        except Problem as problem:
            raise _patient(problem) from None
        self._intake.refuse(heard.unfit, caller)
        refused = [*taken.refused, *(one for _, one in heard.unfit)]
        refused.sort(key=lambda one: one.index)
        return Response(client.answer(heard, refused), media_type=client.media_type)

    async def _heard(self, client: Client, request: Request) -> Heard:
        """What the request says; a body that can never be read says nothing, which is a refusal."""
        try:
            body = await read_body(request, self._limits)
        except Problem as problem:
            if problem.status in _TRANSIENT or problem.status == 503:
                raise
            if problem.title == _CUT_OFF:
                raise come_again("The body did not come to its end.") from None
            heard = Heard()
            heard.refuse(0, "", Unfit("", problem.detail, _NEVER.get(problem.status, "unreadable")))
            return heard
        headers = {name: _utf8(value) for name, value in request.headers.items()}
        said = Said(body, request.query_params, headers, _login(headers), self._now_ms())
        return client.read(said) if len(body) < _LARGE else await asyncio.to_thread(client.read, said)


def apps_router(access: Access, intake: Intake, settings: GatewaySettings, now_ms: Callable[[], int]) -> APIRouter:
    """The endpoints of all apps."""
    router, apps = APIRouter(), Apps(access, intake, settings, now_ms)
    for client in CLIENTS:
        for path in paths_of(client):
            _mount(router, path, apps, client)
    return router


def paths_of(client: Client) -> tuple[str, ...]:
    """Where an app may send to."""
    at = f"/v1/clients/{client.name}"
    return (at, f"{at}/{{key}}", *_ELSEWHERE.get(client.name, ()))


def _mount(router: APIRouter, path: str, apps: Apps, client: Client) -> None:
    """Answer at this path, and with a slash behind it: a redirect is no 2xx to an app, and would have the key in it."""

    async def hear(request: Request) -> Response:
        return await apps.hear(client, request)

    for method in client.methods:
        router.add_api_route(path, hear, methods=[method])
        router.add_api_route(f"{path}/", hear, methods=[method], include_in_schema=False)


def _speak(client: Client, heard: Heard, caller: Caller) -> None:
    """A key that is for one device says which it is, whatever the app calls itself.

    Not where a request for a fleet speaks of several: of them only the key's own device can be meant.
    """
    records = heard.sent.records
    if caller.device is None or (client.fleet and len(_named(heard)) > 1):
        return
    for record in records:
        record.device, record.user = caller.device, ""


def _named(heard: Heard) -> set[str]:
    """The devices that a request speaks of, in rows that can be read and in those that can't."""
    return {record.device for record in heard.sent.records} | {device for device, _ in heard.unfit if device}


def _patient(problem: Problem) -> Problem:
    """What may yet go well, in the one form that makes every app keep its positions."""
    if problem.status not in _TRANSIENT:
        return problem
    return come_again(problem.detail, after_s=int(problem.headers.get("Retry-After", "1")))


def _who(status: int) -> Problem:
    detail = (
        "The request does not say which device it is. Set the device's id in the app, or use a key bound to a device."
    )
    return Problem(status, "Unknown device", detail)


def _login(headers: dict[str, str]) -> str:
    """The user name of HTTP Basic; empty if there is none."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _utf8(value: str) -> str:
    """A header's value as the apps write it: HTTP gives its bytes as Latin-1."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")
