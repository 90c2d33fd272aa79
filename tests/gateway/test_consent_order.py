"""Consents on their way: none overtakes another, what failed holds no longer, and no code is used up by a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog import Catalog, CatalogError, open_catalog, upgrade
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.topics import topics
from stream.port import Log, Record, Unavailable
from stream.sqlite import open_log

BY_FIRST_PING = GatewaySettings(consent="required", consent_by_first_ping=True)


class Gate:
    """A log whose appends wait while it is shut, and fail while it is away."""

    def __init__(self, log: Log) -> None:
        self.log, self.open, self.away, self.asked = log, asyncio.Event(), False, asyncio.Event()
        self.kinds: list[tuple[str, str]] = []
        self.open.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)

    async def append(self, topic: str, records: Sequence[Record], **more: Any) -> Any:
        self.asked.set()
        await self.open.wait()
        if self.away:
            raise Unavailable("away")
        found = await self.log.append(topic, records, **more)
        for one in records:
            words = bytes(one.value or b"")
            kind = "given" if b'"given":true' in words else dict(one.headers).get("kind", b"ping").decode()
            self.kinds.append(((one.key or b"").decode(), kind))
        return found


class Here:
    """A gateway in this process, before such a log."""

    def __init__(self, client: httpx.AsyncClient, log: Gate, catalog: Catalog) -> None:
        self.client, self.log, self.catalog = client, log, catalog

    def key(self, *scopes: str, **more: Any) -> str:
        return self.catalog.keys.create(name="t", scopes=scopes or ("pings:write",), by="t", now_ms=1, **more)[1]

    async def ask(self, method: str, path: str, key: str = "", **more: Any) -> httpx.Response:
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **more)

    async def ping(self, device: str, key: str) -> httpx.Response:
        ping = {"device": device, "lon": 1, "lat": 1, "time_ms": time.time_ns() // 1_000_000}
        return await self.ask("POST", "/v1/pings", key, json=ping)


@asynccontextmanager
async def here(folder: Path, settings: GatewaySettings) -> AsyncIterator[Here]:
    url = f"sqlite:{folder / 'catalog.db'}"
    upgrade(url)
    with open_catalog(url) as catalog:
        async with open_log(folder / "log.db") as log:
            await log.create(topics(1))
            gate = Gate(log)
            async with gateway_app(gate, catalog, settings) as gateway:
                transport = httpx.ASGITransport(gateway.app, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                    yield Here(client, gate, catalog)


async def waiting(*asked: Any) -> list[asyncio.Task[httpx.Response]]:
    """Requests one behind the other, each begun before the next and none answered yet."""
    tasks = []
    for one in asked:
        tasks.append(asyncio.create_task(one))
        await asyncio.sleep(0.2)
    return tasks


def test_a_consent_that_is_withdrawn_is_not_given_again_by_a_ping_that_waits(tmp_path: Path) -> None:
    async def story() -> None:
        async with here(tmp_path, BY_FIRST_PING) as gateway:
            key, other = gateway.key(grants_consent=True, device="c"), gateway.key(grants_consent=True)
            gateway.log.open.clear()
            asked = await waiting(
                gateway.ping("z", other), gateway.ping("c", key), gateway.ask("DELETE", "/v1/devices/c/consent", key)
            )
            late = await gateway.ping("c", key)
            assert [one["reason"] for one in late.json()["rejected"]] == ["no_consent"]
            gateway.log.open.set()
            assert [(await one).status_code for one in asked] == [202, 202, 200]
            said = await gateway.ask("GET", "/v1/devices/c/consent", key)
            assert said.json()["consent"] == "withdrawn"
            assert (await gateway.ping("c", key)).json()["accepted"] == 0
            assert [kind for device, kind in gateway.log.kinds if device == "c"] == ["given", "ping", "consent"]

    asyncio.run(story())


def test_an_erasure_does_not_overtake_the_pings_that_wait(tmp_path: Path) -> None:
    async def story() -> None:
        async with here(tmp_path, GatewaySettings()) as gateway:
            key, admin = gateway.key(), gateway.key("admin")
            gateway.log.open.clear()
            asked = await waiting(
                gateway.ping("z", key), gateway.ping("e", key), gateway.ask("DELETE", "/v1/devices/e", admin)
            )
            gateway.log.open.set()
            assert [(await one).status_code for one in asked] == [202, 202, 200]
            assert [kind for device, kind in gateway.log.kinds if device == "e"] == ["ping", "erase"]

    asyncio.run(story())


def test_what_did_not_get_into_the_log_was_not_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with here(tmp_path, GatewaySettings()) as gateway:
            admin = gateway.key("admin")
            gateway.log.away = True
            assert (await gateway.ask("DELETE", "/v1/devices/d/consent", admin)).status_code == 503
            assert (await gateway.ask("GET", "/v1/devices/d/consent", admin)).json()["consent"] == "nothing"

    asyncio.run(story())


def test_a_code_is_still_good_where_the_log_did_not_take_the_consent(tmp_path: Path) -> None:
    async def story() -> None:
        async with here(tmp_path, GatewaySettings(consent="required")) as gateway:
            body = {"device": "p", "grants_consent": True}
            code = (await gateway.ask("POST", "/v1/devices", gateway.key("admin"), json=body)).json()["code"]
            gateway.log.away = True
            assert (await gateway.ask("POST", "/v1/enrol", json={"code": code})).status_code == 503
            gateway.log.away = False
            answer = await gateway.ask("POST", "/v1/enrol", json={"code": code})
            assert answer.status_code == 201
            assert (await gateway.ping("p", answer.json()["key"])).json()["accepted"] == 1
            assert (await gateway.ask("POST", "/v1/enrol", json={"code": code})).status_code == 404

    asyncio.run(story())


def test_who_guesses_codes_has_to_wait_and_a_catalog_that_is_away_is_nobody_s_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with here(tmp_path, GatewaySettings(failures_a_minute=3)) as gateway:
            body = {"device": "p", "grants_consent": False}
            code = (await gateway.ask("POST", "/v1/devices", gateway.key("admin"), json=body)).json()["code"]

            async def enrol(one: str) -> int:
                return (await gateway.ask("POST", "/v1/enrol", json={"code": one})).status_code

            def away(*_: Any, **__: Any) -> None:
                raise CatalogError("away")

            with monkeypatch.context() as broken:
                broken.setattr(type(gateway.catalog.devices), "peek", away)
                assert {await enrol(code) for _ in range(5)} == {503}
            assert [await enrol("wrong") for _ in range(4)] == [404, 404, 404, 429]
            assert await enrol(code) == 429

    asyncio.run(story())


def test_what_looks_like_an_act_in_a_name_is_refused_and_withdraws_nobody_s_consent(tmp_path: Path) -> None:
    async def story() -> None:
        async with here(tmp_path, GatewaySettings()) as gateway:
            admin = gateway.key("admin")
            for method, path in (("DELETE", "x%2Fconsent"), ("PUT", "x%2fconsent"), ("GET", "x%2Frefusals")):
                answer = await gateway.ask(method, f"/v1/devices/{path}", admin)
                assert (answer.status_code, answer.json()["title"]) == (400, "No such device")
            assert gateway.log.kinds == []
            for path in ("a/b", "a%2Fb", "a%20b"):
                assert (await gateway.ask("PUT", f"/v1/devices/{path}/consent", admin)).status_code == 200
                assert (await gateway.ask("DELETE", f"/v1/devices/{path}", admin)).status_code == 200

    asyncio.run(story())
