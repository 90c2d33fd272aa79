"""JSON Schemas as people read them: a type in words, an object as a table of its fields.

Under the pages of endpoints and of topics. Invariant: a type with a name is told once on a page, and linked to from
wherever it is used there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_REF = "$ref"
_PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no", "null": "null",
          "object": "object"}  # fmt: skip
_FORMS = {"date-time": "time in UTC, ISO 8601", "binary": "bytes", "uri": "address"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_SIZES = (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "entries"))


def words(schema: Schema) -> str:
    """A type in a few words, with what is allowed."""
    if _REF in schema:
        return _link(schema)
    for way in ("oneOf", "anyOf"):
        if way in schema:
            *its, last = (words(one) for one in schema[way])
            return f"{' or '.join(its)}{',' if last == 'null' else ''} or {last}" if its else last
    if "const" in schema:
        return f"`{_value(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_value(one)}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {words(schema.get('items', {}))}{_sizes(schema)}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object: a name to {words(schema['additionalProperties'])}"
    plain = _FORMS.get(schema.get("format", ""), _PLAIN.get(schema.get("type", ""), "any value"))
    return plain + "".join(f", {sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema) + _sizes(schema)


def table(schema: Schema) -> list[str]:
    """The fields of an object: name, type, meaning; those that have to be there are bold."""
    must = schema.get("required", ())
    lines = ["| field | type | |", "|---|---|---|"]
    for name, its in schema.get("properties", {}).items():
        shown = f"**`{name}`**" if name in must else f"`{name}`"
        lines.append(f"| {shown} | {cell(words(its))} | {cell(its.get('description', '') + _default(its))} |")
    return lines


def named_in(schema: Any, named: Mapping[str, Schema]) -> Iterator[str]:
    """The types that a schema leads to, itself the first of them; each may come several times."""
    if isinstance(schema, Mapping):
        if _REF in schema:
            name = _name(schema)
            yield name
            yield from named_in(named[name], named)
        for value in schema.values():
            yield from named_in(value, named)
    elif isinstance(schema, list):
        for value in schema:
            yield from named_in(value, named)


def types(names: Iterator[str], named: Mapping[str, Schema]) -> list[str]:
    """The part of a page that tells of these types, each once."""
    lines: list[str] = []
    for name in sorted(set(names)):
        its = named[name]
        lines += [f"### {name}", "", *([text(its["description"]), ""] if its.get("description") else [])]
        lines += [*(table(its) if its.get("properties") else [words(its)]), ""]
    return ["## Types", "", "Fields in bold are always there, or have to be.", "", *lines] if lines else []


def text(said: str, *, up: str = "") -> str:
    """A sentence as Markdown has it: what only looks like HTML stays what it is, pages that it names become links.

    `up` leads from the page to docs/; without it nothing becomes a link.
    """
    told = said.replace("<", "&lt;")
    return re.sub(r"\bdocs/([\w-]+\.md)", rf"[\1]({up}\1)", told) if up else told


def cell(said: str, *, up: str = "") -> str:
    """The same in a table."""
    return text(said, up=up).replace("|", "\\|").replace("\n", " ").strip()


def _name(schema: Schema) -> str:
    return str(schema[_REF]).rpartition("/")[2]


def _link(schema: Schema) -> str:
    return f"[{_name(schema)}](#{_name(schema).lower()})"


def _sizes(schema: Schema) -> str:
    found = ""
    for least, most, what in _SIZES:
        if least in schema and most in schema:
            found += f", {schema[least]} to {schema[most]} {what}"
        elif least in schema or most in schema:
            found += f", {schema[least]} or more {what}" if least in schema else f", up to {schema[most]} {what}"
    return found


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default in (None, "", [], {}) or "const" in schema else f" Default: `{_value(default)}`."


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
