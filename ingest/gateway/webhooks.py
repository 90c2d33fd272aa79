"""`/v1/webhooks`: where region changes are sent to, for administrators. What sends them is `ingest/webhooks`.

Between the catalog, which the sending processes follow, and whoever has the scope `admin`. Invariants: a secret is in
one answer, the one that made it; the test goes where a delivery would, by the same rules; each act is in the audit.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from secrets import token_hex
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from catalog import Catalog
from catalog.deliveries import Progress
from catalog.webhooks import Filters, Webhook
from geofence.instant import text_of
from ingest.gateway.access import Access, allow
from ingest.gateway.asking import asked, decoded
from ingest.gateway.body import read_body
from ingest.gateway.bookmark import bookmark_of
from ingest.gateway.caller import Caller
from ingest.gateway.history import History
from ingest.gateway.problem import Problem
from ingest.gateway.settings import GatewaySettings
from ingest.gateway.told import TYPES
from ingest.webhooks.address import Addresses
from ingest.webhooks.delivery import Receiver
from ingest.webhooks.settings import WebhookSettings
from ingest.webhooks.target import check_url

SCOPE = "admin"
TEST_TYPE = "geofence.webhook.test"
_MOST_VALUES, _MOST_BYTES = 1000, 256


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook to be made; a filter that is left out lets all through."""

    url: str
    layers: list[str] = []
    devices: list[str] = []
    types: list[str] = []
    regions: list[str] = []


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another; what is left out stays."""

    url: str | None = None
    layers: list[str] | None = None
    devices: list[str] | None = None
    types: list[str] | None = None
    regions: list[str] | None = None
    state: Literal["paused"] | None = None


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """From when on all is to be sent again: when the log received it."""

    from_ms: int


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
        self._settings, self._now_ms = settings, now_ms

    def router(self) -> APIRouter:
        """The endpoints."""
        router, admin = APIRouter(prefix="/v1/webhooks"), Depends(allow(self._access, SCOPE))

        @router.post("", status_code=201)
        async def create(request: Request, caller: Caller = admin) -> dict[str, Any]:
            return await self._create(decoded(await read_body(request, self._settings), NewWebhook), caller)

        @router.get("")
        async def list_all(_: Caller = admin) -> dict[str, Any]:
            return {"webhooks": [_told(*one) for one in await asked(self._webhooks.list)]}

        @router.get("/{webhook}")
        async def get(webhook: str, _: Caller = admin) -> dict[str, Any]:
            return _told(*await asked(self._webhooks.get, webhook))

        @router.patch("/{webhook}")
        async def change(webhook: str, request: Request, caller: Caller = admin) -> dict[str, Any]:
            change = decoded(await read_body(request, self._settings), WebhookChange)
            return await self._change(webhook, change, self._by(caller))

        @router.delete("/{webhook}", status_code=204)
        async def remove(webhook: str, caller: Caller = admin) -> Response:
            await asked(self._webhooks.remove, webhook, **self._by(caller))
            return Response(status_code=204)

        @router.post("/{webhook}/test")
        async def test(webhook: str, _: Caller = admin) -> dict[str, Any]:
            found, _progress = await asked(self._webhooks.get, webhook)
            return await self._test(found)

        @router.post("/{webhook}/resume")
        async def resume(webhook: str, caller: Caller = admin) -> dict[str, Any]:
            return _told(*await asked(self._webhooks.resume, webhook, **self._by(caller)))

        @router.post("/{webhook}/replay")
        async def replay(webhook: str, request: Request, caller: Caller = admin) -> dict[str, Any]:
            since = decoded(await read_body(request, self._settings), Replay)
            return await self._replay(webhook, since.from_ms, self._by(caller))

        @router.post("/{webhook}/secret")
        async def rotate(webhook: str, caller: Caller = admin) -> dict[str, Any]:
            found, progress = await asked(self._webhooks.rotate, webhook, **self._by(caller))
            return {**_told(found, progress), "secret": found.secret}

        return router

    def _by(self, caller: Caller) -> dict[str, Any]:
        return {"by": caller.name, "now_ms": self._now_ms()}

    async def _create(self, new: NewWebhook, caller: Caller) -> dict[str, Any]:
        """A webhook that begins now, and its secret."""
        self._check_url(new.url)
        filters = _checked(Filters(*map(tuple, (new.layers, new.devices, new.types, new.regions))))
        its = self._by(caller)
        marks = await self._history.begin(None, "now", name="from", now_ms=its["now_ms"])
        made, progress = await asked(self._webhooks.create, url=new.url, filters=filters, marks=marks, **its)
        return {**_told(made, progress), "secret": made.secret}

    async def _change(self, webhook: str, change: WebhookChange, its: dict[str, Any]) -> dict[str, Any]:
        """Another place, other filters, or a pause."""
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
        if not given:
            fields = ", ".join(WebhookChange.__struct_fields__)
            raise Problem(422, "Nothing to change", f"The body names nothing; allowed: one or more of {fields}.")
        if change.url is not None:
            self._check_url(change.url)
        lists = {name: tuple(values) for name, values in given.items() if isinstance(values, list)}
        found, progress = await asked(self._webhooks.get, webhook)
        filters = _checked(replace(found.filters, **lists)) if lists else None
        if change.url is not None or filters is not None:
            found, progress = await asked(self._webhooks.change, webhook, url=change.url, filters=filters, **its)
        if change.state is not None:
            found, progress = await asked(self._webhooks.pause, webhook, **its)
        return _told(found, progress)

    async def _replay(self, webhook: str, from_ms: int, its: dict[str, Any]) -> dict[str, Any]:
        """Go back, or on, to a time."""
        if not 0 <= from_ms <= its["now_ms"]:
            raise Problem(422, "No such time", f"from_ms is {from_ms}; allowed: 0 to now ({its['now_ms']}).")
        since = text_of(from_ms)
        marks = await self._history.begin(None, since, name="from", now_ms=its["now_ms"])
        return _told(*await asked(self._webhooks.replay, webhook, marks=marks, from_ms=from_ms, **its))

    async def _test(self, webhook: Webhook) -> dict[str, Any]:
        """Deliver an event that tells of nothing; what came of it."""
        now_ms, message_id = self._now_ms(), f"test-{token_hex(12)}"
        body = msgspec.json.encode(
            {
                "specversion": "1.0",
                "id": message_id,
                "source": "geofence",
                "type": TEST_TYPE,
                "time": text_of(now_ms),
                "datacontenttype": "application/json",
                "data": {"webhook": webhook.id},
            }
        )
        settings = WebhookSettings(private_addresses=self._settings.private_addresses)
        addresses = Addresses(private_addresses=settings.private_addresses)
        receiver = Receiver(webhook.url, addresses, await asyncio.to_thread(_tls), settings, self._now_ms)
        try:
            answer = await receiver.send(message_id, body, webhook.signing(now_ms))
        finally:
            await receiver.close()
            addresses.close()
        its = {"status": answer.status, "answer": answer.text, "took_ms": answer.took_ms}
        return {"id": message_id, "delivered": answer.taken, **its}

    def _check_url(self, url: str) -> None:
        try:
            check_url(url, private_addresses=self._settings.private_addresses)
        except ValueError as error:
            raise Problem(422, "No such address", f"{error}.") from None


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _checked(filters: Filters) -> Filters:
    """The filters, with types in their short form. Raises Problem."""
    types = tuple(one.removeprefix("geofence.region.") for one in filters.types)
    wrong = [one for one in types if one not in TYPES]
    if wrong:
        raise Problem(422, "No such type", f"types has {wrong[0][:60]!r}; allowed: {', '.join(TYPES)}.")
    for name, values in asdict(filters).items():
        odd = [one for one in values if not 0 < len(one.encode("utf-8", "surrogatepass")) <= _MOST_BYTES]
        if odd or len(values) > _MOST_VALUES:
            found = f"{odd[0][:60]!r}" if odd else f"{len(values)} values"
            allowed = f"allowed: at most {_MOST_VALUES} values of 1 to {_MOST_BYTES} bytes"
            raise Problem(422, "No such filter", f"{name} has {found}; {allowed}.")
    return replace(filters, types=types)


def _told(webhook: Webhook, progress: Progress) -> dict[str, Any]:
    """A webhook as it is shown: without its secrets."""
    last = {"at_ms": progress.last_ms, "status": progress.last_status, "answer": progress.last_answer}
    return {
        "id": webhook.id,
        "url": webhook.url,
        **{name: list(values) for name, values in asdict(webhook.filters).items()},
        "state": webhook.state,
        "reason": webhook.reason,
        "since_ms": webhook.since_ms,
        "created_ms": webhook.created_ms,
        "former_secret_until_ms": webhook.former_until_ms,
        "delivered": progress.delivered,
        "failures": progress.failures,
        "failing_since_ms": progress.failing_since_ms,
        "next_try_ms": progress.next_try_ms,
        "last": None if progress.last_ms is None else last,
        "lost": progress.lost,
        "position": bookmark_of(progress.marks),
    }
