"""The OpenAPI 3.1 document, made from the operations; and the endpoint that gives it.

The top of this package: `OPERATIONS` is every endpoint that there is. Invariants: schemas come from the types that the
endpoints read and write; each refusal is problem+json.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from geofence.wire_events import Event
from ingest.documents.schemas import Schema, schemas_of
from ingest.gateway.access import Access
from ingest.gateway.documents.managing import DEVICES, KEYS
from ingest.gateway.documents.operation import ANY_KEY, KEY_IN_PATH, NO_KEY, TEXT, Answer, Content, Operation, Parameter
from ingest.gateway.documents.problems import problem_answers, problem_statuses
from ingest.gateway.documents.reading import ABOUT, EVENTS, WHERE
from ingest.gateway.documents.sending import APPS, PINGS
from ingest.gateway.documents.webhooks import WEBHOOKS
from ingest.gateway.problem import ProblemTold
from ingest.gateway.where import AGE

OPERATIONS: tuple[Operation, ...] = (PINGS, *APPS, *DEVICES, *KEYS, *WEBHOOKS, EVENTS, *WHERE, *ABOUT)

_AT = "#/components/schemas/"
_ALWAYS = (Event, ProblemTold)  # named by what has no type of its own
_SHOWN = ("bearer", "basic", "header")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key (`gf_...`), or a JSON Web Token."},
    "basic": {"type": "http", "scheme": "basic", "description": "The password is the key; the user name is free."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_ABOUT = {
    "title": "geofence: the gateway",
    "version": "1",
    "description": "Pings in, region changes and positions out. A key with the scope admin may do everything. Errors "
    "are problem+json (RFC 9457). See docs/api.md, docs/clients.md and docs/sdk.md.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


@cache
def openapi() -> dict[str, Any]:
    """The document."""
    kinds = list(dict.fromkeys([*_ALWAYS, *(kind for one in OPERATIONS for kind in _kinds_of(one))]))
    schemas, named = schemas_of(kinds, at=_AT)
    schema_of = dict(zip(kinds, schemas, strict=True)).__getitem__
    paths = defaultdict[str, dict[str, Any]](dict)
    for one in OPERATIONS:
        paths[one.path][one.method.lower()] = _operation(one, schema_of)
    return {
        "openapi": "3.1.0",
        "info": _ABOUT,
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "components": {
            "schemas": named,
            "responses": problem_answers(_AT + ProblemTold.__name__),
            "securitySchemes": _SCHEMES,
        },
    }


def document_router(access: Access) -> APIRouter:
    """The endpoint that gives the document."""
    router = APIRouter()

    @router.get("/v1/openapi.json")
    async def document(request: Request) -> Response:
        await access.caller(request, None)
        return Response(_written(), media_type="application/json")

    return router


@cache
def _written() -> bytes:
    return msgspec.json.encode(openapi())


def _kinds_of(one: Operation) -> Iterator[Any]:
    """The types that its bodies have."""
    for content in (*one.takes, *one.answer.contents):
        if not isinstance(content.kind, dict):
            yield content.kind
        for name in ("oneOf", "anyOf"):
            yield from content.kind.get(name, ()) if isinstance(content.kind, dict) else ()


def _operation(one: Operation, schema_of: Callable[[Any], Schema]) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": one.name, "summary": one.what, "security": _security(one.scope)}
    more = [one.more] if one.more else []
    more += [f"Scope: {one.scope}."] if one.scope not in (NO_KEY, ANY_KEY, KEY_IN_PATH) else []
    if more:
        told["description"] = " ".join(more)
    if one.parameters:
        told["parameters"] = [_parameter(its) for its in one.parameters]
    if one.takes:
        told["requestBody"] = {"required": not one.patient, "content": _contents(one.takes, schema_of)}
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in problem_statuses(one)}
    told["responses"] = {str(one.answer.status): _answer(one.answer, schema_of), **refused}
    return told


def _security(scope: str) -> list[dict[str, list[str]]]:
    """The ways to show a key; any one of them is enough."""
    if scope in (NO_KEY, KEY_IN_PATH):
        return []
    return [{name: [] if scope == ANY_KEY else [scope]} for name in _SHOWN]


def _parameter(its: Parameter) -> dict[str, Any]:
    told = {"name": its.name, "in": its.where, "description": its.what, "schema": its.schema or TEXT}
    told |= {"required": True} if its.where == "path" else {}
    return told | ({} if its.example is None else {"example": its.example})


def _answer(answer: Answer, schema_of: Callable[[Any], Schema]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": answer.what}
    if answer.aged:
        age = {"description": "All that was committed so many ms ago is in it.", "schema": {"type": "integer"}}
        told["headers"] = {AGE: {**age, "required": True}}
    return told | ({"content": _contents(answer.contents, schema_of)} if answer.contents else {})


def _contents(contents: tuple[Content, ...], schema_of: Callable[[Any], Schema]) -> dict[str, Any]:
    return {its.media: _content(its, schema_of) for its in contents}


def _content(its: Content, schema_of: Callable[[Any], Schema]) -> dict[str, Any]:
    if isinstance(its.kind, dict):
        schema = {key: [schema_of(kind) for kind in value] if key in ("oneOf", "anyOf") else value
                  for key, value in its.kind.items()}  # fmt: skip
    else:
        schema = schema_of(its.kind)
    return {"schema": schema} | ({} if its.example is None else {"example": its.example})
