"""`/v1/webhooks`: where region changes are sent to, for administrators. What sends them is `ingest/webhooks`.

Between the catalog, which the sending processes follow, and whoever has the scope `admin`. Invariants: a secret is in
one answer, the one that made it; the test goes where a delivery would, by the same rules; each act is in the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from catalog import Catalog
from catalog.audit import Line
from catalog.webhook import Filters, Webhook
from geofence.instant import text_of
from ingest.gateway.history import History
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.webhook_forms import (
    NewWebhook,
    Replay,
    Trial,
    WebhookChange,
    WebhookList,
    WebhookMade,
    WebhookTold,
    checked,
    made,
    told,
)
from ingest.webhooks.settings import WebhookSettings
from ingest.webhooks.target import check_url
from ingest.webhooks.trial import try_out
from web.access import Access, allow
from web.asking import answer, asked, decoded
from web.body import read_body
from web.caller import Caller
from web.problem import Problem

SCOPE = "admin"


class WebhooksEndpoint:
    """What the endpoints do."""

    def __init__(
        self,
        access: Access,
        catalog: Catalog,
        history: History,
        settings: GatewaySettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._access, self._webhooks, self._history = access, catalog.webhooks, history
        self._audit = catalog.audit
        self._settings, self._now_ms = settings, now_ms

    def router(self) -> APIRouter:
        """The endpoints."""
        router, admin = APIRouter(prefix="/v1/webhooks"), Depends(allow(self._access, SCOPE))

        @router.post("")
        async def create(request: Request, caller: Caller = admin) -> Response:
            new = decoded(await read_body(request, self._settings.body_limits), NewWebhook)
            return answer(await self._create(new, caller), 201)

        @router.get("")
        async def list_all(_: Caller = admin) -> Response:
            return answer(WebhookList([told(*one) for one in await asked(self._webhooks.list)]))

        @router.get("/{webhook}")
        async def get(webhook: str, _: Caller = admin) -> Response:
            return answer(told(*await asked(self._webhooks.get, webhook)))

        @router.patch("/{webhook}")
        async def change(webhook: str, request: Request, caller: Caller = admin) -> Response:
            change = decoded(await read_body(request, self._settings.body_limits), WebhookChange)
            return answer(await self._change(webhook, change, self._by(caller)))

        @router.delete("/{webhook}", status_code=204)
        async def remove(webhook: str, caller: Caller = admin) -> Response:
            await asked(self._webhooks.remove, webhook, **self._by(caller))
            return Response(status_code=204)

        @router.post("/{webhook}/test")
        async def test(webhook: str, caller: Caller = admin) -> Response:
            found, _progress = await asked(self._webhooks.get, webhook)
            await asked(self._audit.note, Line(self._now_ms(), caller.name, "webhook.test", webhook, {}))
            return answer(await self._try(found))

        @router.post("/{webhook}/resume")
        async def resume(webhook: str, caller: Caller = admin) -> Response:
            return answer(told(*await asked(self._webhooks.resume, webhook, **self._by(caller))))

        @router.post("/{webhook}/replay")
        async def replay(webhook: str, request: Request, caller: Caller = admin) -> Response:
            since = decoded(await read_body(request, self._settings.body_limits), Replay)
            return answer(await self._replay(webhook, since.from_ms, self._by(caller)))

        @router.post("/{webhook}/secret")
        async def rotate(webhook: str, caller: Caller = admin) -> Response:
            return answer(made(*await asked(self._webhooks.rotate, webhook, **self._by(caller))))

        return router

    def _by(self, caller: Caller) -> dict[str, Any]:
        return {"by": caller.name, "now_ms": self._now_ms()}

    async def _create(self, new: NewWebhook, caller: Caller) -> WebhookMade:
        """A webhook that begins now, and its secret."""
        self._check_url(new.url)
        filters = checked(Filters(*map(tuple, (new.layers, new.devices, new.types, new.regions))))
        its = self._by(caller)
        marks = await self._history.begin(None, "now", name="from", now_ms=its["now_ms"])
        return made(*await asked(self._webhooks.create, url=new.url, filters=filters, marks=marks, **its))

    async def _change(self, webhook: str, change: WebhookChange, its: dict[str, Any]) -> WebhookTold:
        """Another place, other filters, or a pause."""
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
        if not given:
            fields = ", ".join(WebhookChange.__struct_fields__)
            raise Problem(422, "Nothing to change", f"The body names nothing; allowed: one or more of {fields}.")
        if change.url is not None:
            self._check_url(change.url)
        lists = {name: tuple(values) for name, values in given.items() if isinstance(values, list)}
        good = checked(Filters(**lists))
        its |= {"url": change.url, "lists": {name: getattr(good, name) for name in lists}}
        return told(*await asked(self._webhooks.change, webhook, pause=change.state is not None, **its))

    async def _replay(self, webhook: str, from_ms: int, its: dict[str, Any]) -> WebhookTold:
        """Go back, or on, to a time."""
        if not 0 <= from_ms <= its["now_ms"]:
            raise Problem(422, "No such time", f"from_ms is {from_ms}; allowed: 0 to now ({its['now_ms']}).")
        since = text_of(from_ms)
        marks = await self._history.begin(None, since, name="from", now_ms=its["now_ms"])
        return told(*await asked(self._webhooks.replay, webhook, marks=marks, from_ms=from_ms, **its))

    async def _try(self, webhook: Webhook) -> Trial:
        """Deliver an event that tells of nothing; what came of it."""
        settings = WebhookSettings(private_addresses=self._settings.private_addresses)
        message_id, got = await try_out(webhook, settings, self._now_ms)
        return Trial(message_id, got.taken, got.status, got.text, got.took_ms)

    def _check_url(self, url: str) -> None:
        try:
            check_url(url, private_addresses=self._settings.private_addresses)
        except ValueError as error:
            raise Problem(422, "No such address", f"{error}.") from None
