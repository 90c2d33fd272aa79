"""The pages made from the code: every command, endpoint, topic and field is on them, and their examples can be used."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import click
import pytest

from service.cli import cli
from service.documents import documents
from service.reference.schemas import table, words

MADE = documents()
COMMANDS = MADE["reference/commands.md"]
ENDPOINTS = {place: page for place, page in MADE.items() if place.startswith("reference/http/")}


def commands(group: click.Group, path: str = "geofence") -> Iterator[tuple[str, click.Command]]:
    for name, its in group.commands.items():
        if isinstance(its, click.Group):
            yield from commands(its, f"{path} {name}")
        else:
            yield f"{path} {name}", its


def part(page: str, heading: str) -> str:
    """What stands below a heading, to the next of its kind."""
    return re.split(r"^## ", page.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize(("name", "its"), [*commands(cli)], ids=[name for name, _ in commands(cli)])
def test_every_command_is_told_with_its_options_and_its_exit_status(name: str, its: click.Command) -> None:
    told = part(COMMANDS, name)
    for one in its.params:
        if isinstance(one, click.Option):
            row = next(line for line in told.splitlines() if line.startswith(f"| `{one.opts[0]}"))
            assert not isinstance(one.envvar, str) or f"`{one.envvar}`" in row
            assert "Sentinel" not in row
        else:
            assert (one.metavar or one.human_readable_name) in told
    assert told.count("Exit status: 0") == 1
    assert f"| [`{name}`](#{name.replace(' ', '-')}) |" in COMMANDS


def test_examples_of_commands_stand_as_they_are_in_the_help() -> None:
    told = part(COMMANDS, "geofence boundaries upload")
    shown = [line.strip() for line in told.splitlines() if line.startswith("    geofence boundaries upload ")]
    assert len(shown) >= 2
    assert all(line in (cli.commands["boundaries"].commands["upload"].epilog or "") for line in shown[1:])  # type: ignore[attr-defined]


def test_every_endpoint_is_told_once_with_a_command_that_asks_for_it() -> None:
    paths = json.loads(MADE["openapi.json"])["paths"]
    wanted = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    told = [heading for page in ENDPOINTS.values() for heading in re.findall(r"^## ([A-Z]+ /.*)$", page, re.MULTILINE)]
    assert sorted(told) == sorted(wanted)
    front = ENDPOINTS["reference/http/README.md"]
    for page in ENDPOINTS.values():
        for heading in re.findall(r"^## ([A-Z]+ /.*)$", page, re.MULTILINE):
            method, _, path = heading.partition(" ")
            assert f"[`{heading}`](" in front
            asked = shlex.split(re.findall(r"```sh\n(.*)\n```", part(page, heading))[0])
            like = re.escape("$GEOFENCE_SERVER") + re.sub(r"\\\{\w+\\\}", "[^/{}]+", re.escape(path))
            assert re.fullmatch(like, asked[-1]), (heading, asked)
            said = asked[asked.index("-X") + 1] if "-X" in asked else "POST" if "-d" in asked else "GET"
            assert said == method, (heading, asked)


def test_every_topic_and_every_message_has_its_key_and_its_fields() -> None:
    page, log = MADE["reference/topics.md"], json.loads(MADE["asyncapi.json"])
    for name, channel in log["channels"].items():
        assert f"\n## `{name}`\n" in page
        for message in channel["messages"]:
            assert f"\n### Record: {message}\n" in page
    for name, schema in log["components"]["schemas"].items():
        below = page.split(f"\n### {name}\n")[1].partition("\n### ")[0]
        assert all(f"`{field}`" in below for field in schema.get("properties", {})), name


def test_every_attribute_of_an_event_is_on_its_page_as_the_example_has_it() -> None:
    page = MADE["reference/events.md"]
    example = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    event = json.loads(MADE["schemas/event.json"])
    assert set(example) == set(event["properties"])
    assert all(f"`{field}`" in page.partition("## Attributes")[2] for field in event["properties"])


def test_a_type_is_told_in_words() -> None:
    assert words({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}) == "whole number, ≥ 1, < 9"
    assert words({"anyOf": [{"$ref": "#/x/Place"}, {"type": "null"}]}) == "[Place](#place), or null"
    assert (
        words({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1}) == "list of `a`, `b`, 1 or more entries"
    )
    assert words({"type": "object", "additionalProperties": {"type": "string"}}) == "object: a name to text"
    assert words({}) == "any value"
    rows = table({"properties": {"a": {"type": "string", "description": "x | <y>"}, "b": {}}, "required": ["b"]})
    assert rows[2:] == ["| `a` | text | x \\| &lt;y> |", "| **`b`** | any value |  |"]
