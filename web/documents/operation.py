"""How an endpoint is told of: its parameters, what it takes, its answers, the scope that it needs.

Whoever owns endpoints has an `Operation` for each; `openapi` writes them down. Invariant: plain data; types stand for
schemas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
ANY_KEY, NO_KEY, KEY_IN_PATH = "any", "", "path"  # what may stand in place of a scope


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something in the path, the query or a header."""

    name: str
    what: str
    example: Any = None
    schema: Any = None  # None: text
    where: str = "query"


@dataclass(frozen=True, slots=True)
class Header:
    """A header that an answer always has."""

    name: str
    what: str
    schema: Any = None  # None: text


@dataclass(frozen=True, slots=True)
class Content:
    """A body of one media type; `kind` is a type, or a schema."""

    kind: Any
    example: Any = None
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered when all is well."""

    what: str
    contents: tuple[Content, ...] = ()
    status: int = 200
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    name: str
    what: str
    more: str = ""
    scope: str
    answer: Answer
    parameters: tuple[Parameter, ...] = ()
    takes: tuple[Content, ...] = ()
    refusals: tuple[int, ...] = ()  # beside those that its scope and its body bring
    patient: bool = False  # whether bodies that can't be used are answered as delivered, and "too often" is 503


def in_path(name: str, what: str, example: str) -> Parameter:
    """A part of the path."""
    return Parameter(name, what, example, where="path")


LIMIT = Parameter("limit", "How many on a page.", 50, {"type": "integer", "minimum": 1, "maximum": 1000})
AFTER = Parameter("after", "The `next` of the page before.")
