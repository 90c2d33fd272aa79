"""`python -m service.documents`: writes the documents that are made from the code into `docs/`.

OpenAPI of the gateway, AsyncAPI of the log, JSON Schemas of what lies on the topics, of reports and of differences; the
pages of all metrics and settings, and the reference of endpoints, topics, events and commands; and into `examples/` the
types of events for TypeScript. With `--check` nothing is written: what differs is named, and the status is 1.
Invariant: the same code gives the same bytes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boundaries.difference.document import difference_schema
from boundaries.telling.document import report_schema
from ingest.documents.asyncapi import asyncapi
from ingest.documents.topics import topic_schemas
from ingest.documents.typescript import typescript_types
from service.cli import cli
from service.endpoints import api
from service.metrics_page import metrics_page
from service.reference import commands, endpoints, topics
from service.settings.known import every
from service.settings.showing import page
from web.documents.openapi import openapi

DOCS = Path(__file__).parent.parent / "docs"
SCHEMAS = "schemas"
TYPES = "../examples/typescript/events.ts"
_FOLDERS = {SCHEMAS: ".json", "reference": ".md"}  # whose files are all made here
_REMEDY = "Run: .venv/bin/python -m service.documents"


def documents() -> dict[str, str]:
    """Every document, by its place as seen from `docs/`."""
    found = {"openapi.json": openapi(api()), "asyncapi.json": asyncapi()}
    schemas = topic_schemas() | {"boundary-report": report_schema(), "boundary-difference": difference_schema()}
    found |= {f"{SCHEMAS}/{name}.json": schema for name, schema in schemas.items()}
    written = {name: json.dumps(made, indent=2, ensure_ascii=False) + "\n" for name, made in found.items()}
    pages = {"metrics.md": metrics_page(), "settings.md": page(every())}
    return written | pages | _reference(found) | {TYPES: typescript_types()}


def _reference(found: Mapping[str, Any]) -> dict[str, str]:
    """The pages for people, from the documents for programs and from the commands."""
    told = found["openapi.json"]["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]["application/json"]
    return {
        topics.TOPICS: topics.topics_page(found["asyncapi.json"]),
        topics.EVENTS: topics.events_page(found[f"{SCHEMAS}/event.json"], told["example"]["events"][0]),
        commands.PAGE: commands.commands_page(cli),
        **endpoints.endpoint_pages(found["openapi.json"]),
    }


def write(folder: Path) -> None:
    """Write all of them; a file of folders that have nothing else is removed if it is no more."""
    made = documents()
    for place in _left_over(folder, made):
        place.unlink()
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def stale(folder: Path) -> list[str]:
    """The documents that are not as the code would have them."""
    made = documents()
    differ = [name for name, text in made.items() if not _is(folder / name, text)]
    return sorted(differ + [str(place.relative_to(folder)) for place in _left_over(folder, made)])


def _is(place: Path, text: str) -> bool:
    return place.is_file() and place.read_text("utf-8") == text


def _left_over(folder: Path, made: dict[str, str]) -> list[Path]:
    places = [place for name, ending in _FOLDERS.items() for place in (folder / name).rglob(f"*{ending}")]
    return [place for place in places if place.relative_to(folder).as_posix() not in made]


def main(words: list[str], folder: Path = DOCS) -> int:
    """Write, or check; the status."""
    if words not in ([], ["--check"]):
        print(f"{' '.join(words)!r} is not known; allowed: --check, or nothing", file=sys.stderr)
        return 2
    if not words:
        write(folder)
        return 0
    found = stale(folder)
    for name in found:
        print(f"{os.path.normpath(f'docs/{name}')} is not what the code says. {_REMEDY}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
