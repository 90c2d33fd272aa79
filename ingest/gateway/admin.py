"""Keys, devices and the audit over HTTP, for administrators; and the exchange of a one-time code for a key.

What the command line does too (`geofence keys`, `geofence devices`). Invariants: a key's text is in one answer, once;
each act leaves a line in the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter, Depends, Request, Response

from catalog import Catalog
from geofence.control import Consent
from ingest.gateway.consents import Consents
from ingest.gateway.forms import AuditLines, Code, CodeMade, Enrolled, KeyList, KeyMade, NewDevice, NewKey
from ingest.gateway.settings import GatewaySettings
from web.access import Access, allow
from web.asking import answer, asked, decoded
from web.body import read_body, read_small_body
from web.caller import Caller
from web.paging import limit_of
from web.problem import Problem

_CODE_BYTES = 1000  # of a request with a code, at most: whoever sends one has shown nothing yet


class Admin:
    """What the endpoints do."""

    def __init__(
        self,
        catalog: Catalog,
        access: Access,
        consents: Consents,
        settings: GatewaySettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._catalog, self._access, self._consents = catalog, access, consents
        self._settings, self._now_ms = settings, now_ms

    def router(self) -> APIRouter:
        """The endpoints."""
        router, admin = APIRouter(), Depends(allow(self._access, "admin"))

        @router.post("/v1/keys")
        async def create_key(request: Request, caller: Caller = admin) -> Response:
            new = decoded(await read_body(request, self._settings.body_limits), NewKey)
            its = {name: getattr(new, name) for name in ("name", "scopes", "device", "user", "expires_ms")}
            key, text = await asked(self._catalog.keys.create, by=caller.name, now_ms=self._now_ms(), **its)
            return answer(KeyMade(**asdict(key), key=text), 201)

        @router.get("/v1/keys")
        async def list_keys(_: Caller = admin) -> Response:
            return answer(KeyList(await asked(self._catalog.keys.list)))

        @router.delete("/v1/keys/{key_id}")
        async def revoke_key(key_id: str, caller: Caller = admin) -> Response:
            return answer(await asked(self._catalog.keys.revoke, key_id, by=caller.name, now_ms=self._now_ms()))

        @router.get("/v1/audit")
        async def audit(before_ms: str | None = None, limit: str | None = None, _: Caller = admin) -> Response:
            before = None if before_ms is None else _time_ms(before_ms)
            return answer(AuditLines(await asked(self._catalog.audit.lines, most=limit_of(limit), before=before)))

        @router.post("/v1/devices")
        async def add_device(request: Request, caller: Caller = admin) -> Response:
            new = decoded(await read_body(request, self._settings.body_limits), NewDevice)
            its = {"user": new.user, "grants_consent": new.grants_consent}
            code = await asked(self._catalog.devices.add, new.device, by=caller.name, now_ms=self._now_ms(), **its)
            return answer(CodeMade(new.device, code), 201)

        @router.post("/v1/enrol")
        async def enrol(request: Request) -> Response:
            return await self._enrol(request)

        return router

    async def _enrol(self, request: Request) -> Response:
        """A device's key for its code; first its consent is recorded if enrolling grants it, as a code is good once."""
        new = decoded(await read_small_body(request, self._settings.body_limits, _CODE_BYTES), Code)
        now_ms = self._now_ms()
        self._access.check_failures(request)
        try:
            found = await asked(self._catalog.devices.peek, new.code, now_ms=now_ms)
            if found.grants_consent and not self._settings.consent_by_first_ping:
                await self._consents.record(Consent(device=found.device, given=True, at_ms=now_ms))
            key, text = await asked(self._catalog.devices.redeem, new.code, now_ms=now_ms)
        except Problem as problem:
            if problem.status == 404:
                self._access.note_failure(request)
            raise
        return answer(Enrolled(key.device, key.user, text), 201)


def _time_ms(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Problem(400, "No such time", f"before_ms is {text[:20]!r}; allowed: whole Unix milliseconds.")
    return int(text)
