"""Keys, devices and the audit over HTTP, for administrators; and the exchange of a one-time code for a key.

What the command line does too (`geofence keys`, `geofence devices`). Invariants: a key's text is in one answer, once;
each act leaves a line in the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request

from catalog import Catalog
from catalog.keys import Key
from geofence.control import Consent
from ingest.control import order
from ingest.gateway.access import Access, allow
from ingest.gateway.asking import asked, decoded
from ingest.gateway.body import read_body
from ingest.gateway.caller import Caller
from ingest.gateway.consents import Consents
from ingest.gateway.problem import Problem
from ingest.gateway.settings import GatewaySettings
from stream.port import Log


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to be made."""

    name: str
    scopes: list[str]
    device: str | None = None
    user: str | None = None
    expires_ms: int | None = None


class NewDevice(msgspec.Struct, forbid_unknown_fields=True):
    """A device to be enrolled."""

    device: str
    user: str | None = None
    grants_consent: bool = False


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """A one-time code."""

    code: str


class Admin:
    """What the endpoints do."""

    def __init__(
        self,
        catalog: Catalog,
        access: Access,
        log: Log,
        consents: Consents,
        settings: GatewaySettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._catalog, self._access, self._log, self._consents = catalog, access, log, consents
        self._settings, self._now_ms = settings, now_ms

    def router(self) -> APIRouter:
        """The endpoints."""
        router, admin = APIRouter(), Depends(allow(self._access, "admin"))

        @router.post("/v1/keys", status_code=201)
        async def create_key(request: Request, caller: Caller = admin) -> dict[str, Any]:
            new = decoded(await read_body(request, self._settings), NewKey)
            its = {name: getattr(new, name) for name in ("name", "scopes", "device", "user", "expires_ms")}
            key, text = await asked(self._catalog.keys.create, by=caller.name, now_ms=self._now_ms(), **its)
            return {**_told(key), "key": text}

        @router.get("/v1/keys")
        async def list_keys(_: Caller = admin) -> dict[str, Any]:
            return {"keys": [_told(key) for key in await asked(self._catalog.keys.list)]}

        @router.delete("/v1/keys/{key_id}")
        async def revoke_key(key_id: str, caller: Caller = admin) -> dict[str, Any]:
            return _told(await asked(self._catalog.keys.revoke, key_id, by=caller.name, now_ms=self._now_ms()))

        @router.get("/v1/audit")
        async def audit(before_ms: int | None = None, limit: int = 100, _: Caller = admin) -> dict[str, Any]:
            most = max(1, min(1000, limit))
            lines = await asked(self._catalog.audit.lines, most=most, before=before_ms)
            return {"lines": [asdict(line) for line in lines]}

        @router.post("/v1/devices", status_code=201)
        async def add_device(request: Request, caller: Caller = admin) -> dict[str, Any]:
            new = decoded(await read_body(request, self._settings), NewDevice)
            its = {"user": new.user, "grants_consent": new.grants_consent}
            code = await asked(self._catalog.devices.add, new.device, by=caller.name, now_ms=self._now_ms(), **its)
            return {"device": new.device, "code": code, "good_for_s": 86_400}

        @router.post("/v1/enrol", status_code=201)
        async def enrol(request: Request) -> dict[str, Any]:
            return await self._enrol(request)

        return router

    async def _enrol(self, request: Request) -> dict[str, Any]:
        """A device's key for its code; its consent is recorded if enrolling grants it."""
        new = decoded(await read_body(request, self._settings), Code)
        now_ms = self._now_ms()
        try:
            key, text = await asked(self._catalog.devices.redeem, new.code, now_ms=now_ms)
        except Problem:
            self._access.note_failure(request)
            raise
        if key.grants_consent and key.device is not None and not self._settings.consent_by_first_ping:
            await order(self._log, Consent(device=key.device, given=True, at_ms=now_ms))
            self._consents.remember(key.device, given=True)
        return {"device": key.device, "user": key.user, "key": text}


def _told(key: Key) -> dict[str, Any]:
    return {**asdict(key), "scopes": sorted(key.scopes)}
