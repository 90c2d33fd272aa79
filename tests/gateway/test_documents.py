"""The OpenAPI document: every route is in it and no other, it is valid, and docs/ has what the code says."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from embedded import Embedded
from routes import Route, routes

from catalog.keys import SCOPES
from service.documents import DOCS, documents, main
from service.endpoints import api
from web.documents.openapi import openapi

DOCUMENT = openapi(api())


def operations() -> Iterator[tuple[Route, dict[str, Any]]]:
    """What the document has."""
    for path, methods in DOCUMENT["paths"].items():
        for method, told in methods.items():
            yield (method.upper(), path), told


def test_every_route_is_in_the_document_and_no_other() -> None:
    told = {route for route, _ in operations()}
    assert routes() - told == set(), "not in the document"
    assert told - routes() == set(), "not in the application"
    assert len(told) == len(api().operations), "told twice"


def test_the_document_is_valid_openapi_and_its_references_lead_somewhere() -> None:
    schemathesis.openapi.from_dict(json.loads(json.dumps(DOCUMENT))).validate()
    wanted = set(_references(DOCUMENT))
    assert wanted
    for reference in wanted:
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_example_is_what_its_schema_says() -> None:
    contents = list(_contents(DOCUMENT))
    assert len([one for one in contents if "example" in one]) > 60
    for one in contents:
        if "example" in one:
            schema = {**one["schema"], "components": DOCUMENT["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            assert [str(error) for error in validator.iter_errors(one["example"])] == []


def test_every_operation_has_its_scope_and_every_refusal_is_problem_json() -> None:
    names = [told["operationId"] for _, told in operations()]
    assert len(set(names)) == len(names)
    for route, told in operations():
        scopes = {scope for way in told["security"] for needed in way.values() for scope in needed}
        assert scopes <= set(SCOPES), route
        refused = {status: answer for status, answer in told["responses"].items() if status >= "400"}
        assert all(answer["$ref"] == f"#/components/responses/{status}" for status, answer in refused.items())
    for status, answer in DOCUMENT["components"]["responses"].items():
        assert list(answer["content"]) == ["application/problem+json"]
        assert answer["content"]["application/problem+json"]["example"]["status"] == int(status)


def test_the_document_is_given_to_any_key_and_to_nobody_without(gateway_of_module: Embedded) -> None:
    for scope in ("pings:write", "boundaries:read", "admin"):
        answer = gateway_of_module.ask("/v1/openapi.json", gateway_of_module.key(scope))
        assert answer.status == 200
        assert answer.body == json.loads((DOCS / "openapi.json").read_text())
    assert gateway_of_module.ask("/v1/openapi.json", "").status == 401


def test_what_docs_has_is_what_the_code_says() -> None:
    assert main(["--check"]) == 0, "run: python -m service.documents"


def test_a_stale_a_missing_and_a_left_over_document_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    assert main([], docs) == 0
    assert main(["--check"], docs) == 0
    assert {os.path.relpath(path, docs) for path in tmp_path.rglob("*") if path.is_file()} == set(documents())
    (docs / "openapi.json").write_text("{}")
    (docs / "schemas" / "ping.json").unlink()
    (docs / "schemas" / "older.json").write_text("{}")
    (tmp_path / "examples" / "typescript" / "events.ts").unlink()
    assert main(["--check"], docs) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said] == [
        "examples/typescript/events.ts",
        "docs/openapi.json",
        "docs/schemas/older.json",
        "docs/schemas/ping.json",
    ]
    assert all("python -m service.documents" in line for line in said)
    assert main([], docs) == 0
    assert main(["--check"], docs) == 0
    assert main(["--chek"], docs) == 2


def _references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for value in document.values():
            yield from _references(value)
    elif isinstance(document, list):
        for value in document:
            yield from _references(value)


def _contents(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every body that the document has."""
    for _, told in operations():
        for one in (told.get("requestBody", {}), *told["responses"].values()):
            yield from one.get("content", {}).values()
        yield from told.get("parameters", ())
    for one in document["components"]["responses"].values():
        yield from one["content"].values()
