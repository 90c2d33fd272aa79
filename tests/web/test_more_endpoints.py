"""Endpoints of another owner in the gateway: let in, told no and told of as the gateway's own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import jsonschema_rs
import msgspec
from fastapi import APIRouter, Depends, Request, Response

from catalog import open_catalog, upgrade
from ingest.gateway.app import gateway_app
from ingest.gateway.settings import GatewaySettings
from ingest.topics import topics
from stream.sqlite import open_log
from web.access import allow
from web.asking import answer, decoded
from web.body import read_body
from web.documents.operation import Answer, Content, Header, Operation
from web.endpoints import Described, Further, Shared
from web.problem import Problem


class Shout(msgspec.Struct, forbid_unknown_fields=True):
    """Something to be said loudly."""

    text: str


def router(shared: Shared) -> APIRouter:
    """The endpoints of this owner."""
    made = APIRouter()

    @made.post("/v1/shouts")
    async def shout(request: Request, _: object = Depends(allow(shared.access, "boundaries:write"))) -> Response:
        said = decoded(await read_body(request, shared.body_limits), Shout).text
        if said.isupper():
            raise Problem(412, "Too loud", "It is loud already. Say it quietly.")
        return answer(Shout(said.upper()))

    return made


SHOUT = Operation(
    method="POST", path="/v1/shouts", name="shout", scope="boundaries:write", what="Say it loudly",
    takes=(Content(Shout, {"text": "a"}),), refusals=(412,),
    answer=Answer("Said", (Content(Shout, {"text": "A"}),), headers=(Header("ETag", "Which one it is."),)),
)  # fmt: skip
SHOUTS = Further(Described((SHOUT,), {"Shout": {"text": {"maxLength": 9, "description": "Loud."}}}), router)


def told(folder: Path, story: Callable[[httpx.AsyncClient, Callable[..., str]], Awaitable[None]]) -> None:
    """A story with a gateway that has these endpoints, and what makes keys."""
    url = f"sqlite:{folder / 'catalog.db'}"
    upgrade(url)

    async def whole() -> None:
        with open_catalog(url) as catalog:
            async with open_log(folder / "log.db") as log:
                await log.create(topics(1))
                async with gateway_app(log, catalog, GatewaySettings(), more=[SHOUTS]) as gateway:
                    way = httpx.ASGITransport(gateway.app)
                    async with httpx.AsyncClient(transport=way, base_url="http://gateway") as client:
                        await story(
                            client, lambda *scopes: catalog.keys.create(name="k", scopes=scopes, by="t", now_ms=1)[1]
                        )

    asyncio.run(whole())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_they_let_in_and_refuse_as_the_gateways_own_do(tmp_path: Path) -> None:
    async def story(client: httpx.AsyncClient, key: Callable[..., str]) -> None:
        async def post(key: str | None, body: object) -> httpx.Response:
            return await client.post("/v1/shouts", json=body, headers=bearer(key) if key else {})

        loud = await post(key("boundaries:write"), {"text": "hello"})
        assert (loud.status_code, loud.json()) == (200, {"text": "HELLO"})
        assert (await post(key("admin"), {"text": "a"})).status_code == 200
        refused = [
            await post(None, {"text": "a"}), await post("gf_nobody", {"text": "a"}),
            await post(key("pings:write"), {"text": "a"}), await post(key("admin"), {"txt": "a"}),
            await post(key("admin"), {"text": "A"}), await post(key("admin"), {"text": "a" * 6_000_000}),
        ]  # fmt: skip
        assert [one.status_code for one in refused] == [401, 401, 403, 400, 412, 413]
        assert {one.headers["content-type"] for one in refused} == {"application/problem+json"}

    told(tmp_path, story)


def test_the_document_tells_of_them_with_their_types_headers_and_refusals(tmp_path: Path) -> None:
    async def story(client: httpx.AsyncClient, key: Callable[..., str]) -> None:
        found = (await client.get("/v1/openapi.json", headers=bearer(key("admin")))).json()
        shout = found["paths"]["/v1/shouts"]["post"]
        assert shout["security"][0] == {"bearer": ["boundaries:write"]}
        assert shout["responses"]["200"]["headers"]["ETag"]["required"]
        assert {"400", "401", "403", "412", "413"} < shout["responses"].keys()
        assert shout["responses"].keys() - {"200"} <= found["components"]["responses"].keys()
        schema = {**found["components"]["schemas"]["Shout"], "components": found["components"]}
        assert schema["properties"]["text"]["description"] == "Loud."
        assert jsonschema_rs.is_valid(schema, {"text": "short"})
        assert not jsonschema_rs.is_valid(schema, {"text": "much too long"})
        assert "/v1/pings" in found["paths"]

    told(tmp_path, story)
