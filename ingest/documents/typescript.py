"""The types of events and presence for TypeScript, made from their schemas.

For consumers who write in it. Invariant: what a schema allows has the type, so that a member which may be missing or
null is so in the type as well.
"""

from __future__ import annotations

from typing import Any

from ingest.documents.topics import topic_schemas
from web.documents.schemas import Schema

_HEAD = (
    "// What lies on the topics region-changes and presence. Made from docs/schemas by `python -m service.documents`.\n"
)
_NAMED = {"event": "Event", "presence": "Presence"}
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript_types() -> str:
    """A module with an interface for each type."""
    schemas = topic_schemas()
    types: dict[str, Schema] = {}
    for name, title in _NAMED.items():
        types |= {title: schemas[name], **schemas[name]["$defs"]}
    return _HEAD + "".join(_interface(title, types[title]) for title in sorted(types))


def _interface(title: str, schema: Schema) -> str:
    members = "".join(
        f"{_said(its, '  ')}  {name}{'' if name in schema['required'] else '?'}: {_type(its)}\n"
        for name, its in schema["properties"].items()
    )
    return f"\n{_said(schema, '')}export interface {title} {{\n{members}}}\n"


def _said(schema: Schema, indent: str) -> str:
    return f"{indent}/** {schema['description']} */\n" if "description" in schema else ""


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"'{one}'" for one in schema["enum"])
    return _of_kind(schema["type"], schema)


def _of_kind(kind: str, schema: dict[str, Any]) -> str:
    if kind == "array":
        return f"{_type(schema['items'])}[]"
    if kind == "object":
        return f"Record<string, {_type(schema['additionalProperties'])}>"
    return _PLAIN[kind]
