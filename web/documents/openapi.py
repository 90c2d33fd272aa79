"""The OpenAPI 3.1 document of an application, made from its operations; and the endpoint that gives it.

Who puts the application together says which operations there are. Invariants: schemas come from the types that the
endpoints read and write; each refusal is problem+json.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from web.access import Access
from web.documents.operation import ANY_KEY, KEY_IN_PATH, NO_KEY, TEXT, Answer, Content, Operation, Parameter
from web.documents.problems import problem_answers, problem_statuses
from web.documents.schemas import Fields, Schema, schemas_of
from web.problem import ProblemTold

_AT = "#/components/schemas/"
_SHOWN = ("bearer", "basic", "header")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key (`gf_...`), or a JSON Web Token."},
    "basic": {"type": "http", "scheme": "basic", "description": "The password is the key; the user name is free."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


@dataclass(frozen=True, slots=True)
class Api:
    """All endpoints of an application, and what is said of them."""

    about: Mapping[str, Any]  # `info` of the document
    operations: tuple[Operation, ...]
    fields: Fields  # what types can't say of their fields
    kinds: tuple[Any, ...] = ()  # types that only schemas name


def openapi(api: Api) -> dict[str, Any]:
    """The document."""
    kinds = list(dict.fromkeys([*api.kinds, ProblemTold, *(kind for one in api.operations for kind in _kinds_of(one))]))
    schemas, named = schemas_of(kinds, at=_AT, fields=api.fields)
    schema_of = dict(zip(kinds, schemas, strict=True)).__getitem__
    paths = defaultdict[str, dict[str, Any]](dict)
    for one in api.operations:
        paths[one.path][one.method.lower()] = _operation(one, schema_of)
    return {
        "openapi": "3.1.0",
        "info": dict(api.about),
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "components": {
            "schemas": named,
            "responses": problem_answers(_AT + ProblemTold.__name__, api.operations),
            "securitySchemes": _SCHEMES,
        },
    }


def document_router(access: Access, api: Api) -> APIRouter:
    """The endpoint that gives the document."""
    router = APIRouter()

    @cache
    def written() -> bytes:
        return msgspec.json.encode(openapi(api))

    @router.get("/v1/openapi.json")
    async def document(request: Request) -> Response:
        await access.caller(request, None)
        return Response(written(), media_type="application/json")

    return router


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
    if answer.headers:
        told["headers"] = {
            its.name: {"description": its.what, "schema": its.schema or TEXT, "required": True}
            for its in answer.headers
        }
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
