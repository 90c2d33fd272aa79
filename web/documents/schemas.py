"""JSON Schemas (draft 2020-12) of the types that the code reads and writes.

Under the documents of the log and of HTTP. Invariant: fields, types and which of them have to be there come from the
types themselves; what a type can't say (a range that is judged in columns, a unit) is added from `fields`, which come
from whoever owns the types.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Schema = dict[str, Any]
Fields = Mapping[str, Mapping[str, Mapping[str, Any]]]  # type, field, key of the schema; None takes a key away
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"  # nor a line end as the last, before which $ would match
_REF = "$ref"


def schemas_of(kinds: Sequence[Any], *, at: str, fields: Fields) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema for each type, and those that they refer to by name; `at` is where these will stand."""
    found, named = msgspec.json.schema_components(kinds, schema_hook=_hook, ref_template=f"{at}{{name}}")
    for name, schema in named.items():
        _complete(schema, fields.get(name, {}))
    return list(found), {name: named[name] for name in sorted(named)}


def alone(kind: Any, *, title: str, identifier: str, fields: Fields) -> Schema:
    """A schema that needs no other document."""
    (schema,), named = schemas_of([kind], at="#/$defs/", fields=fields)
    if schema.keys() == {_REF}:
        schema = named.pop(schema[_REF].rpartition("/")[2])
    made: Schema = {"$schema": DIALECT, "$id": identifier, **schema, "title": title}
    return {**made, "$defs": named} if named else made


def _hook(kind: type) -> Schema:
    """Values of any type."""
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError(f"{kind} has no schema; use a type that msgspec knows")


def _complete(schema: Schema, more: Mapping[str, Mapping[str, Any]]) -> None:
    """Add what the type does not say; defaults that only stand for "absent" are no part of the document."""
    properties = schema.get("properties", {})
    for field in properties.values():
        if isinstance(field.get("default"), float) and math.isnan(field["default"]):
            del field["default"]
    for field_name, said in more.items():
        its = properties[field_name]
        for key, value in said.items():
            if value is None:
                its.pop(key, None)
            elif "anyOf" in its and key not in ("description", "examples"):
                its["anyOf"][0][key] = value
            else:
                its[key] = value
